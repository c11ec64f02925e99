"""The documents of nodes: what changed of their archives, their live feeds and their pages, made and staged.

    months, newest articles ─► archive documents touched ─► live feeds, page
                                  checked before each replaces the old one

Which nodes, and what becomes of what is made, is `publish_nodes`' business.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from aggregator.model import Node, Outline, Tombstone
from aggregator.options import Site
from aggregator.publish import archives
from aggregator.publish.archives import ArchivePage
from aggregator.publish.entry import entry_id, listed
from aggregator.publish.feeds import Format, render_archive, render_feed, shown
from aggregator.publish.gate import check
from aggregator.publish.pages import NEWEST, render_page
from aggregator.publish.paths import FEED_FILES, page_path
from aggregator.publish.pieces import Rendered
from aggregator.publish_files import ARCHIVE, Desk, Document, key_of
from aggregator.publish_nodes import Left, Made, Task, folders_of, live_paths
from aggregator.publish_pieces import Pieces
from aggregator.store import Buried, Stretch

BATCH_BYTES = 16_000_000
"""About how much is written at once: many flushes to disk go together, and memory stays small."""
TOGETHER = 8
"""Nodes of which is looked up at once what is known of them."""
TOMBSTONES = 50
"""Takedowns that a live feed names, at most."""
FORMATS: tuple[Format, ...] = ("atom", "rss", "json")


@dataclass(frozen=True, slots=True)
class Round:
    """What one run knows of all nodes: their folders, months, and what is out of date.

    Nodes that the store has never seen, such as `all` before the first source, have no months.
    """

    desk: Desk
    folders: Mapping[Node, str]
    serial: int
    months: Mapping[Node, Mapping[str, int]]
    stale: Mapping[Node, Mapping[str, Stretch]]
    pieces: Pieces
    problems: list[str] = field(default_factory=list)

    @property
    def site(self) -> Site:
        """What outputs say of the site."""
        return self.desk.site


@dataclass(frozen=True, slots=True)
class View:
    """What the documents of a node are made from.

    articles     the newest, for live feeds and page
    pages        the archive documents that there have to be
    there, gone  the paths of those that there were, and of those that are to go
    buried       what was taken down of it, the newest first
    """

    articles: Sequence[Outline]
    pages: Sequence[ArchivePage]
    there: tuple[str, ...]
    gone: tuple[str, ...]
    buried: Sequence[Buried]

    def graves(self, month: str | None = None) -> list[Tombstone]:
        """What was taken down, in one month if given. Why is nobody's business.

        The live feed names the newest; the first document of each month all that stood in that month.
        """
        return [
            Tombstone(entry_id(tomb.guid, tomb.uid), tomb.at)
            for stood, tomb in self.buried
            if tomb.uid and month in {None, stood}
        ]


@dataclass(frozen=True, slots=True)
class Part:
    """Documents of a node; the files that go with them; whether the node is done with them."""

    node: Node
    documents: tuple[Document, ...]
    gone: tuple[str, ...]
    done: bool


_at_hand: dict[tuple[str, Site, int], Pieces] = {}
"""In a worker: what it copies from during one run."""


def make_share(desk: Desk, task: Task) -> Made:
    """In a worker: the first batch of documents of a task."""
    run = (desk.store.url, desk.site, task.serial)
    if run not in _at_hand:
        _at_hand.clear()
        _at_hand[run] = pieces_of(desk, folders_of(desk))
    return make(_at_hand[run], desk, task)


def pieces_of(desk: Desk, folders: Mapping[Node, str]) -> Pieces:
    """What entries are copied from during one run."""
    return Pieces(desk.store, desk.output.directory, desk.site, folders)


def make(pieces: Pieces, desk: Desk, task: Task) -> Made:
    """Documents of these nodes until a batch is full, staged; of the archives of the first those left."""
    pieces.begin(task.nodes[0].kind)
    with desk.store.snapshot():
        months, stale = desk.store.months(task.nodes), desk.store.stale_months(task.nodes)
        work = Round(desk, pieces.folders, task.serial, months, stale, pieces)
        parts, rest, left = _parts(work, task)
        draft = desk.draft([document for part in parts for document in part.documents], pieces.intact)
    problems = (*work.problems, *pieces.cache.problems.values())
    pieces.cache.problems.clear()
    owners = {document.path: part.node for part in parts for document in part.documents}
    gone = tuple(path for part in parts for path in part.gone)
    return Made(draft, owners, gone, tuple(part.node for part in parts if part.done), problems, rest, left)


def _parts(work: Round, task: Task) -> tuple[list[Part], tuple[Node, ...], Left]:
    """As many parts as make a batch, the nodes that are left, and of the first of them which archives."""
    parts: list[Part] = []
    size, left = 0, task.left
    views: Mapping[Node, View] = {}
    for number, node in enumerate(task.nodes):
        if node not in views:
            views = _views(work, task.nodes[number : number + TOGETHER])
        view = views[node]
        todo = deque(_touched(work, node, view) if left is None else left)
        left, documents = None, list[Document]()
        while todo and size <= BATCH_BYTES:
            documents += _archive(work, node, todo.popleft(), view)
            size += sum(len(document.data) for document in documents[-1:])
        if not todo:
            documents += _live(work, node, view)
            size += sum(len(document.data) for document in documents[-1 - len(FORMATS) :])
        parts.append(Part(node, tuple(documents), view.gone, done=not todo))
        if size > BATCH_BYTES:
            return parts, task.nodes[number + bool(not todo) :], tuple(todo) or None
    return parts, (), None


def _views(work: Round, nodes: Sequence[Node]) -> dict[Node, View]:
    """What the documents of these nodes are made from, and what of it the store can give at once."""
    site, store, pieces = work.site, work.desk.store, work.pieces
    newest = {node: store.newest(node, max(site.entries_per_feed, NEWEST)) for node in nodes}
    known = {one.id: one for one in store.outlines([*chain.from_iterable(newest.values())])}
    articles = {node: [known[one] for one in ids if one in known] for node, ids in newest.items()}
    keys = {node: key_of(node, work.folders[node]) for node in nodes}
    there = store.output_paths(ARCHIVE, list(keys.values()))
    buried = store.tombs_of(nodes)
    pieces.expect(path for node in nodes for path in live_paths(node, work.folders[node], site))
    if nodes[0].kind == "source":  # categories find next to all their entries in the feeds of sources
        pieces.foresee({page_path(node, work.folders[node]): articles[node] for node in nodes})
    return {
        node: _view(work, node, articles[node], there.get(keys[node], ()), buried.get(node, ()))
        for node in nodes
    }


def _view(
    work: Round, node: Node, articles: Sequence[Outline], there: Sequence[str], buried: Sequence[Buried]
) -> View:
    site, folder = work.site, work.folders[node]
    pages: Sequence[ArchivePage] = ()
    if "atom" in site.formats:
        pages = archives.plan(work.months.get(node, {}), shown(articles, site), site.entries_per_feed)
    planned = {archives.archive_path(folder, page.name) for page in pages}
    return View(articles, pages, tuple(there), tuple(sorted(set(there) - planned)), buried)


def _live(work: Round, node: Node, view: View) -> Iterator[Document]:
    """The live feeds of a node, then its page."""
    site, folder = work.site, work.folders[node]
    prev = view.pages[-1].name if view.pages else None
    graves = view.graves()[:TOMBSTONES]
    live = listed(view.articles[: shown(view.articles, site)])
    for fmt in FORMATS:
        if fmt in site.formats:
            path = f"{folder}/{FEED_FILES[fmt]}"
            take = work.pieces.of(fmt, path)
            feed = render_feed(fmt, node, live, site, folder, take, prev_archive=prev, tombstones=graves)
            yield from _sound(work, fmt, feed, path, "feed", key_of(node, path))
    path = page_path(node, folder)
    newest = view.articles[:NEWEST]
    same = len(newest) == len(live.articles)
    page = render_page(
        node, work.folders, live if same else listed(newest), site, work.pieces.of("page", path)
    )
    yield Document(path, page.data, "page", key_of(node, path), page.note(work.serial))


def _archive(work: Round, node: Node, page: ArchivePage, view: View) -> Iterator[Document]:
    """An archive document of a node."""
    folder, store = work.folders[node], work.desk.store
    count = work.months[node][page.month]
    articles = listed(store.outlines(store.month(node, page.month, page.start, page.stop, count)))
    graves = view.graves(page.month) if not page.start else ()
    path = archives.archive_path(folder, page.name)
    take = work.pieces.of("atom", path, page.month)
    feed = render_archive(page, node, articles, work.site, folder, take, tombstones=graves)
    yield from _sound(work, "atom", feed, path, ARCHIVE, key_of(node, folder))


def _touched(work: Round, node: Node, view: View) -> Iterator[ArchivePage]:
    """The documents that hold a place that changed, or are new, or have another neighbour than before."""
    moved = _moved(view)
    archived = {page.month for page in view.pages}
    months = work.months.get(node, {})
    spans = {
        month: work.desk.store.affected(node, month, months[month], stretch)
        for month, stretch in work.stale.get(node, {}).items()
        if month in archived
    }
    for page in view.pages:
        if page.name in moved or (page.month in spans and _shows(work, page, view, *spans[page.month])):
            yield page


def _moved(view: View) -> set[str]:
    """The names of the documents that are new, or have another neighbour than before."""
    if not view.gone and len(view.there) == len(view.pages):
        return set()  # as nearly always; a feed of many years has thousands
    known = archives.in_order(view.there)
    linked = [None, *known, None]
    neighbours = {name: (linked[number], linked[number + 2]) for number, name in enumerate(known)}
    return {page.name for page in view.pages if neighbours.get(page.name) != (page.prev, page.next)}


def _shows(work: Round, page: ArchivePage, view: View, first: int, stop: int) -> bool:
    """Whether a document shows a change of the places `first` to `stop` of its month."""
    buried = not page.start and any(stood == page.month and tomb.uid for stood, tomb in view.buried)
    return buried or _meets(page, first, stop, work.site.entries_per_feed)


def _meets(page: ArchivePage, first: int, stop: int, size: int) -> bool:
    """Whether a document holds one of the places `first` to `stop`, or lost its last one."""
    cut = page.stop == first and page.stop - page.start < size
    return page.start < stop and (page.stop > first or cut)


def _sound(work: Round, fmt: Format, feed: Rendered, path: str, kind: str, key: str) -> Iterator[Document]:
    """The document, unless something is wrong with it: then it is reported, and the old one stays."""
    if findings := check(fmt, feed, live=kind != ARCHIVE):
        work.problems.append(f"{path} is kept back: {'; '.join(findings)}")
        return
    feed.passed()
    yield Document(path, feed.data, kind, key, feed.note(work.serial))
