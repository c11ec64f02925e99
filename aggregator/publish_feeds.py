"""Feeds, their archives and pages brought up to date: of what changed, only that.

    out-of-date nodes ─► months, newest articles ─► archive documents touched ─► live feeds, page
                                                       checked before each replaces the old one

Sources come before categories, so that articles which stand in several feeds are rendered once, for
the feed of their source, and copied from there (see `publish_pieces`).
"""

from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial

from aggregator.model import Node, Outline, Tombstone
from aggregator.options import Site
from aggregator.publish import archives
from aggregator.publish.archives import ArchivePage
from aggregator.publish.entry import entry_id
from aggregator.publish.feeds import Format, render_archive, render_feed, shown
from aggregator.publish.gate import check
from aggregator.publish.head import page_path
from aggregator.publish.pages import NEWEST, render_page
from aggregator.publish.paths import FEED_FILES, feed_folders
from aggregator.publish.pieces import Rendered
from aggregator.publish_files import MANY, Desk, Document, Draft
from aggregator.publish_pieces import ARCHIVE, Pieces, key_of
from aggregator.publish_shares import in_order
from aggregator.store import Stretch
from aggregator.workers import Workers

BATCH_BYTES = 16_000_000
"""About how much is written at once: many flushes to disk go together, and memory stays small."""
SHARES = {"source": 32, "category": 4}
"""Nodes that a worker is given at a time; of categories few, as some hold far more than others."""
TOMBSTONES = 50
"""Takedowns that a live feed names, at most."""
EVERYTHING = Node("category", ())
FORMATS: tuple[Format, ...] = ("atom", "rss", "json")
KINDS = ("feed", "page")


