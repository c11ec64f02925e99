"""`full_text = true`: the pages that new entries link to, fetched after the feeds of a pass.

    harvests ─► new entries ─► budget ─► turns ─► fetch ─► worker: extract ─► harvests, complete
       │        (the store)              threads                                 ▲
       └───────────────────────────── shelf: bounds memory ──────────────────────┘

Pages are asked for like feeds: same guard, same limits, same pauses between two requests to a host.
Whatever fails leaves the entry as its feed gave it, for good: a known entry's page is never asked again.
"""

import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, zip_longest
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aggregator.collect.hosts import Turns, host_of
from aggregator.digest import digest_page
from aggregator.errors import (
    FetchError,
    LimitExceeded,
    ParseError,
    SourceError,
    StoreError,
    Unreachable,
    WorkerError,
)
from aggregator.model import Article, Refined, SourceState
from aggregator.options import FetchPolicy, Source
from aggregator.refine.page import Page, with_page
from aggregator.shelf import Shelf
from aggregator.store import Store

if TYPE_CHECKING:
    from aggregator.gathering import Harvest, Tools

MAX_BYTES = 4 * 1024 * 1024
THREADS = 8
PATIENCE = 1.0
ACCEPT = "text/html, application/xhtml+xml;q=0.9, */*;q=0.1"
KINDS = ("text/html", "application/xhtml+xml")
AT_ONCE = 10
"""Harvests that are brought from the shelf and stored together, at most."""
_ASK_LATER = frozenset({429, 503})
MOST_TOLLS = 3
"""Pages of one source that may hang, flood or hold a worker; after so many it is left in peace."""
_TOLLS = (WorkerError, LimitExceeded, Unreachable)


@dataclass(frozen=True, slots=True)
class Linked:
    """A new entry, as far as asking for its page takes it."""

    key: str
    title: str
    link: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """A page that is to be fetched: of which entry of which harvest."""

    harvest: int
    entry: Linked
    source: Source
    """The page, as something that can be fetched and waits for its turn."""


@dataclass(slots=True)
class Waiting:
    """A harvest on the shelf and what came of its pages so far, by the keys of its entries.

    `new` are its newest new entries with pages, `more` is how many others there are.
    """

    source: Source
    bring: Callable[[], "Harvest"]
    new: list[Linked]
    more: int
    open: set[str] = field(default_factory=set)
    pages: dict[str, Page] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    left_out: int = 0
    tolls: int = 0


