"""Where the entries of feeds come from: copied from files that are there, else rendered.

    the last version of the document ────────────────┐
    the feed of the article's source, its archives ──┼─► entries ─► the document
    the store, rendered ─────────────────────────────┘

An entry is copied only from a file that is byte for byte as we wrote it, and only if nothing that
outputs show of the article changed since. So it is rendered once, and other feeds copy it.
"""

import hashlib
import json
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from aggregator.model import Article, Node, Outline
from aggregator.options import Site
from aggregator.publish.feeds import EntryCache
from aggregator.publish.head import page_path
from aggregator.publish.paths import FEED_FILES
from aggregator.publish.pieces import Kind, Piece, Take, articles_in, cut, is_own
from aggregator.store import Owner, Store

SHELF_BYTES = 16_000_000
FILE_BYTES = 48_000_000
"""About how much of articles, and of files, is kept in memory during a run."""
PLACES = 200_000
"""Articles of which it is kept in memory which archive document holds them."""
ARCHIVE = "archive"
"""The kind under which archive documents are recorded."""


def key_of(node: Node, path: str) -> str:
    """Names a file by what it is of, as a folder may come to be another node's."""
    return f"{path} {node.kind} {json.dumps(node.path, ensure_ascii=False)}"


class _Shelf:
    """Articles that were loaded lately, as each format of a feed asks for them."""

    def __init__(self, store: Store, room: int = SHELF_BYTES) -> None:
        self._store = store
        self._room = room
        self._loaded: OrderedDict[int, Article] = OrderedDict()

    def take(self, ids: Sequence[int]) -> dict[int, Article]:
        """The articles with these ids that are there."""
        missing = [article_id for article_id in ids if article_id not in self._loaded]
        for article in self._store.articles(missing) if missing else ():
            self._loaded[article.id] = article
            self._room -= _size(article)
        found = {article_id: self._loaded[article_id] for article_id in ids if article_id in self._loaded}
        for article_id in found:
            self._loaded.move_to_end(article_id)
        while self._room < 0 and len(self._loaded) > len(found):
            _, oldest = self._loaded.popitem(last=False)
            self._room += _size(oldest)
        return found


def _size(article: Article) -> int:
    return 2 * len(article.body) + 2_000


class _File:
    """A file of ours: as of which serial of the store it was made, and its entries; none if it was edited."""

    def __init__(self, sha256: bytes, data: bytes, note: bytes) -> None:
        self.size = len(data)
        self.serial, self.pieces = cut(data, note) if hashlib.sha256(data).digest() == sha256 else (-1, {})


class Pieces:
    """The entries of documents, for one part of a run (sources, or categories), one site and one thread."""

    def __init__(self, store: Store, directory: Path, site: Site, folders: Mapping[Node, str]) -> None:
        self.cache = EntryCache()
        self._store, self._directory, self._site, self._folders = store, directory, site, folders
        self._shelf = _Shelf(store)
        self._owners: dict[str, Owner | None] = {}
        self._feeds: dict[str, Mapping[Kind, str]] = {}
        self._places: dict[tuple[str, str], Mapping[int, str]] = {}
        self._files: OrderedDict[str, _File] = OrderedDict()
        self._room = FILE_BYTES

    def expect(self, paths: Iterable[str]) -> None:
        """These files are about to be asked for: what is known of them is looked up at once."""
        if unknown := [path for path in paths if path not in self._owners]:
            found = self._store.owners(unknown)
            self._owners |= {path: found.get(path) for path in unknown}

    def of(self, kind: Kind, path: str, month: str = "") -> Take[Outline]:
        """What gives the entries of the document at `path`; of an archive document also its month."""
        return partial(self._take, kind, path, month)

    def _take(
        self, kind: Kind, path: str, month: str, articles: Sequence[Outline], ids: Mapping[str, str]
    ) -> list[Piece | None]:
        found: dict[int, Piece | None] = {}

        def missing() -> list[Outline]:
            return [article for article in articles if article.id not in found]

        def copy(places: Mapping[int, str]) -> None:
            self.expect(places.values())
            for article in missing():
                if piece := self._in(self._open(places.get(article.id, "")), article, ids):
                    found[article.id] = piece

        copy(dict.fromkeys((article.id for article in articles), path))
        for article in missing():
            if piece := self.cache.known(kind, article.id, own=is_own(article, ids)):
                found[article.id] = piece
        copy(self._live(kind, missing()))
        if month:
            copy(self._archived(month, missing()))
        loaded = self._shelf.take([article.id for article in missing()])
        for article in missing():
            if whole := loaded.get(article.id):
                found[article.id] = self.cache.piece(kind, whole, ids[article.uid], self._site)
        return [found.get(article.id) for article in articles]

    def _in(self, file: _File | None, article: Outline, ids: Mapping[str, str]) -> Piece | None:
        """The article's piece in a file, unless it is another by now."""
        if file is None or file.serial < article.changed:
            return None
        piece = file.pieces.get(article.id)
        return piece if piece is not None and piece.own == is_own(article, ids) else None

    def _open(self, path: str) -> _File | None:
        """A file that was expected, if it is there and its entries are known."""
        if path in self._files:
            self._files.move_to_end(path)
            return self._files[path]
        owner = self._owners.get(path)
        if owner is None or owner.entries is None:
            return None
        try:
            data = (self._directory / path).read_bytes()
        except OSError:
            return None
        file = self._files[path] = _File(owner.sha256, data, owner.entries)
        self._room -= file.size
        while self._room < 0 and len(self._files) > 1:
            self._room += self._files.popitem(last=False)[1].size
        return file

    def _live(self, kind: Kind, articles: Sequence[Outline]) -> dict[int, str]:
        """The feed or page of each article's source, in which it may stand."""
        feeds = {article.id: self._feeds_of(article.source) for article in articles}
        # The other formats are asked for next.
        self.expect(path for each in feeds.values() for path in each.values())
        return {article_id: each[kind] for article_id, each in feeds.items()}

    def _archived(self, month: str, articles: Sequence[Outline]) -> dict[int, str]:
        """The archive document of each article's source that holds it, of those of a month."""
        found: dict[int, str] = {}
        for article in articles:
            if path := self._documents(article.source, month).get(article.id):
                found[article.id] = path
        return found

    def _documents(self, source: str, month: str) -> Mapping[int, str]:
        """Which archive document holds what a source gave in a month, by article."""
        if (source, month) not in self._places:
            if sum(map(len, self._places.values())) > PLACES:
                self._places.clear()
            node = Node("source", (source,))
            paths = self._store.output_paths(ARCHIVE, [key_of(node, self._folders[node])])
            documents = [path for path in paths if path.rpartition("/")[2].startswith(month)]
            self.expect(documents)
            self._places[source, month] = {
                article: path
                for path in documents
                if (owner := self._owners[path]) is not None and owner.entries is not None
                for article in articles_in(owner.entries)
            }
        return self._places[source, month]

    def _feeds_of(self, source: str) -> Mapping[Kind, str]:
        """The live feeds and the page of a source."""
        if source not in self._feeds:
            node = Node("source", (source,))
            folder = self._folders[node]
            self._feeds[source] = {
                "page": page_path(node, folder),
                "atom": f"{folder}/{FEED_FILES['atom']}",
                "rss": f"{folder}/{FEED_FILES['rss']}",
                "json": f"{folder}/{FEED_FILES['json']}",
            }
        return self._feeds[source]