@dataclass(frozen=True, slots=True)
class Round:
    """What one run knows of all nodes: their folders, months, and what is out of date."""

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
    """

    articles: Sequence[Outline]
    pages: Sequence[ArchivePage]
    there: tuple[str, ...]
    gone: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """Documents of a node; the files that go with them; whether the node is done with them."""

    node: Node
    documents: tuple[Document, ...]
    gone: tuple[str, ...]
    done: bool


Left = tuple[ArchivePage, ...] | None
"""The archives of a node that are still to be made; None if nothing of it was."""


@dataclass(frozen=True, slots=True)
class Task:
    """Nodes whose documents are to be made, as of a serial of the store; of the first those `left`."""

    nodes: tuple[Node, ...]
    serial: int
    left: Left = None


@dataclass(frozen=True, slots=True)
class Made:
    """About `BATCH_BYTES` of documents.

    owners  which node each is of, by path
    gone    the files that go with them
    done    the nodes of which nothing is left to be made
    rest    the nodes that are left, and of the first which archives
    """

    draft: Draft
    owners: Mapping[str, Node]
    gone: tuple[str, ...]
    done: tuple[Node, ...]
    problems: tuple[str, ...]
    rest: tuple[Node, ...]
    left: Left


def folders_of(desk: Desk) -> dict[Node, str]:
    """The folder of every node."""
    return feed_folders({*(row.node for row in desk.store.nodes()), EVERYTHING})


def wanted_files(folders: Mapping[Node, str], site: Site) -> dict[Node, dict[str, str]]:
    """The live feeds and the page of each node, by path, and the keys that they are recorded under."""
    return {
        node: {path: key_of(node, path) for path in _paths(node, folder, site)}
        for node, folder in folders.items()
    }


def _paths(node: Node, folder: str, site: Site) -> list[str]:
    return [page_path(node, folder), *(f"{folder}/{FEED_FILES[fmt]}" for fmt in site.formats)]


def lost_archives(desk: Desk, folders: Mapping[Node, str]) -> list[str]:
    """Archive documents of nodes that are gone, or have moved to another folder."""
    keys = desk.store.output_keys(ARCHIVE) - {key_of(node, folder) for node, folder in folders.items()}
    return desk.store.output_paths(ARCHIVE, sorted(keys))


def publish_nodes(
    desk: Desk, folders: Mapping[Node, str], due: Iterable[Node], serial: int, workers: Workers | None = None
) -> None:
    """Write the feeds, archives and pages of nodes. Raises PublishError.

    Sources come first, as the feeds of categories copy from theirs. Many are rendered by `workers`,
    which read the store themselves.
    """
    failed: set[Node] = set()
    alone = Pieces(desk.store, desk.output.directory, desk.site, folders)
    for kind in ("source", "category"):
        task = Task(tuple(sorted(node for node in due if node.kind == kind)), serial)
        if workers is not None and len(task.nodes) >= MANY:
            batches = _shared(desk, task, alone, workers)
        else:
            batches = _alone(desk, task, alone)
        with closing(batches):
            for made in batches:
                _put(desk, made, failed, serial)
                if desk.stop():
                    return


def _alone(desk: Desk, task: Task, pieces: Pieces) -> Generator[Made, None, None]:
    """Everything rendered here, batch by batch."""
    while task.nodes:
        made = _make(pieces, desk, task)
        yield made
        task = replace(task, nodes=made.rest, left=made.left)


def _shared(desk: Desk, task: Task, pieces: Pieces, workers: Workers) -> Generator[Made, None, None]:
    """Everything rendered by the workers, a few batches ahead of what is recorded."""
    nodes, size = task.nodes, SHARES[task.nodes[0].kind]
    shares = deque(replace(task, nodes=nodes[at : at + size]) for at in range(0, len(nodes), size))
    with closing(in_order(desk, workers, shares, make_share, partial(_make, pieces))) as made_of:
        for share, made in made_of:
            if made.rest:
                shares.appendleft(replace(share, nodes=made.rest, left=made.left))
            yield made


_at_hand: dict[tuple[str, Site, int], Pieces] = {}
"""In a worker: what it copies from during one run."""


def make_share(desk: Desk, task: Task) -> Made:
    """In a worker: the first batch of documents of a task."""
    run = (desk.store.url, desk.site, task.serial)
    if run not in _at_hand:
        _at_hand.clear()
        _at_hand[run] = Pieces(desk.store, desk.output.directory, desk.site, folders_of(desk))
    return _make(_at_hand[run], desk, task)


def _make(pieces: Pieces, desk: Desk, task: Task) -> Made:
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
    for number, node in enumerate(task.nodes):
        view = _view(work, node)
        todo = deque(_touched(work, node, view) if left is None else left)
        left, documents = None, list[Document]()
        while todo and size <= BATCH_BYTES:
            documents += _archive(work, node, todo.popleft())
            size += sum(len(document.data) for document in documents[-1:])
        if not todo:
            documents += _live(work, node, view)
            size += sum(len(document.data) for document in documents[-1 - len(FORMATS) :])
        parts.append(Part(node, tuple(documents), view.gone, done=not todo))
        if size > BATCH_BYTES:
            return parts, task.nodes[number + bool(not todo) :], tuple(todo) or None
    return parts, (), None


def _put(desk: Desk, made: Made, failed: set[Node], serial: int) -> None:
    """Place and record a batch; a node of which a file failed stays out of date."""
    written = desk.put(made.draft, serial=serial, gone=made.gone)
    failed.update(made.owners[path] for path in written.failed)
    desk.store.published((), nodes=[node for node in made.done if node not in failed], serial=serial)
    pages = {record.path for record in made.draft.records if record.kind == "page"}
    desk.report.pages += len(pages.intersection(written.changed))
    desk.report.feeds += len(set(written.changed) - pages)
    desk.report.problems += made.problems


def _view(work: Round, node: Node) -> View:
    """What a node's documents are made from."""
    site, folder, store = work.site, work.folders[node], work.desk.store
    articles = store.outlines(store.newest(node, max(site.entries_per_feed, NEWEST)))
    pages: Sequence[ArchivePage] = ()
    if "atom" in site.formats:
        pages = archives.plan(work.months[node], shown(articles, site), site.entries_per_feed)
    there = tuple(store.output_paths(ARCHIVE, [key_of(node, folder)]))
    planned = {archives.archive_path(folder, page.name) for page in pages}
    return View(articles, pages, there, tuple(sorted(set(there) - planned)))