class Pages:
    """The pages of one pass.

    `refused` are pages whose servers had enough, with what they said.
    """

    def __init__(self, budget: int, store: Store, tools: "Tools", turns: Turns) -> None:
        self._budget, self._store, self._tools, self._turns = budget, store, tools, turns
        self._waiting: list[Waiting] = []
        self._shelf: Shelf[Harvest] = Shelf()
        self._wanted: dict[str, Wanted] = {}
        self._results: queue.Queue[tuple[Wanted, Page | str] | None] = queue.Queue()
        self._lock = threading.Lock()
        self.refused: list[tuple[Source, FetchError]] = []

    def take_in(self, harvest: "Harvest") -> bool:
        """Whether this harvest has to wait for pages; then `complete` brings it."""
        digested = harvest.digested
        if not harvest.source.full_text or digested is None or not digested.refined.articles:
            return False
        new = self._new(harvest.source, digested.refined.articles)
        newest = [Linked(one.key, one.title, one.link) for one in new[: self._budget] if one.link]
        bring = self._shelf.put(harvest)
        self._waiting.append(Waiting(harvest.source, bring, newest, len(new) - len(newest)))
        return True

    def close(self) -> None:
        """Harvests that still wait are given up."""
        self._shelf.close()

    def _new(self, source: Source, articles: Sequence[Refined]) -> list[Refined]:
        """The entries that have pages and were never stored, the newest first."""
        try:
            known = self._store.carried(source.name, [one.key for one in articles])
        except StoreError:
            return []
        new = [one for one in articles if one.key not in known and _has_page(one)]
        return sorted(new, key=lambda one: one.published.timestamp() if one.published else 0.0, reverse=True)

    def complete(
        self, shunned: Collection[str], stop: Callable[[], bool], seconds: float
    ) -> Iterator["list[Harvest]"]:
        """The harvests that waited, as their pages come in; all of them in the end.

        No page is asked for of the sources `shunned`, nor after so many `seconds`. Once `stop` says
        so, no more come: the next pass reads those feeds again.
        """
        if not self._waiting:
            return
        self._plan(shunned)
        yield from self._finish([one for one in self._waiting if not one.open], stop)
        if stop():
            return
        begun = time.monotonic()
        threads = min(THREADS, len(self._wanted))
        self._turns.add([wanted.source for wanted in self._wanted.values()])
        for number in range(threads):
            threading.Thread(target=self._fetch_all, name=f"pages-{number}", daemon=True).start()
        while threads:
            try:
                result: tuple[Wanted, Page | str] | tuple[()] | None = self._results.get(timeout=PATIENCE)
            except queue.Empty:
                result = ()
            if stop() or time.monotonic() - begun > seconds:
                self._turns.stop()
            if stop():
                return
            threads -= result is None
            if result and (done := self._settle(*result)):
                yield from self._finish([done], stop)
        yield from self._finish([one for one in self._waiting if one.open], stop)

    def _finish(self, waiting: list[Waiting], stop: Callable[[], bool]) -> Iterator["list[Harvest]"]:
        """Bring these harvests from the shelf with what came of their pages, a few at a time."""
        for begin in range(0, len(waiting), AT_ONCE):
            if stop():
                return
            yield [self._finished(one) for one in waiting[begin : begin + AT_ONCE]]

    def _finished(self, waiting: Waiting) -> "Harvest":
        harvest = waiting.bring()
        assert harvest.digested is not None, "it was taken in"
        keys = [one.key for one in harvest.digested.refined.articles]
        done = _completed(harvest, waiting, self._store.carried(waiting.source.name, keys))
        waiting.open.clear()
        waiting.pages.clear()
        return done

    def _plan(self, shunned: Collection[str]) -> None:
        """Choose the pages: of each source in turn its newest, as far as the budget goes."""
        asked = {number: one for number, one in enumerate(self._waiting) if one.source.name not in shunned}
        choices = [[(number, entry) for entry in one.new] for number, one in asked.items()]
        in_turn = [one for one in chain.from_iterable(zip_longest(*choices)) if one is not None]
        for number, entry in in_turn[: self._budget]:
            page = _as_source(self._waiting[number].source, entry)
            self._wanted[page.name] = Wanted(number, entry, page)
            self._waiting[number].open.add(entry.key)
        for waiting in asked.values():
            waiting.left_out = len(waiting.new) + waiting.more - len(waiting.open)
            waiting.new.clear()

    def _fetch_all(self) -> None:
        while (source := self._turns.take()) is not None:
            wanted = self._wanted.get(source.name)
            if wanted is None:
                self._turns.done(source)
                continue
            try:
                self._results.put((wanted, self._fetch(wanted)))
            except SourceError as error:
                self._results.put((wanted, str(error)))
            except Exception as error:  # noqa: BLE001 - a page may cost only itself
                self._results.put((wanted, f"unexpected {type(error).__name__}: {error}"))
            finally:
                self._tools.fetcher.let_go()
        self._results.put(None)

    def _fetch(self, wanted: Wanted) -> Page:
        """Fetch and read one page. Raises SourceError."""
        source = wanted.source
        try:
            fetched = self._tools.fetcher.fetch(source, SourceState())
        except FetchError as error:
            self._judge(wanted, error)
            raise
        finally:
            self._turns.done(source)
        kind = (fetched.content_type or KINDS[0]).partition(";")[0].strip().lower()
        if kind not in KINDS or fetched.body is None:
            raise ParseError(f"{source.url} is {kind}, no page")
        future = self._tools.workers.submit(
            digest_page, source, wanted.entry.title, fetched.body, fetched.url, fetched.content_type
        )
        try:
            return future.result()
        except WorkerError as error:
            self._judge(wanted, error)
            raise

    def _judge(self, wanted: Wanted, error: SourceError) -> None:
        """A server that has enough is left alone, and a source whose pages cost too much as well."""
        if isinstance(error, FetchError) and error.status in _ASK_LATER:
            self.refused.append((wanted.source, error))
            host = host_of(wanted.source.url or "")
            self._drop(lambda one: host_of(one.source.url or "") == host, f"{host} asked to be left alone")
        if isinstance(error, _TOLLS):
            waiting = self._waiting[wanted.harvest]
            with self._lock:
                waiting.tolls += 1
            if waiting.tolls >= MOST_TOLLS:
                self._drop(lambda one: one.harvest == wanted.harvest, f"not asked for after {error}")

    def _drop(self, unwanted: Callable[[Wanted], bool], reason: str) -> None:
        """Ask for no more of these pages."""
        alike = [one.source for one in self._wanted.values() if unwanted(one)]
        for dropped in self._turns.drop(alike):
            self._results.put((self._wanted[dropped.name], reason))

    def _settle(self, wanted: Wanted, result: Page | str) -> Waiting | None:
        """Note what came of a page; returns its harvest if that was the last one."""
        waiting = self._waiting[wanted.harvest]
        waiting.open.discard(wanted.entry.key)
        if isinstance(result, Page):
            waiting.pages[wanted.entry.key] = result
        else:
            waiting.problems.append(result)
        return None if waiting.open else waiting


