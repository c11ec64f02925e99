"""Feeds, their archives and pages brought up to date: of what changed, only that.

    out-of-date nodes ─► months, newest articles ─► archive documents touched ─► live feeds, page
                                                       checked before each replaces the old one

Nodes are taken category by category, so that articles which stand in several feeds are loaded and
rendered once while they are at hand.
"""

import json
from collections import OrderedDict, deque
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from aggregator.errors import WorkerError
from aggregator.model import Article, Node, Tombstone
from aggregator.options import Site
from aggregator.publish import archives
from aggregator.publish.archives import ArchivePage
from aggregator.publish.entry import entry_id
from aggregator.publish.feeds import EntryCache, Format, render_archive, render_feed, shown
from aggregator.publish.files import Output
from aggregator.publish.gate import check
from aggregator.publish.head import page_path
from aggregator.publish.pages import NEWEST, render_page
from aggregator.publish.paths import FEED_FILES, feed_folders
from aggregator.publish_files import Desk, Document, PublishReport
from aggregator.store import Store, Stretch
from aggregator.workers import Workers

BATCH_BYTES = 16_000_000
"""About how much is written at once: many flushes to disk go together, and memory stays small."""
MANY = 16
"""Nodes from which on worker processes help."""
SHARE = 12
AHEAD = 4
"""Shares of nodes that workers render before the first of them is written: bounds memory."""
SHELF_BYTES = 48_000_000
"""About how much of articles is kept in memory during a run."""
TOMBSTONES = 50
"""Takedowns that a live feed names, at most."""
EVERYTHING = Node("category", ())
FORMATS: tuple[Format, ...] = ("atom", "rss", "json")
KINDS = ("feed", "page")
ARCHIVE = "archive"


class _Shelf:
    """Articles that were loaded lately, as those of a feed stand in the feeds above it too."""

    def __init__(self, store: Store, room: int = SHELF_BYTES) -> None:
        self._store = store
        self._room = room
        self._loaded: OrderedDict[int, Article] = OrderedDict()

    def take(self, ids: Sequence[int]) -> list[Article]:
        """The articles with these ids, in this order."""
        missing = [article_id for article_id in ids if article_id not in self._loaded]
        for article in self._store.articles(missing):
            self._loaded[article.id] = article
            self._room -= _size(article)
        found = [self._loaded[article_id] for article_id in ids if article_id in self._loaded]
        for article in found:
            self._loaded.move_to_end(article.id)
        while self._room < 0 and len(self._loaded) > len(found):
            _, oldest = self._loaded.popitem(last=False)
            self._room += _size(oldest)
        return found


def _size(article: Article) -> int:
    return 2 * len(article.body) + 2_000


@dataclass(frozen=True, slots=True)
class Round:
    """What one run knows of all nodes: their folders, months, and what is out of date."""

    desk: Desk
    folders: Mapping[Node, str]
    months: Mapping[Node, Mapping[str, int]]
    stale: Mapping[Node, Mapping[str, Stretch]]
    shelf: _Shelf
    cache: EntryCache = field(default_factory=EntryCache)
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

    articles: Sequence[Article]
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


@dataclass(frozen=True, slots=True)
class Made:
    """About `BATCH_BYTES` of documents; the nodes that are left, and of the first which archives."""

    parts: tuple[Part, ...]
    problems: tuple[str, ...]
    rest: tuple[Node, ...]
    left: "Left"


Left = tuple[ArchivePage, ...] | None
"""The archives of a node that are still to be made; None if nothing of it was."""


def folders_of(desk: Desk) -> dict[Node, str]:
    """The folder of every node."""
    return feed_folders({*(row.node for row in desk.store.nodes()), EVERYTHING})


def wanted_files(folders: Mapping[Node, str], site: Site) -> dict[Node, dict[str, str]]:
    """The live feeds and the page of each node, by path, and the keys that they are recorded under."""
    return {
        node: {path: _key(node, path) for path in _paths(node, folder, site)}
        for node, folder in folders.items()
    }


def _paths(node: Node, folder: str, site: Site) -> list[str]:
    return [page_path(node, folder), *(f"{folder}/{FEED_FILES[fmt]}" for fmt in site.formats)]


