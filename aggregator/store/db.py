"""The store's front door: each method is one transaction; the work is done in the modules beside."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from types import TracebackType
from typing import Self

from aggregator.model import Article, Counts, FileStamp, Node, Refined, SourceState
from aggregator.options import Source
from aggregator.store import articles, content, history, listing, months, outputs, sources
from aggregator.store.engine import Database, open_database
from aggregator.store.history import Sighting
from aggregator.store.listing import NodeRow
from aggregator.store.months import Stretch
from aggregator.store.outputs import OutputRecord, Stale
from aggregator.store.sources import SourceRow


class Store:
    """An open store. One thread writes at a time (others wait); any number read beside it.

    Every method raises StoreError if the database refuses.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    def open(cls, url: str) -> Self:
        """Open the store at an SQLAlchemy URL; it is created or brought up to date as needed.

        StoreError: it cannot be opened or written, is damaged, or is of a newer program.
        """
        return cls(open_database(url))

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

    def save_state(self, source: Source, state: SourceState) -> None:
        """Keep a source's state where there is nothing else to store (304, failure)."""
        with self._database.write() as conn:
            sources.save_state(conn, sources.known(conn, source).id, state)

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
    ) -> Counts:
        """Store what a source gave, its state, and what is then out of date: all or nothing.

        `stamps` are those of the files that were read, `gone` the paths of files that are no
        longer there (seed directories only).
        """
        with self._database.write() as conn:
            return articles.record(
                conn,
                source,
                entries,
                state,
                now,
                void_guids=void_guids,
                void_links=void_links,
                stamps=stamps,
                gone=gone,
            )

    def articles(self, ids: Sequence[int]) -> list[Article]:
        """The articles with these ids, in this order; ids that are not there are left out."""
        with self._database.read() as conn:
            return content.load(conn, ids)

    def carried(self, source: str, keys: Collection[str]) -> dict[str, Article]:
        """The articles that entries of a source with these keys (`Refined.key`) are already."""
        with self._database.read() as conn:
            return history.carried(conn, source, keys)

    def find(self, text: str) -> list[Article]:
        """The articles that a link, a guid, a uid, its first 8 digits, or a post's path names."""
        with self._database.read() as conn:
            return content.load(conn, history.find(conn, text))

    def history(self, article_id: int) -> tuple[Sighting, ...]:
        """Every sighting of an article, the first first."""
        with self._database.read() as conn:
            return history.history(conn, article_id)

    def nodes(self) -> list[NodeRow]:
        """Every node that lists articles or belongs to an active source, ordered."""
        with self._database.read() as conn:
            return listing.all_nodes(conn)

    def listing(self, node: Node, limit: int) -> list[Article]:
        """The newest articles of a node, by (sort_at descending, uid)."""
        with self._database.read() as conn:
            return content.load(conn, listing.newest_ids(conn, node, limit))

    def months(self, nodes: Collection[Node]) -> dict[Node, dict[str, int]]:
        """How many articles nodes list in each month, as `YYYY-MM` in UTC."""
        with self._database.read() as conn:
            ids = listing.node_ids(conn, nodes)
            return months.by_node(ids, months.counts(conn, ids.values()))

    def stale_months(self, nodes: Collection[Node]) -> dict[Node, dict[str, Stretch]]:
        """Which stretches of the months of nodes are out of date; `published` ends that with the nodes'."""
        with self._database.read() as conn:
            ids = listing.node_ids(conn, nodes)
            return months.by_node(ids, months.stale(conn, ids.values()))

    def affected(self, node: Node, month: str, count: int, stretch: Stretch) -> tuple[int, int]:
        """Which places of a month of `count` articles a stretch covers: from, and up to.

        Counted from the month's oldest article.
        """
        with self._database.read() as conn:
            return months.affected(conn, listing.node_ids(conn, [node])[node], month, count, stretch)

    def month(self, node: Node, month: str, start: int, stop: int, count: int) -> list[Article]:
        """Part of a month of `count` articles, counted from its oldest; newest first, as in `listing`."""
        with self._database.read() as conn:
            node_id = listing.node_ids(conn, [node])[node]
            return content.load(conn, months.slice_ids(conn, node_id, month, slice(start, stop), count))

    # --- outputs

    def stale(self, posts: int = 500) -> Stale:
        """What is out of date: all nodes, and at most `posts` posts."""
        with self._database.read() as conn:
            return outputs.stale(conn, posts)

    def mark_all_stale(self) -> None:
        """Everything is out of date."""
        with self._database.write() as conn:
            outputs.mark_all_stale(conn)

    def keep_stale(self, posts: Collection[int]) -> None:
        """These posts (article ids) could not be written: they are out of date still."""
        with self._database.write() as conn:
            listing.mark_stale(conn, posts, ())

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
            outputs.published(conn, files, posts=posts, listed=nodes, serial=serial)

    def outputs(self, *kinds: str) -> dict[str, OutputRecord]:
        """Every file (of these kinds, if any) that was written and not yet removed, by path."""
        with self._database.read() as conn:
            return outputs.all_outputs(conn, kinds)

    def output_keys(self, kind: str) -> set[str]:
        """What files of a kind are of."""
        with self._database.read() as conn:
            return outputs.keys(conn, kind)

    def output_paths(self, kind: str, keys: Sequence[str]) -> list[str]:
        """The files of a kind that are of these things."""
        with self._database.read() as conn:
            return outputs.paths_of(conn, kind, keys)

    def owners(self, paths: Collection[str]) -> dict[str, tuple[bytes, str]]:
        """The SHA-256 and the key of what was last written at these paths."""
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
