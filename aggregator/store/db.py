"""The store's front door: each method is one transaction; the work is done in the modules beside."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from aggregator.model import Article, Counts, FileStamp, Node, Outline, Refined, SourceState
from aggregator.options import Policy, Source
from aggregator.store import (
    articles,
    backtest,
    content,
    explain,
    floods,
    history,
    listing,
    months,
    nodes,
    outputs,
    retention,
    revisions,
    sources,
    stale,
    tombs,
)
from aggregator.store.backtest import Backtest
from aggregator.store.batch import Recording
from aggregator.store.engine import Database, open_database
from aggregator.store.explain import Explanation
from aggregator.store.floods import FloodRow
from aggregator.store.months import Stretch
from aggregator.store.nodes import NodeRow, node_ids
from aggregator.store.outputs import OutputRecord, Owner
from aggregator.store.retention import Ends
from aggregator.store.revisions import Revision
from aggregator.store.sources import SourceRow
from aggregator.store.stale import Stale
from aggregator.store.tombs import Buried, Kind, Tomb


class Store:
    """An open store. One thread writes at a time (others wait); any number read beside it.

    Every method raises StoreError if the database refuses. `policy` may be replaced at any time.
    """

    def __init__(self, database: Database, policy: Policy) -> None:
        self._database = database
        self.policy = policy
        self.snapshot = database.snapshot

    @classmethod
    def open(cls, url: str, policy: Policy | None = None) -> Self:
        """Open the store at an SQLAlchemy URL; it is created or brought up to date as needed.

        StoreError: it cannot be opened or written, is damaged, or is of a newer program.
        """
        return cls(open_database(url), policy or Policy())

    @property
    def url(self) -> str:
        """Where it is, password included: for another process of ours."""
        return self._database.url.render_as_string(hide_password=False)

    def close(self) -> None:
        """Close every connection."""
        self._database.close()

    def upkeep(self) -> None:
        """What is worth doing once a night."""
        self._database.upkeep()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def together(self) -> Iterator[None]:
        """Writes within are one commit, so that many small ones cost one flush to disk.

        A write that fails within undoes only itself if its error is caught within.
        """
        with self._database.write():
            yield

    # --- sources

    def reconcile(self, sources_: Sequence[Source], now: datetime) -> None:
        """Make the table of sources follow the settings; a source's name is its identity.

        Sources that left become inactive and their articles stay. Where a source's categories
        changed, its articles move (those that name their own stay) and outputs go out of date.
        """
        with self._database.write() as conn:
            sources.reconcile(conn, sources_, now)

    def states(self) -> dict[str, SourceState]:
        """The state of every source that was ever reconciled, by name."""
        with self._database.read() as conn:
            return sources.states(conn)

    def save_states(self, states: Mapping[str, SourceState]) -> None:
        """Keep the states of sources, by name, where there is nothing else to store (304, failure)."""
        with self._database.write() as conn:
            sources.save_states(conn, states)

    def read_anew(self, names: Collection[str]) -> None:
        """Forget what keeps the documents and files of these sources from being read as if they were new."""
        with self._database.write() as conn:
            sources.read_anew(conn, names)

    def last_seen(self, names: Sequence[str]) -> dict[str, bytes]:
        """What `record` was told to remember of the entries of feeds, by name; for nothing, no key."""
        with self._database.read() as conn:
            return sources.last_seen(conn, names)

    def file_stamps(self, name: str) -> dict[str, FileStamp]:
        """The stamps of the files of a seed directory, by relative path."""
        with self._database.read() as conn:
            return sources.file_stamps(conn, name)

    def source_rows(self, now: datetime) -> list[SourceRow]:
        """Every source with its health, number of articles and articles a day, by name."""
        with self._database.read() as conn:
            return sources.source_rows(conn, now)

    # --- articles

    def record(
        self,
        source: Source,
        entries: Sequence[Refined],
        state: SourceState,
        now: datetime,
        *,
        void_guids: frozenset[str] = frozenset(),
        void_links: frozenset[str] = frozenset(),
        stamps: Mapping[str, FileStamp] | None = None,
        gone: Collection[str] = (),
        shown: Collection[bytes] = (),
        seen: bytes = b"",
    ) -> Counts:
        """Store what a source gave, its state, and what is then out of date: all or nothing.

        See `Recording` for what the arguments are.
        """
        recording = Recording(
            source=source,
            entries=entries,
            state=state,
            void_guids=void_guids,
            void_links=void_links,
            stamps=stamps or {},
            gone=gone,
            shown=shown,
            seen=seen,
        )
        return self.record_all([recording], now)[0]

    def record_all(self, given: Sequence[Recording], now: datetime) -> list[Counts]:
        """The same for many sources: as if one after the other, all or nothing."""
        with self._database.write() as conn:
            return articles.record_all(conn, self.policy, given, now)

    def articles(self, ids: Sequence[int]) -> list[Article]:
        """The articles with these ids, in this order; ids that are not there are left out."""
        with self._database.read() as conn:
            return content.load(conn, ids)

    def outlines(self, ids: Sequence[int]) -> list[Outline]:
        """The same in outline, which costs a fraction."""
        with self._database.read() as conn:
            return content.outlines(conn, ids)

    def carried(self, source: str, keys: Collection[str]) -> dict[str, Article]:
        """The articles that entries of a source with these keys (`Refined.key`) are already."""
        with self._database.read() as conn:
            return history.carried(conn, source, keys)

    def find(self, text: str) -> list[Article]:
        """The articles that a link, a guid, a uid, its first 8 digits, or a post's path names."""
        with self._database.read() as conn:
            return content.load(conn, history.find(conn, text))

    def nodes(self) -> list[NodeRow]:
        """Every node that lists articles or belongs to an active source, ordered."""
        with self._database.read() as conn:
            return nodes.all_nodes(conn)

    def newest(self, node: Node, limit: int) -> list[int]:
        """The ids of the newest articles of a node, by (sort_at descending, uid)."""
        with self._database.read() as conn:
            return listing.newest_ids(conn, node, limit)

    def months(self, nodes: Collection[Node]) -> dict[Node, dict[str, int]]:
        """How many articles nodes list in each month, as `YYYY-MM` in UTC."""
        with self._database.read() as conn:
            ids = node_ids(conn, nodes)
            return months.by_node(ids, months.counts(conn, ids.values()))

    def stale_months(self, nodes: Collection[Node]) -> dict[Node, dict[str, Stretch]]:
        """Which stretches of the months of nodes are out of date; `published` ends that with the nodes'."""
        with self._database.read() as conn:
            ids = node_ids(conn, nodes)
            return months.by_node(ids, months.stale(conn, ids.values()))

    def affected(self, node: Node, month: str, count: int, stretch: Stretch) -> tuple[int, int]:
        """Which places of a month of `count` articles a stretch covers: from, and up to.

        Counted from the month's oldest article.
        """
        with self._database.read() as conn:
            return months.affected(conn, node, month, count, stretch)

    def month(self, node: Node, month: str, start: int, stop: int, count: int) -> list[int]:
        """Part of a month of `count` articles, counted from its oldest: their ids, newest first."""
        with self._database.read() as conn:
            return months.slice_ids(conn, node, month, slice(start, stop), count)

    def versions(self, article_id: int) -> tuple[Revision, ...]:
        """Every version of an article that is kept, the oldest first, what it says now last."""
        with self._database.read() as conn:
            return revisions.versions(conn, article_id)

    def explain(self, text: str) -> list[Explanation]:
        """Why what a text names (as in `find`) is here, or is not; empty if it is unknown."""
        with self._database.read() as conn:
            return explain.explain(conn, text)

    def backtest(self, policy: Policy) -> Backtest:
        """What the ladder would make of everything stored under another policy; nothing is written."""
        with self._database.read() as conn:
            return backtest.run(conn, policy)

    # --- removals and floods

    def take_down(self, ids: Collection[int], reason: str, now: datetime) -> int:
        """Remove articles for good; returns how many there were."""
        with self._database.write() as conn:
            return tombs.bury(conn, ids, "takedown", reason, now)

    def take_down_source(self, name: str, reason: str, now: datetime) -> int:
        """Remove all that a source carried, and take no more of it; how many. StoreError: no such source."""
        with self._database.write() as conn:
            return tombs.take_down_source(conn, name, reason, now)

    def tombs(self, kind: Kind = "takedown") -> list[Tomb]:
        """What was removed and may not come back, the oldest first."""
        with self._database.read() as conn:
            return tombs.all_tombs(conn, kind)

    def tombs_of(self, nodes: Collection[Node]) -> dict[Node, list[Buried]]:
        """The takedowns of what nodes listed, the newest first; nodes without any are left out."""
        with self._database.read() as conn:
            return tombs.of_nodes(conn, nodes)

    def undo(self, tomb_id: int) -> Tomb | None:
        """Let something removed come back when its sources show it next; None if there is no such tomb."""
        with self._database.write() as conn:
            return tombs.undo(conn, tomb_id)

    def floods(self) -> list[FloodRow]:
        """The floods of which articles are held back, the oldest first."""
        with self._database.read() as conn:
            return floods.held_floods(conn)

    def release(self, flood_id: int) -> int:
        """Let what is held back of a flood into the live feeds; returns how many articles that are."""
        with self._database.write() as conn:
            return floods.release(conn, flood_id)

    def drop(self, flood_id: int, now: datetime) -> int:
        """Remove what is held back of a flood for good; returns how many articles that were."""
        with self._database.write() as conn:
            return tombs.bury(conn, floods.held_ids(conn, flood_id), "flood", "", now)

    # --- upkeep

    def prune(
        self, given: Sequence[Source], keep: float | None, now: datetime, ends: Ends = lambda: False
    ) -> int:
        """Remove the articles that retention lets go; how many. See `retention.prune`."""
        return retention.prune(self._database, given, keep, now, ends)

    def compact(self) -> None:
        """Give the space of what was removed back to the disk; takes as long as copying the database."""
        self._database.compact()

    def backup(self, target: Path) -> None:
        """Copy the database to a new file while it is in use.

        StoreError: the file exists or cannot be written, or the database is not SQLite.
        """
        self._database.backup(target)

    # --- outputs

    def stale(self, posts: int = 500) -> Stale:
        """What is out of date: all nodes, and at most `posts` posts."""
        with self._database.read() as conn:
            return stale.stale(conn, posts)

    def is_fresh(self) -> bool:
        """Whether nothing is out of date or to be removed."""
        with self._database.read() as conn:
            return outputs.is_fresh(conn)

    def mark_all_stale(self) -> None:
        """Everything is out of date."""
        with self._database.write() as conn:
            stale.mark_all(conn)

    def keep_stale(self, posts: Collection[int]) -> None:
        """These posts (article ids) could not be written: they are out of date still."""
        with self._database.write() as conn:
            stale.mark(conn, posts, ())

    def published(
        self,
        files: Sequence[OutputRecord],
        *,
        posts: Collection[int] = (),
        nodes: Collection[Node] = (),
        serial: int,
    ) -> None:
        """Note files as written, and posts (article ids) and nodes as fresh as of `Stale.serial`.

        Files written before under the same kind and key and not among `files` become obsolete, but
        for archives, of which a key has several.
        """
        with self._database.write() as conn:
            outputs.record(conn, files)
            stale.unmark(conn, posts, nodes, serial)

    def outputs(self, *kinds: str) -> dict[str, OutputRecord]:
        """Every file (of these kinds, if any) that was written and not yet removed, by path."""
        with self._database.read() as conn:
            return outputs.all_outputs(conn, kinds)

    def output_keys(self, kind: str) -> set[str]:
        """What files of a kind are of."""
        with self._database.read() as conn:
            return outputs.keys(conn, kind)

    def output_paths(self, kind: str, keys: Sequence[str]) -> dict[str, list[str]]:
        """The files of a kind that are of these things, by key; a key without any is left out."""
        with self._database.read() as conn:
            return outputs.paths_by_key(conn, kind, keys)

    def owners(self, paths: Collection[str]) -> dict[str, Owner]:
        """What was last written at these paths."""
        with self._database.read() as conn:
            return outputs.owners(conn, paths)

    def with_digits(self, digits: Collection[str]) -> list[int]:
        """The ids of the articles whose uids begin with these hex digits, in order."""
        with self._database.read() as conn:
            return outputs.with_digits(conn, digits)

    def obsolete(self) -> tuple[str, ...]:
        """The paths of files to remove: of moved posts, or of articles that are gone."""
        with self._database.read() as conn:
            return outputs.obsolete_paths(conn)

    def retire(self, paths: Collection[str]) -> None:
        """Note that files are to be removed."""
        with self._database.write() as conn:
            outputs.retire(conn, paths)

    def removed(self, paths: Collection[str]) -> None:
        """Forget files that were removed."""
        with self._database.write() as conn:
            outputs.removed(conn, paths)

    def get_meta(self, key: str) -> str | None:
        """A small fact of the whole store, or None."""
        with self._database.read() as conn:
            return outputs.get_meta(conn, key)

    def set_meta(self, key: str, value: str) -> None:
        """Keep a small fact of the whole store."""
        with self._database.write() as conn:
            outputs.set_meta(conn, key, value)