def _key(node: Node, path: str) -> str:
    """Names a file by what it is of, as a folder may come to be another node's."""
    return f"{path} {node.kind} {json.dumps(node.path, ensure_ascii=False)}"


def lost_archives(desk: Desk, folders: Mapping[Node, str]) -> list[str]:
    """Archive documents of nodes that are gone, or have moved to another folder."""
    keys = desk.store.output_keys(ARCHIVE) - {_key(node, folder) for node, folder in folders.items()}
    return desk.store.output_paths(ARCHIVE, sorted(keys))


def publish_nodes(
    desk: Desk, folders: Mapping[Node, str], due: Iterable[Node], serial: int, workers: Workers | None = None
) -> None:
    """Write the feeds, archives and pages of nodes. Raises PublishError.

    Many are rendered by `workers`, which read the store themselves.
    """
    ordered = _ordered(desk, due)
    failed: set[Node] = set()
    if workers is not None and len(ordered) >= MANY:
        batches = _shared(desk, folders, ordered, workers)
    else:
        batches = _alone(desk, folders, ordered)
    with closing(batches):
        for made in batches:
            _write(desk, made, failed, serial)
            if desk.stop():
                return


def _alone(desk: Desk, folders: Mapping[Node, str], nodes: Sequence[Node]) -> Generator[Made, None, None]:
    """Everything rendered here, batch by batch."""
    work = _round(desk, folders, nodes)
    left: Left = None
    while nodes:
        made = _make(work, nodes, left)
        yield made
        nodes, left = made.rest, made.left


def _shared(
    desk: Desk, folders: Mapping[Node, str], nodes: Sequence[Node], workers: Workers
) -> Generator[Made, None, None]:
    """Everything rendered by the workers, a few batches ahead of what is written."""
    store, site = desk.store.url, desk.site
    shares: deque[tuple[tuple[Node, ...], Left]] = deque()
    shares.extend((tuple(nodes[at : at + SHARE]), None) for at in range(0, len(nodes), SHARE))
    ahead: deque[tuple[tuple[Node, ...], Left, Future[Made]]] = deque()
    try:
        while shares or ahead:
            while shares and len(ahead) < AHEAD:
                some, left = shares.popleft()
                ahead.append((some, left, workers.submit(make_share, store, site, folders, some, left)))
            some, left, future = ahead.popleft()
            try:
                made = future.result()
            except WorkerError:  # too large for a worker: then here
                made = _make(_round(desk, folders, some), some, left)
            if made.rest:
                shares.appendleft((made.rest, made.left))
            yield made
    finally:
        for _, _, future in ahead:
            future.cancel()


def make_share(url: str, site: Site, folders: Mapping[Node, str], nodes: Sequence[Node], left: Left) -> Made:
    """In a worker: the first batch of documents of these nodes."""
    desk = Desk(site, (), _opened(url), Output(Path()), PublishReport(), stop=lambda: False)
    return _make(_round(desk, folders, nodes), nodes, left)


@lru_cache(maxsize=1)
def _opened(url: str) -> Store:
    """The store, opened once in each worker; only read."""
    return Store.open(url)


def _round(desk: Desk, folders: Mapping[Node, str], nodes: Sequence[Node]) -> Round:
    return Round(desk, folders, desk.store.months(nodes), desk.store.stale_months(nodes), _Shelf(desk.store))


def _make(work: Round, nodes: Sequence[Node], left: Left = None) -> Made:
    """Documents of these nodes until a batch is full; of the archives of the first those `left`."""
    parts: list[Part] = []
    size = 0
    for number, node in enumerate(nodes):
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
            return _made(work, parts, nodes[number + bool(not todo) :], tuple(todo) or None)
    return _made(work, parts, (), None)


def _made(work: Round, parts: Iterable[Part], rest: Sequence[Node], left: Left) -> Made:
    problems = (*work.problems, *work.cache.problems.values())
    work.problems.clear()
    work.cache.problems.clear()
    return Made(tuple(parts), problems, tuple(rest), left)


