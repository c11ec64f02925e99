"""Output feeds: a node and its articles in, one document out.

Pure: the same values give the same bytes. An article that a format cannot take costs only
itself; `EntryCache.problems` says which.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Literal, TypeVar

from aggregator.model import Article, Node, Outline, Tombstone
from aggregator.options import Site
from aggregator.publish import atom, jsonfeed, pages, rss
from aggregator.publish.archives import ArchivePage, archive_address
from aggregator.publish.entry import MAX_BODY, Facts, facts
from aggregator.publish.head import Head, head
from aggregator.publish.pieces import Kind, Listed, Piece, Rendered, Take
from aggregator.publish.terms import node_terms

Format = Literal["atom", "rss", "json"]

_ENTRY: Mapping[Kind, Callable[[Facts], bytes]] = {
    "atom": atom.render_entry,
    "rss": rss.render_entry,
    "json": jsonfeed.render_entry,
    "page": pages.render_line,
}

LIVE_BYTES = 2_000_000
"""About how large a live feed may get; what does not fit stands in the archives."""
_OVERHEAD = 1_000  # bytes of an entry beside its body
_WHOLE = 4 * MAX_BODY  # bytes of a body beyond which only an excerpt of it is shown, whatever its script
_ESCAPED = 5  # how much longer titles, names and addresses may get where much of them has to be escaped
CACHE_BYTES = 24_000_000
"""Of entries that are kept rendered; a feed shares most of its entries with those above it."""
KNOWN = 500
"""Articles of which the facts are kept: those of one feed, if it is of the usual size."""

T = TypeVar("T")


class EntryCache:
    """Entries rendered once a format during one publishing run, as an article stands in several feeds.

    For one run, one site and one thread: articles are told apart by id and uid, so an edited one needs
    a new cache. `problems` has a sentence for each article that could not be rendered, by uid.
    """

    def __init__(self, limit: int = CACHE_BYTES) -> None:
        self.problems: dict[str, str] = {}
        self._room = limit
        self._pieces: OrderedDict[tuple[Kind, int, bool], Piece | None] = OrderedDict()
        self._facts: OrderedDict[tuple[str, str], Facts | None] = OrderedDict()

    def known(self, kind: Kind, article: int, *, own: bool) -> Piece | None:
        """The piece of an article, if it was rendered lately."""
        return self._pieces.get((kind, article, own))

    def piece(self, kind: Kind, article: Article, article_id: str, site: Site) -> Piece | None:
        """The article in that format, or None if it cannot be rendered in it."""
        own = article_id != article.guid
        key = (kind, article.id, own)
        if key in self._pieces:
            self._pieces.move_to_end(key)
            return self._pieces[key]
        known = self._known(article, article_id, site)
        data = None if known is None else self._try(article, lambda: _ENTRY[kind](known))
        piece = None if data is None else Piece(article.id, own, data)
        self._keep(key, piece)
        return piece

    def _keep(self, key: tuple[Kind, int, bool], piece: Piece | None) -> None:
        self._pieces[key] = piece
        self._room -= len(piece.data) if piece else 0
        while self._room < 0:
            _, oldest = self._pieces.popitem(last=False)
            self._room += len(oldest.data) if oldest else 0

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


def shown(articles: Sequence[Outline], site: Site) -> int:
    """How many of the `articles`, newest first, stand in the live feeds: as the settings say, if they fit.

    The same number in all formats. At least one, if there is one.
    """
    room = LIVE_BYTES
    for count, article in enumerate(articles[: site.entries_per_feed]):
        is_cut = article.size > _WHOLE or node_terms(site, Node("source", (article.source,))).excerpt
        room -= max(_OVERHEAD, _ESCAPED * article.more) + (0 if is_cut else article.size)
        if room < 0:
            return max(count, 1)
    return min(len(articles), site.entries_per_feed)


def render_feed(
    fmt: Format,
    node: Node,
    live: Listed,
    site: Site,
    folder: str,
    take: Take,
    *,
    prev_archive: str | None = None,
    tombstones: Sequence[Tombstone] = (),
) -> Rendered:
    """The live feed of `node` in one format, with the articles that are to be `shown`.

    Their entries come from `take`. `folder` is where the feed lies, as
    `paths.feed_folders` says. Atom alone names the newest archive document, by its file name, and
    what was taken down lately.
    """
    graves: Sequence[Tombstone] = tombstones if fmt == "atom" else ()
    top: Head = head(fmt, node, site, folder, _updated(live, graves))
    if prev_archive and fmt == "atom":
        links = (("prev-archive", archive_address(site, folder, prev_archive)), *top.links)
        top = replace(top, links=links)
    return _document(fmt, top, live, take, graves)


def render_archive(
    page: ArchivePage,
    node: Node,
    articles: Listed,
    site: Site,
    folder: str,
    take: Take,
    *,
    tombstones: Sequence[Tombstone] = (),
) -> Rendered:
    """One archive document (RFC 5005 section 4) in Atom, with the `articles` of `page`.

    It bears the id of the live feed and links to it, and to its neighbours.
    """
    top = head("atom", node, site, folder, _updated(articles, tombstones))
    neighbours = (("prev-archive", page.prev), ("next-archive", page.next))
    links = [("current", top.self_url)]
    links += [(rel, archive_address(site, folder, name)) for rel, name in neighbours if name]
    links += [link for link in top.links if link[0] != "hub"]
    top = replace(top, self_url=archive_address(site, folder, page.name), links=tuple(links), archive=True)
    return _document("atom", top, articles, take, tombstones)


def _updated(articles: Listed, tombstones: Sequence[Tombstone]) -> datetime:
    return max([articles.updated, *(grave.when for grave in tombstones)])


def _document(
    fmt: Format, top: Head, articles: Listed, take: Take, tombstones: Sequence[Tombstone]
) -> Rendered:
    taken = zip(articles.ids, take(articles), strict=True)
    kept = [(name, piece) for name, piece in taken if piece is not None]
    if fmt == "json":
        begin, end = jsonfeed.frame(top)
    elif fmt == "rss":
        begin, end = rss.frame(top)
    else:
        there = set(articles.ids)
        begin, end = atom.frame(top, [grave for grave in tombstones if grave.id not in there])
    names, pieces = tuple(name for name, _ in kept), tuple(piece for _, piece in kept)
    return Rendered(begin, pieces, end, jsonfeed.JOINT if fmt == "json" else b"", names)
