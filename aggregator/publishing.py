"""Bring the outputs up to date with the store: only what is out of date, posts first.

    stale posts ─► render ─► Output.write ─► store.published
    stale nodes ─► listing ─► render ─► Output.write ─► store.published
    files that no longer belong ─► Output.remove ─► store.removed

Files reach the disk before the store records them, so the record may lag and never leads: what a
killed run left behind is done again by the next.
"""

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from aggregator import __version__
from aggregator.config import Settings
from aggregator.model import Node
from aggregator.options import Site, Source
from aggregator.publish import posts
from aggregator.publish.feeds import EntryCache, Format, render_feed
from aggregator.publish.files import Output
from aggregator.publish.gate import check
from aggregator.publish.head import page_path
from aggregator.publish.opml import render_opml, render_sources_opml
from aggregator.publish.pages import NEWEST, render_page
from aggregator.publish.paths import FEED_FILES, INDEX, OPML, SOURCES_OPML, feed_folders
from aggregator.store import Store
from aggregator.store.outputs import OutputRecord

RENDERING = 1
"""Raise it when the same store and settings come to give other bytes."""

POSTS_PER_BATCH = 500
NODES_PER_BATCH = 20
EVERYTHING = Node("category", ())
FORMATS: tuple[Format, ...] = ("atom", "rss", "json")


@dataclass(slots=True)
class PublishReport:
    """What publishing did: files written by kind, files removed, and what could not be done."""

    posts: int = 0
    feeds: int = 0
    pages: int = 0
    removed: int = 0
    problems: list[str] = field(default_factory=list)

    def __add__(self, other: "PublishReport") -> "PublishReport":
        return PublishReport(
            self.posts + other.posts,
            self.feeds + other.feeds,
            self.pages + other.pages,
            self.removed + other.removed,
            self.problems + other.problems,
        )


@dataclass(frozen=True, slots=True)
class _Tools:
    site: Site
    sources: tuple[Source, ...]
    store: Store
    output: Output
    report: PublishReport
    stop: Callable[[], bool]


def publish(
    settings: Settings,
    store: Store,
    *,
    everything: bool = False,
    stop: Callable[[], bool] = lambda: False,
) -> PublishReport:
    """Write what is out of date, or `everything`; remove what no longer belongs.

    Between batches `stop` may end it; the rest stays out of date. Raises PublishError if the
    disk refuses; the files that were there stay whole.
    """
    tools = _Tools(settings.site, settings.sources, store, Output(settings.outputs), PublishReport(), stop)
    fingerprint = _fingerprint(settings)
    is_there = (settings.outputs / INDEX).exists()
    if everything or not is_there or store.get_meta("published") != fingerprint:
        store.mark_all_stale()
        store.set_meta("published", fingerprint)
    _publish_posts(tools)
    if not stop():
        _publish_feeds(tools, is_there=is_there)
    if obsolete := store.obsolete():
        _remove(tools, obsolete)
    return tools.report


def _fingerprint(settings: Settings) -> str:
    """What makes every output out of date when it changes."""
    facts = f"{RENDERING}\n{__version__}\n{settings.outputs}\n{settings.site}"
    return hashlib.sha256(facts.encode()).hexdigest()


def _publish_posts(tools: _Tools) -> None:
    failed: set[int] = set()
    while not tools.stop():
        stale = tools.store.stale(POSTS_PER_BATCH)
        if not stale.posts:
            break
        articles = tools.store.articles(stale.posts)
        found = {posts.post_path(article, tools.site.flavour): article for article in articles}
        files = {path: posts.render(article, tools.site) for path, article in found.items()}
        written = tools.output.write(files)
        records = [
            _record(path, data, "post", found[path].uid)
            for path, data in files.items()
            if path not in written.failed
        ]
        tools.store.published(records, posts=stale.posts, serial=stale.serial)
        failed |= {found[path].id for path in written.failed}
        tools.report.posts += len(written.changed)
        tools.report.problems += written.failed.values()
    if failed:
        tools.store.keep_stale(failed)


def _publish_feeds(tools: _Tools, *, is_there: bool) -> None:
    """Feeds and pages of stale nodes and of nodes whose folder moved, and the files that list them."""
    stale = tools.store.stale(0)
    folders = feed_folders({*(row.node for row in tools.store.nodes()), EVERYTHING})
    known = {path for path, row in tools.store.outputs().items() if row.kind != "post"}
    wanted = {node: _paths(node, folder, tools.site) for node, folder in folders.items()}
    gone = known.difference(*wanted.values(), (OPML, SOURCES_OPML))
    due = [node for node, paths in wanted.items() if node in stale.nodes or not known.issuperset(paths)]
    sources = render_sources_opml(tools.sources, tools.site)
    listed = hashlib.sha256(sources).hexdigest()
    if not (due or gone or stale.nodes) and is_there and tools.store.get_meta("sources") == listed:
        return
    tools.store.retire(gone)
    cache = EntryCache()
    for batch in _batches(due, NODES_PER_BATCH):
        if tools.stop():
            return
        files = {path: data for node in batch for path, data in _render(node, folders, tools, cache).items()}
        tools.report.feeds += _write(tools, files, "feed", batch, stale.serial)
    lists = {
        OPML: render_opml(folders, tools.site),
        SOURCES_OPML: sources,
    }
    tools.report.pages += _write(tools, lists, "page", stale.nodes, stale.serial)
    tools.store.set_meta("sources", listed)
    tools.report.problems += cache.problems.values()


def _paths(node: Node, folder: str, site: Site) -> set[str]:
    """The files of a node."""
    return {page_path(node, folder), *(f"{folder}/{FEED_FILES[fmt]}" for fmt in site.formats)}


def _render(node: Node, folders: Mapping[Node, str], tools: _Tools, cache: EntryCache) -> dict[str, bytes]:
    """The feeds and the page of a node; a feed that is not sound is kept back and reported."""
    site, folder = tools.site, folders[node]
    articles = tools.store.listing(node, max(site.entries_per_feed, NEWEST))
    files = {page_path(node, folder): render_page(node, folders, articles, site)}
    for fmt in FORMATS:
        if fmt in site.formats:
            path = f"{folder}/{FEED_FILES[fmt]}"
            data = render_feed(fmt, node, articles, site, folder, cache)
            if findings := check(fmt, data):
                tools.report.problems.append(f"{path} is kept back: {'; '.join(findings)}")
            else:
                files[path] = data
    return files


def _write(tools: _Tools, files: Mapping[str, bytes], kind: str, nodes: Collection[Node], serial: int) -> int:
    """Write files and record them; returns how many were replaced."""
    written = tools.output.write(files)
    records = [_record(path, data, kind, path) for path, data in files.items() if path not in written.failed]
    tools.store.published(records, nodes=nodes, serial=serial)
    tools.report.problems += written.failed.values()
    return len(written.changed)


def _record(path: str, data: bytes, kind: str, key: str) -> OutputRecord:
    return OutputRecord(path, hashlib.sha256(data).digest(), len(data), kind, key)


def _remove(tools: _Tools, paths: Collection[str]) -> None:
    written = tools.output.remove(paths)
    tools.store.removed([path for path in paths if path not in written.failed])
    tools.report.removed += len(written.changed)
    tools.report.problems += written.failed.values()


def _batches(nodes: Sequence[Node], size: int) -> Iterator[Sequence[Node]]:
    return (nodes[start : start + size] for start in range(0, len(nodes), size))
