"""Files on their way into the outputs: what is ours, and what the store is told of it.

Files reach the disk before the store records them, so the record may lag and never leads: what a
killed run left behind is done again by the next. A file that we did not write, or that somebody
edited since, is kept unless `force` says otherwise.
"""

import hashlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from types import MappingProxyType

from aggregator.model import Node
from aggregator.options import Site, Source
from aggregator.publish.disk import Stamp
from aggregator.publish.files import UNSEEN, Output, Staged, Written
from aggregator.publish.websub import topics
from aggregator.store import OutputRecord, Store

REMOVED_AT_ONCE = 2_000
MANY = 16
"""Nodes that are out of date from which on worker processes make their documents."""


ARCHIVE = "archive"
"""The kind under which archive documents are recorded."""
NOWHERE: Mapping[str, int] = MappingProxyType({})


@lru_cache(maxsize=1024)
def _named(node: Node) -> str:
    return f"{node.kind} {json.dumps(node.path, ensure_ascii=False)}"


def key_of(node: Node, path: str) -> str:
    """Names a file by what it is of, as a folder may come to be another node's."""
    return f"{path} {_named(node)}"


@dataclass(slots=True)
class PublishReport:
    """What publishing did.

    Files written by kind, files removed, what could not be done, and files that were left
    alone because somebody edited them or put them there.
    """

    posts: int = 0
    feeds: int = 0
    pages: int = 0
    removed: int = 0
    problems: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)

    def __add__(self, other: "PublishReport") -> "PublishReport":
        return PublishReport(
            self.posts + other.posts,
            self.feeds + other.feeds,
            self.pages + other.pages,
            self.removed + other.removed,
            self.problems + other.problems,
            self.kept + other.kept,
        )


@dataclass(frozen=True, slots=True)
class Document:
    """A file to be written: its place and bytes, what it is of, and what it holds (see `OutputRecord`)."""

    path: str
    data: bytes
    kind: str
    key: str
    entries: bytes | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """Documents that are made and lie beside their places; what the store is to be told of each."""

    staged: Staged
    records: tuple[OutputRecord, ...]


@dataclass(frozen=True, slots=True)
class Desk:
    """Where a publishing run works: what it reads, where it writes, and what it has done so far."""

    site: Site
    sources: tuple[Source, ...]
    store: Store
    output: Output
    report: PublishReport
    stop: Callable[[], bool]
    force: bool = False

    def draft(self, documents: Sequence[Document], intact: Mapping[str, Stamp] = UNSEEN) -> Draft:
        """Documents staged, in any process; `intact` are files known to be as we wrote them.

        Raises PublishError.
        """
        files = {document.path: document.data for document in documents}
        staged = self.output.stage(files, self._ours(files), intact)
        digests = {path: digest for path, _, digest in staged.files}
        return Draft(staged, tuple(_record(each, digests.get(each.path)) for each in documents))

    def put(
        self,
        draft: Draft,
        *,
        serial: int,
        posts: Collection[int] = (),
        placed: Mapping[str, int] = NOWHERE,
        nodes: Collection[Node] = (),
        gone: Collection[str] = (),
    ) -> Written:
        """Bring a draft on disk, record it, and note posts (article ids) and nodes as fresh.

        `placed` are the articles at the paths: one that could not be written stays out of date.
        `gone` are files that go with what is written now. Raises PublishError.
        """
        announced = topics([path for path, *_ in draft.staged.files], self.site) if self.site.hub else ()
        if announced:
            from aggregator import pings

            pings.expect(self.store, announced)
        written = self.output.place(draft.staged)
        left = written.failed.keys() | set(written.kept)
        records = [record for record in draft.records if record.path not in left]
        fresh = set(posts).difference(placed[path] for path in written.failed if path in placed)
        with self.store.together():
            self.store.published(records, posts=fresh, nodes=nodes, serial=serial)
            self.store.retire(gone)
        if announced:
            from aggregator import pings

            pings.settle(self.store, topics(written.changed, self.site))
        self.output.settle()
        self.report.problems += written.failed.values()
        self.report.kept += map(_kept, written.kept)
        return written

    def remove(self) -> None:
        """Remove what no longer belongs. A file that was edited stays, and is nobody's from then on."""
        paths = iter(self.store.obsolete())
        while not self.stop() and (some := list(islice(paths, REMOVED_AT_ONCE))):
            written = self.output.remove(some, self._ours(some))
            self.store.removed([path for path in some if path not in written.failed])
            self.report.removed += len(written.changed)
            self.report.problems += written.failed.values()
            self.report.kept += map(_left, written.kept)

    def _ours(self, paths: Collection[str]) -> dict[str, bytes] | None:
        if self.force:
            return None
        return {path: owner.sha256 for path, owner in self.store.owners(paths).items()}


def _record(document: Document, digest: bytes | None) -> OutputRecord:
    digest = digest or hashlib.sha256(document.data).digest()
    return OutputRecord(
        document.path, digest, len(document.data), document.kind, document.key, document.entries
    )


def _kept(path: str) -> str:
    return f"{path} was edited or put there by somebody and is kept; `aggregator publish --force` replaces it"


def _left(path: str) -> str:
    return f"{path} no longer belongs here, but was edited or put there by somebody: remove it yourself"
