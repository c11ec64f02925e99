"""Feeds, their archives and pages brought up to date: of which nodes, by whom, and what is recorded.

    out-of-date nodes ─► shares of them ─► publish_feeds ─► drafts, in order: placed, recorded
                                           here or in workers

Sources come before categories, so that articles which stand in several feeds are rendered once, for
the feed of their source, and copied from there (see `publish_pieces`).

Rules of this file: what renders is imported where something is rendered here: workers may do it all.
"""

import json
from collections.abc import Generator, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from aggregator.model import Node
from aggregator.options import Site
from aggregator.publish.archives import ArchivePage
from aggregator.publish.paths import FEED_FILES, OPML, SOURCES_OPML, feed_folders, page_path
from aggregator.publish_files import ARCHIVE, MANY, Desk, Draft, key_of
from aggregator.publish_shares import in_order
from aggregator.workers import Workers

if TYPE_CHECKING:
    from aggregator.publish_pieces import Pieces

SHARES = {"source": 32, "category": 4}
"""Nodes that a worker is given at a time; of categories few, as some hold far more than others."""
ALONE = 64
"""Nodes at a time where there are no workers: what is known of them is looked up at once."""
EVERYTHING = Node("category", ())
KINDS = ("feed", "page")
NAMED = "slugs"
"""The fact that holds what nodes are called in paths: kind, names, and the last segment of the folder."""


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
    """A batch of documents.

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


Batches = Generator[tuple[Task, Made], None, None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run has to do of nodes.

    folders  of all of them
    stale    those that are out of date
    due      those and the ones whose folder moved, in order
    gone     files that no longer belong
    serial   of the store, as of which that is so
    """

    folders: Mapping[Node, str]
    stale: frozenset[Node]
    due: tuple[Node, ...]
    gone: frozenset[str]
    serial: int


def folders_of(desk: Desk) -> dict[Node, str]:
    """The folder of every node; one that had a folder keeps it."""
    return _folders(desk, desk.store.get_meta(NAMED) or "[]")


def _folders(desk: Desk, noted: str) -> dict[Node, str]:
    rows: list[list[str]] = json.loads(noted)
    held = {
        Node("source" if kind == "source" else "category", tuple(path)): name for kind, *path, name in rows
    }
    return feed_folders({*(row.node for row in desk.store.nodes()), EVERYTHING}, held)


def _settled_folders(desk: Desk) -> dict[Node, str]:
    """The same, noted: whoever comes to stand beside a node does not take its folder."""
    noted = desk.store.get_meta(NAMED) or "[]"
    folders = _folders(desk, noted)
    rows = [(node.kind, *node.path, folder.rsplit("/", 1)[-1]) for node, folder in folders.items()]
    if (text := json.dumps(rows)) != noted:
        desk.store.set_meta(NAMED, text)
    return folders


def live_paths(node: Node, folder: str, site: Site) -> list[str]:
    """The page of a node and its live feeds."""
    return [page_path(node, folder), *(f"{folder}/{FEED_FILES[fmt]}" for fmt in site.formats)]


def wanted_files(folders: Mapping[Node, str], site: Site) -> dict[Node, dict[str, str]]:
    """The live feeds and the page of each node, by path, and the keys that they are recorded under."""
    return {
        node: {path: key_of(node, path) for path in live_paths(node, folder, site)}
        for node, folder in folders.items()
    }


def lost_archives(desk: Desk, folders: Mapping[Node, str]) -> list[str]:
    """Archive documents of nodes that are gone, or have moved to another folder."""
    keys = desk.store.output_keys(ARCHIVE) - {key_of(node, folder) for node, folder in folders.items()}
    found = desk.store.output_paths(ARCHIVE, sorted(keys))
    return [path for paths in found.values() for path in paths]