def _live(work: Round, node: Node, view: View) -> Iterator[Document]:
    """The live feeds of a node, then its page."""
    site, folder, articles = work.site, work.folders[node], view.articles
    prev = view.pages[-1].name if view.pages else None
    graves = _graves(work, node)[:TOMBSTONES]
    work.pieces.expect(_paths(node, folder, site))
    for fmt in FORMATS:
        if fmt in site.formats:
            path = f"{folder}/{FEED_FILES[fmt]}"
            take = work.pieces.of(fmt, path)
            feed = render_feed(fmt, node, articles, site, folder, take, prev_archive=prev, tombstones=graves)
            yield from _sound(work, fmt, feed, path, "feed", key_of(node, path))
    path = page_path(node, folder)
    page = render_page(node, work.folders, articles, site, work.pieces.of("page", path))
    yield Document(path, page.data, "page", key_of(node, path), page.note(work.serial))


def _archive(work: Round, node: Node, page: ArchivePage) -> Iterator[Document]:
    """An archive document of a node."""
    folder, store = work.folders[node], work.desk.store
    count = work.months[node][page.month]
    articles = store.outlines(store.month(node, page.month, page.start, page.stop, count))
    graves = _graves(work, node, page.month) if not page.start else ()
    path = archives.archive_path(folder, page.name)
    take = work.pieces.of("atom", path, page.month)
    feed = render_archive(page, node, articles, work.site, folder, take, tombstones=graves)
    yield from _sound(work, "atom", feed, path, ARCHIVE, key_of(node, folder))


def _touched(work: Round, node: Node, view: View) -> Iterator[ArchivePage]:
    """The documents that hold a place that changed, or are new, or have another neighbour than before."""
    moved = _moved(view)
    archived = {page.month for page in view.pages}
    months = work.months[node]
    spans = {
        month: work.desk.store.affected(node, month, months[month], stretch)
        for month, stretch in work.stale[node].items()
        if month in archived
    }
    for page in view.pages:
        if page.name in moved or (page.month in spans and _shows(work, node, page, *spans[page.month])):
            yield page


def _moved(view: View) -> set[str]:
    """The names of the documents that are new, or have another neighbour than before."""
    if not view.gone and len(view.there) == len(view.pages):
        return set()  # as nearly always; a feed of many years has thousands
    known = archives.in_order(view.there)
    linked = [None, *known, None]
    neighbours = {name: (linked[number], linked[number + 2]) for number, name in enumerate(known)}
    return {page.name for page in view.pages if neighbours.get(page.name) != (page.prev, page.next)}


def _shows(work: Round, node: Node, page: ArchivePage, first: int, stop: int) -> bool:
    """Whether a document shows a change of the places `first` to `stop` of its month."""
    buried = not page.start and bool(_graves(work, node, page.month))
    return buried or _meets(page, first, stop, work.site.entries_per_feed)


def _meets(page: ArchivePage, first: int, stop: int, size: int) -> bool:
    """Whether a document holds one of the places `first` to `stop`, or lost its last one."""
    cut = page.stop == first and page.stop - page.start < size
    return page.start < stop and (page.stop > first or cut)


def _graves(work: Round, node: Node, month: str | None = None) -> list[Tombstone]:
    """What was taken down, the newest first. Why is nobody's business.

    The live feed names the newest; the first document of each month all that stood in that month.
    """
    tombs = work.desk.store.tombs_of(node, month)
    return [Tombstone(entry_id(tomb.guid, tomb.uid), tomb.at) for tomb in tombs if tomb.uid]


def _sound(work: Round, fmt: Format, feed: Rendered, path: str, kind: str, key: str) -> Iterator[Document]:
    """The document, unless something is wrong with it: then it is reported, and the old one stays."""
    if findings := check(fmt, feed):
        work.problems.append(f"{path} is kept back: {'; '.join(findings)}")
        return
    feed.passed()
    yield Document(path, feed.data, kind, key, feed.note(work.serial))
