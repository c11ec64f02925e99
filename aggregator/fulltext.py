"""`full_text = true`: the pages that new entries link to, fetched after the feeds of a pass.

    harvests ─► new entries ─► budget ─► turns ─► fetch ─► worker: extract ─► harvests, complete
                (the store)              threads

Pages are asked for like feeds: same guard, same limits, same pauses between two requests to a host.
Whatever fails leaves the entry as its feed gave it, for good: a known entry's page is never asked again.
"""

import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain, islice, zip_longest
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
from aggregator.store import Store

if TYPE_CHECKING:
    from aggregator.gathering import Harvest, Tools

MAX_BYTES = 4 * 1024 * 1024
THREADS = 8
PATIENCE = 1.0
ACCEPT = "text/html, application/xhtml+xml;q=0.9, */*;q=0.1"
KINDS = ("text/html", "application/xhtml+xml")
_ASK_LATER = frozenset({429, 503})
MOST_TOLLS = 3
"""Pages of one source that may hang, flood or hold a worker; after so many it is left in peace."""
_TOLLS = (WorkerError, LimitExceeded, Unreachable)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A page that is to be fetched: of which entry of which harvest."""

    harvest: int
    article: Refined
    source: Source
    """The page, as something that can be fetched and waits for its turn."""


@dataclass(slots=True)
class Waiting:
    """A harvest and what came of its pages so far, by the keys of its entries."""

    harvest: "Harvest"
    open: set[str] = field(default_factory=set)
    pages: dict[str, Page] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    known: dict[str, Article] = field(default_factory=dict)
    left_out: int = 0
    tolls: int = 0


class Pages:
    """The pages of one pass."""

    def __init__(self, budget: int, store: Store, tools: "Tools", turns: Turns) -> None:
        self._budget, self._store, self._tools, self._turns = budget, store, tools, turns
        self._waiting: list[Waiting] = []
        self._wanted: dict[str, Wanted] = {}
        self._results: queue.Queue[tuple[Wanted, Page | str] | None] = queue.Queue()
        self._lock = threading.Lock()

    def take_in(self, harvest: "Harvest") -> bool:
        """Whether this harvest has to wait for pages; then `complete` brings it. Any thread may ask."""
        digested = harvest.digested
        if not harvest.source.full_text or digested is None or not digested.refined.articles:
            return False
        with self._lock:
            self._waiting.append(Waiting(harvest))
        return True

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
        yield [_finished(one) for one in self._waiting if not one.open]
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
                yield [_finished(done)]
        yield [_finished(one) for one in self._waiting if one.open]

    def _plan(self, shunned: Collection[str]) -> None:
        """Choose the pages: of each source in turn its newest, as far as the budget goes."""
        choices = []
        for number, waiting in enumerate(self._waiting):
            harvest = waiting.harvest
            assert harvest.digested is not None, "it was taken in"
            articles = harvest.digested.refined.articles
            try:
                waiting.known = self._store.carried(harvest.source.name, [one.key for one in articles])
            except StoreError:
                continue
            new = [one for one in articles if one.key not in waiting.known and _has_page(one)]
            new.sort(key=lambda one: one.published.timestamp() if one.published else 0.0, reverse=True)
            if harvest.source.name not in shunned:
                choices.append([Wanted(number, one, _as_source(harvest.source, one)) for one in new])
        in_turn = [one for one in chain.from_iterable(zip_longest(*choices)) if one is not None]
        for wanted in islice(in_turn, self._budget):
            self._wanted[wanted.source.name] = wanted
            self._waiting[wanted.harvest].open.add(wanted.article.key)
        for wanted in islice(in_turn, self._budget, None):
            self._waiting[wanted.harvest].left_out += 1

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
            digest_page, source, wanted.article.title, fetched.body, fetched.url, fetched.content_type
        )
        try:
            return future.result()
        except WorkerError as error:
            self._judge(wanted, error)
            raise

    def _judge(self, wanted: Wanted, error: SourceError) -> None:
        """A server that has enough is left alone, and a source whose pages cost too much as well."""
        if isinstance(error, FetchError) and error.status in _ASK_LATER:
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
        waiting.open.discard(wanted.article.key)
        if isinstance(result, Page):
            waiting.pages[wanted.article.key] = result
        else:
            waiting.problems.append(result)
        return None if waiting.open else waiting


def _has_page(article: Refined) -> bool:
    return bool(article.link) and article.canonical_link is not None


def _as_source(source: Source, article: Refined) -> Source:
    """A page as something to fetch. Secrets go, and private networks open, at the origin of the feed only."""
    assert article.link is not None, "it has a page"
    policy = source.fetch
    home = source.url is not None and _origin(source.url) == _origin(article.link)
    shared: FetchPolicy = replace(
        policy,
        max_bytes=min(policy.max_bytes, MAX_BYTES),
        headers={**(policy.headers if home else {}), "Accept": ACCEPT},
        auth=policy.auth if home else None,
        allow_private_networks=policy.allow_private_networks and home,
    )
    return replace(source, name=f"{source.name}\0{article.key}", url=article.link, path=None, fetch=shared)


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme.lower(), parts.netloc.lower()


# --- entries, with what their pages said ------------------------------------------------------


def _finished(waiting: Waiting) -> "Harvest":
    """The harvest with the texts that came; what did not come is as the feed gave it."""
    harvest = waiting.harvest
    waiting.open.clear()
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
        articles.append(whole or _as_known(article, waiting.known.get(article.key)))
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
