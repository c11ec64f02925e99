"""Feeds, their archives and pages brought up to date: of what changed, only that.

    out-of-date nodes ─► months, newest articles ─► archive documents touched ─► live feeds, page
                                                       checked before each replaces the old one

Nodes are taken category by category, so that articles which stand in several feeds are loaded and
rendered once while they are at hand.
"""

import json
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from aggregator.model import Article, Node, Tombstone
from aggregator.options import Site
from aggregator.publish import archives
from aggregator.publish.archives import ArchivePage
from aggregator.publish.entry import entry_id
from aggregator.publish.feeds import EntryCache, Format, render_archive, render_feed, shown
from aggregator.publish.gate import check
from aggregator.publish.head import page_path
from aggregator.publish.pages import NEWEST, render_page
from aggregator.publish.paths import FEED_FILES, feed_folders
from aggregator.publish_files import Desk, Document
from aggregator.store import Store, Stretch

BATCH_BYTES = 16_000_000
"""About how much is written at once: many flushes to disk go together, and memory stays small."""
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
    gone: list[str] = field(default_factory=list)
    failed: set[Node] = field(default_factory=set)

    @property
    def site(self) -> Site:
        """What outputs say of the site."""
        return self.desk.site


@dataclass(slots=True)
class _Batch:
    """What is to be written at once: documents and their nodes, and the nodes that are done with them."""

    documents: list[Document] = field(default_factory=list)
    owners: dict[str, Node] = field(default_factory=dict)
    done: list[Node] = field(default_factory=list)
    size: int = 0

    def add(self, node: Node, document: Document) -> None:
        self.documents.append(document)
        self.owners[document.path] = node
        self.size += len(document.data)


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


def publish_nodes(desk: Desk, folders: Mapping[Node, str], due: Iterable[Node], serial: int) -> None:
    """Write the feeds, archives and pages of nodes. Raises PublishError."""
    ordered = _ordered(desk, due)
    store = desk.store
    work = Round(desk, folders, store.months(ordered), store.stale_months(ordered), _Shelf(store))
    batch = _Batch()
    for node in ordered:
        if desk.stop():
            break
        for document in _documents(work, node):
            batch.add(node, document)
            if batch.size > BATCH_BYTES:
                _write(work, batch, serial)
                batch = _Batch()
        batch.done.append(node)
    _write(work, batch, serial)
    desk.report.problems += work.cache.problems.values()


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


def _write(work: Round, batch: _Batch, serial: int) -> None:
    """Write a batch; a node of which a file failed stays out of date."""
    desk = work.desk
    written = desk.write(batch.documents, serial=serial, gone=work.gone)
    work.gone.clear()
    work.failed.update(batch.owners[path] for path in written.failed)
    desk.store.published((), nodes=[node for node in batch.done if node not in work.failed], serial=serial)
    pages = {document.path for document in batch.documents if document.kind == "page"}
    desk.report.pages += len(pages.intersection(written.changed))
    desk.report.feeds += len(set(written.changed) - pages)


def _documents(work: Round, node: Node) -> Iterator[Document]:
    """The archive documents of a node that are touched, then its live feeds, then its page."""
    site, folder = work.site, work.folders[node]
    articles = work.shelf.take(work.desk.store.newest(node, max(site.entries_per_feed, NEWEST)))
    pages: Sequence[ArchivePage] = ()
    if "atom" in site.formats:
        pages = archives.plan(work.months[node], shown(articles, site), site.entries_per_feed)
    yield from _archive(work, node, pages)
    prev = pages[-1].name if pages else None
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


def _archive(work: Round, node: Node, pages: Sequence[ArchivePage]) -> Iterator[Document]:
    """The archive documents of a node that a change touched, oldest first; those without articles go."""
    store, folder = work.desk.store, work.folders[node]
    key = _key(node, folder)
    there = store.output_paths(ARCHIVE, [key])
    paths = {page.name: archives.archive_path(folder, page.name) for page in pages}
    work.gone.extend(sorted(set(there).difference(paths.values())))
    for page in _touched(work, node, pages, there):
        count = work.months[node][page.month]
        articles = work.shelf.take(store.month(node, page.month, page.start, page.stop, count))
        graves = _graves(work, node, page.month) if not page.start else ()
        data = render_archive(page, node, articles, work.site, folder, work.cache, tombstones=graves)
        yield from _sound(work, "atom", Document(paths[page.name], data, ARCHIVE, key))


def _touched(
    work: Round, node: Node, pages: Sequence[ArchivePage], there: Iterable[str]
) -> Iterator[ArchivePage]:
    """The documents that hold a place that changed, or are new, or have another neighbour than before."""
    known = archives.in_order(there)
    linked = [None, *known, None]
    neighbours = {name: (linked[number], linked[number + 2]) for number, name in enumerate(known)}
    archived = {page.month for page in pages}
    months = work.months[node]
    spans = {
        month: work.desk.store.affected(node, month, months[month], stretch)
        for month, stretch in work.stale[node].items()
        if month in archived
    }
    for page in pages:
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
        work.desk.report.problems.append(f"{document.path} is kept back: {'; '.join(findings)}")
    else:
        yield document