class Nodes:
    """The nodes of a run that are out of date: handed out, then placed and recorded.

    Many are rendered by `workers`, which read the store themselves. Between `begin` and `publish` they
    do so already, and there may be something else to do here. `close` in any case.
    """

    def __init__(self, desk: Desk, workers: Workers | None) -> None:
        self._desk, self._workers = desk, workers
        self._sources: Batches | None = None
        self._failed: set[Node] = set()

    @cached_property
    def plan(self) -> Plan:
        """What is to be done."""
        return _plan(self._desk)

    @cached_property
    def _here(self) -> "Here":
        return Here(self.plan.folders)

    def begin(self) -> None:
        """Let workers begin; once is enough."""
        if self._sources is None:
            self._sources = self._batches("source")

    def publish(self) -> None:
        """Write the feeds, archives and pages. Raises PublishError.

        Sources come first, as the feeds of categories copy from theirs.
        """
        self.begin()
        self._desk.store.retire(self.plan.gone)
        if self._sources is not None:
            self._put(self._sources)
        with closing(self._batches("category")) as batches:
            self._put(batches)

    def close(self) -> None:
        """Remove what was made and is not to be placed."""
        if self._sources is not None:
            self._sources.close()

    def _batches(self, kind: str) -> Batches:
        """The documents of the nodes of one kind, batch by batch; workers begin with them at once."""
        nodes = tuple(node for node in self.plan.due if node.kind == kind)
        workers = self._workers if len(nodes) >= MANY else None
        size = SHARES[kind] if workers else ALONE
        shares = [Task(nodes[at : at + size], self.plan.serial) for at in range(0, len(nodes), size)]
        if workers is None:
            return _alone(self._desk, shares, self._here)
        return in_order(self._desk, workers, shares, make_share, self._here, _rest)

    def _put(self, batches: Batches) -> None:
        """Place and record all batches, unless told to stop."""
        if not self._desk.stop():
            for _, made in batches:
                _put(self._desk, made, self._failed, self.plan.serial)
                if self._desk.stop():
                    return


def _plan(desk: Desk) -> Plan:
    store = desk.store
    stale = store.stale(0)
    folders = _settled_folders(desk)
    known = {path: row.key for path, row in store.outputs(*KINDS).items()}
    wanted = wanted_files(folders, desk.site)
    gone = known.keys() - {OPML, SOURCES_OPML}.union(*wanted.values())
    gone |= set(lost_archives(desk, folders))
    old = frozenset(stale.nodes)
    due = [node for node, files in wanted.items() if node in old or not files.items() <= known.items()]
    return Plan(folders, old, tuple(sorted(due)), frozenset(gone), stale.serial)


def _alone(desk: Desk, shares: Iterable[Task], make: "Here") -> Batches:
    """Everything made in this process."""
    for share in shares:
        task: Task | None = share
        while task is not None:
            made = make(desk, task)
            yield task, made
            task = _rest(task, made)


def _rest(task: Task, made: Made) -> Task | None:
    """What is left of a task."""
    return replace(task, nodes=made.rest, left=made.left) if made.rest else None


def make_share(desk: Desk, task: Task) -> Made:
    """In a worker: the first batch of documents of a task."""
    from aggregator import publish_feeds

    return publish_feeds.make_share(desk, task)


class Here:
    """Makes batches of documents in this process, with what it keeps at hand during one run."""

    def __init__(self, folders: Mapping[Node, str]) -> None:
        self._folders = folders
        self._pieces: Pieces | None = None

    def __call__(self, desk: Desk, task: Task) -> Made:
        """The first batch of a task."""
        from aggregator import publish_feeds

        if self._pieces is None:
            self._pieces = publish_feeds.pieces_of(desk, self._folders)
        return publish_feeds.make(self._pieces, desk, task)


def _put(desk: Desk, made: Made, failed: set[Node], serial: int) -> None:
    """Place and record a batch; a node of which a file failed stays out of date."""
    written = desk.put(made.draft, serial=serial, gone=made.gone)
    failed.update(made.owners[path] for path in written.failed)
    desk.store.published((), nodes=[node for node in made.done if node not in failed], serial=serial)
    pages = {record.path for record in made.draft.records if record.kind == "page"}
    desk.report.pages += len(pages.intersection(written.changed))
    desk.report.feeds += len(set(written.changed) - pages)
    desk.report.problems += made.problems
