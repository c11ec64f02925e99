"""Output feeds: a node and its articles in, the bytes of one document out.

Pure: the same values give the same bytes. An article that a format cannot take costs only
itself; `EntryCache.problems` says which.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Literal, TypeVar

from aggregator.model import Article, Node, Tombstone
from aggregator.options import Site
from aggregator.publish import atom, jsonfeed, rss
from aggregator.publish.archives import ArchivePage, archive_address
from aggregator.publish.entry import Facts, entry_ids, facts, newest_change
from aggregator.publish.head import Head, head

Format = Literal["atom", "rss", "json"]

_ENTRY: Mapping[str, Callable[[Facts], bytes]] = {
    "atom": atom.render_entry,
    "rss": rss.render_entry,
    "json": jsonfeed.render_entry,
}

LIVE_BYTES = 2_000_000
"""About how large a live feed may get; what does not fit stands in the archives."""
_OVERHEAD = 1_000  # bytes of an entry beside its body
CACHE_BYTES = 64_000_000
"""Of entries that are kept rendered; a feed shares most of its entries with those above it."""
KNOWN = 500
"""Articles of which the facts are kept: those of one feed, if it is of the usual size."""

T = TypeVar("T")


class EntryCache:
    """Entries rendered once a format during one publishing run, as an article stands in several feeds.

    For one run, one site and one thread: articles are told apart by uid, so an edited one needs
    a new cache. `problems` has a sentence for each article that could not be rendered, by uid.
    """

    def __init__(self, limit: int = CACHE_BYTES) -> None:
        self.problems: dict[str, str] = {}
        self._room = limit
        self._entries: OrderedDict[tuple[str, str, str], bytes | None] = OrderedDict()
        self._facts: OrderedDict[tuple[str, str], Facts | None] = OrderedDict()

    def entry(self, fmt: Format, article: Article, article_id: str, site: Site) -> bytes | None:
        """The entry in that format, or None if the article cannot be rendered in it."""
        key = (fmt, article.uid, article_id)
        if key in self._entries:
            self._entries.move_to_end(key)
            return self._entries[key]
        known = self._known(article, article_id, site)
        rendered = None if known is None else self._try(article, lambda: _ENTRY[fmt](known))
        self._keep(key, rendered)
        return rendered

    def _keep(self, key: tuple[str, str, str], entry: bytes | None) -> None:
        self._entries[key] = entry
        self._room -= len(entry or b"")
        while self._room < 0:
            _, oldest = self._entries.popitem(last=False)
            self._room += len(oldest or b"")

    def _known(self, article: Article, article_id: str, site: Site) -> Facts | None:
        """What all formats say of the article; kept until the last format of a feed has asked."""
        key = (article.uid, article_id)
        if key not in self._facts:
            self._facts[key] = self._try(article, lambda: facts(article, article_id, site))
            if len(self._facts) > KNOWN:
                self._facts.popitem(last=False)
        return self._facts[key]

    def _try(self, article: Article, render: Callable[[], T]) -> T | None:
        """What `render` gives, or None and a problem: no text of a stranger may cost a whole feed."""
        try:
            return render()
        except Exception as error:  # noqa: BLE001 - whatever it is that this article brings about
            name = article.link or article.guid or article.uid
            self.problems[article.uid] = f"{name}: left out of feeds, it cannot be rendered ({error})"
            return None


def shown(articles: Sequence[Article], site: Site) -> int:
    """How many of the `articles`, newest first, stand in the live feeds: as the settings say, if they fit.

    The same number in all formats. At least one, if there is one.
    """
    room = LIVE_BYTES
    for count, article in enumerate(articles[: site.entries_per_feed]):
        room -= _OVERHEAD + len(article.body.encode("utf-8", "replace"))
        if room < 0:
            return max(count, 1)
    return min(len(articles), site.entries_per_feed)


def render_feed(
    fmt: Format,
    node: Node,
    articles: Sequence[Article],
    site: Site,
    folder: str,
    cache: EntryCache | None = None,
    *,
    prev_archive: str | None = None,
    tombstones: Sequence[Tombstone] = (),
) -> bytes:
    """The live feed of `node` in one format, with the first `shown` of the `articles`.

    `articles` come newest first. `folder` is where the feed lies, as `paths.feed_folders` says.
    Pass one `cache` for all feeds of a run. Atom alone names the newest archive document, by its
    file name, and what was taken down lately.
    """
    live = articles[: shown(articles, site)]
    graves = tombstones if fmt == "atom" else ()
    updated = max([newest_change(live), *(grave.when for grave in graves)])
    top = head(fmt, node, site, folder, updated)
    if prev_archive and fmt == "atom":
        links = (("prev-archive", archive_address(site, folder, prev_archive)), *top.links)
        top = replace(top, links=links)
    return _document(fmt, top, live, site, cache or EntryCache(), graves)


def render_archive(
    page: ArchivePage,
    node: Node,
    articles: Sequence[Article],
    site: Site,
    folder: str,
    cache: EntryCache | None = None,
    *,
    tombstones: Sequence[Tombstone] = (),
) -> bytes:
    """One archive document (RFC 5005 section 4) in Atom, with the `articles` of `page`, newest first.

    It bears the id of the live feed and links to it, and to its neighbours.
    """
    updated = max([newest_change(articles), *(grave.when for grave in tombstones)])
    top = head("atom", node, site, folder, updated)
    neighbours = (("prev-archive", page.prev), ("next-archive", page.next))
    links = [("current", top.self_url)]
    links += [(rel, archive_address(site, folder, name)) for rel, name in neighbours if name]
    links += [link for link in top.links if link[0] != "hub"]
    top = replace(top, self_url=archive_address(site, folder, page.name), links=tuple(links), archive=True)
    return _document("atom", top, articles, site, cache or EntryCache(), tombstones)


def _document(
    fmt: Format,
    top: Head,
    articles: Sequence[Article],
    site: Site,
    cache: EntryCache,
    tombstones: Sequence[Tombstone],
) -> bytes:
    ids = entry_ids(articles)
    entries = [cache.entry(fmt, article, ids[article.uid], site) for article in articles]
    kept = [entry for entry in entries if entry is not None]
    if fmt == "atom":
        there = set(ids.values())
        return atom.render(top, kept, [grave for grave in tombstones if grave.id not in there])
    return rss.render(top, kept) if fmt == "rss" else jsonfeed.render(top, kept)