def _has_page(article: Refined) -> bool:
    return bool(article.link) and article.canonical_link is not None


def _as_source(source: Source, entry: Linked) -> Source:
    """A page as something to fetch. Secrets go, and private networks open, at the origin of the feed only."""
    policy = source.fetch
    home = source.url is not None and _origin(source.url) == _origin(entry.link)
    shared: FetchPolicy = replace(
        policy,
        max_bytes=min(policy.max_bytes, MAX_BYTES),
        headers={**(policy.headers if home else {}), "Accept": ACCEPT},
        auth=policy.auth if home else None,
        allow_private_networks=policy.allow_private_networks and home,
    )
    return replace(source, name=f"{source.name}\0{entry.key}", url=entry.link, path=None, fetch=shared)


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme.lower(), parts.netloc.lower()


# --- entries, with what their pages said ------------------------------------------------------


def _completed(harvest: "Harvest", waiting: Waiting, known: Mapping[str, Article]) -> "Harvest":
    """The harvest with the texts that came; what did not come is as the feed gave it."""
    assert harvest.digested is not None, "it was taken in"
    refined = harvest.digested.refined
    texts = Counter(page.body for page in waiting.pages.values())
    links = Counter(page.canonical_link for page in waiting.pages.values())
    articles, short = [], 0
    for article in refined.articles:
        page = waiting.pages.get(article.key)
        # The same text on two pages is a wall in front of them, the same address the site's.
        if page is not None and links[page.canonical_link] > 1:
            page = replace(page, canonical_link=None)
        whole = with_page(article, page) if page is not None and texts[page.body] == 1 else None
        short += page is not None and whole is None
        articles.append(whole or _as_known(article, known.get(article.key)))
    notes = (*refined.notes, *_notes(waiting, short))
    refined = replace(refined, articles=tuple(articles), notes=notes)
    return replace(harvest, digested=replace(harvest.digested, refined=refined))


def _as_known(article: Refined, known: Article | None) -> Refined:
    """A known entry keeps the text of its page."""
    if known is None or "full-text" not in known.notes:
        return article
    return replace(
        article, body=known.body, image=known.image, image_from=known.image_from, notes=known.notes
    )


def _notes(waiting: Waiting, short: int) -> list[str]:
    problems = waiting.problems
    notes = []
    if problems:
        notes.append(f"{len(problems)} pages could not be had for full text; the first: {problems[0]}")
    if short:
        notes.append(f"{short} pages say no more than the feed; its text was kept")
    if waiting.left_out:
        notes.append(
            f"{waiting.left_out} entries kept the feed's text; raise full_text_budget for more pages"
        )
    return notes