def _ordered(desk: Desk, nodes: Iterable[Node]) -> list[Node]:
    """Category by category, each source after the category that it gives to."""
    given = {source.name: source.categories for source in desk.sources}

    def place(node: Node) -> tuple[tuple[str, ...], bool, Node]:
        return (
            node.path if node.kind == "category" else given.get(node.path[0], ()),
            node.kind == "source",
            node,
        )

    return sorted(nodes, key=place)


def _write(desk: Desk, made: Made, failed: set[Node], serial: int) -> None:
    """Write a batch; a node of which a file failed stays out of date."""
    documents = [document for part in made.parts for document in part.documents]
    owners = {document.path: part.node for part in made.parts for document in part.documents}
    written = desk.write(documents, serial=serial, gone=[path for part in made.parts for path in part.gone])
    failed.update(owners[path] for path in written.failed)
    done = [part.node for part in made.parts if part.done and part.node not in failed]
    desk.store.published((), nodes=done, serial=serial)
    pages = {document.path for document in documents if document.kind == "page"}
    desk.report.pages += len(pages.intersection(written.changed))
    desk.report.feeds += len(set(written.changed) - pages)
    desk.report.problems += made.problems


def _view(work: Round, node: Node) -> View:
    """What a node's documents are made from."""
    site, folder, store = work.site, work.folders[node], work.desk.store
    articles = work.shelf.take(store.newest(node, max(site.entries_per_feed, NEWEST)))
    pages: Sequence[ArchivePage] = ()
    if "atom" in site.formats:
        pages = archives.plan(work.months[node], shown(articles, site), site.entries_per_feed)
    there = tuple(store.output_paths(ARCHIVE, [_key(node, folder)]))
    planned = {archives.archive_path(folder, page.name) for page in pages}
    return View(articles, pages, there, tuple(sorted(set(there) - planned)))


def _live(work: Round, node: Node, view: View) -> Iterator[Document]:
    """The live feeds of a node, then its page."""
    site, folder, articles = work.site, work.folders[node], view.articles
    prev = view.pages[-1].name if view.pages else None
    graves = _graves(work, node)[:TOMBSTONES]
    for fmt in FORMATS:
        if fmt in site.formats:
            path = f"{folder}/{FEED_FILES[fmt]}"
            data = render_feed(
                fmt, node, articles, site, folder, work.cache, prev_archive=prev, tombstones=graves
            )
            yield from _sound(work, fmt, Document(path, data, "feed", _key(node, path)))
    path = page_path(node, folder)
    yield Document(path, render_page(node, work.folders, articles, site), "page", _key(node, path))


def _archive(work: Round, node: Node, page: ArchivePage) -> Iterator[Document]:
    """An archive document of a node."""
    folder = work.folders[node]
    count = work.months[node][page.month]
    articles = work.shelf.take(work.desk.store.month(node, page.month, page.start, page.stop, count))
    graves = _graves(work, node, page.month) if not page.start else ()
    data = render_archive(page, node, articles, work.site, folder, work.cache, tombstones=graves)
    path = archives.archive_path(folder, page.name)
    yield from _sound(work, "atom", Document(path, data, ARCHIVE, _key(node, folder)))


def _touched(work: Round, node: Node, view: View) -> Iterator[ArchivePage]:
    """The documents that hold a place that changed, or are new, or have another neighbour than before."""
    known = archives.in_order(view.there)
    linked = [None, *known, None]
    neighbours = {name: (linked[number], linked[number + 2]) for number, name in enumerate(known)}
    archived = {page.month for page in view.pages}
    months = work.months[node]
    spans = {
        month: work.desk.store.affected(node, month, months[month], stretch)
        for month, stretch in work.stale[node].items()
        if month in archived
    }
    for page in view.pages:
        moved = neighbours.get(page.name) != (page.prev, page.next)
        if moved or (page.month in spans and _shows(work, node, page, *spans[page.month])):
            yield page


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


def _sound(work: Round, fmt: Format, document: Document) -> Iterator[Document]:
    """The document, unless something is wrong with it: then it is reported, and the old one stays."""
    if findings := check(fmt, document.data):
        work.problems.append(f"{document.path} is kept back: {'; '.join(findings)}")
    else:
        yield document
