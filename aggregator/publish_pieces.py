"""Where the entries of feeds come from: copied from files that are there, else rendered.

    the last version of the document ──┐
    the feed of the article's source ──┼─► entries ─► the document
    the store, rendered ───────────────┘

An entry is copied only from a file that is byte for byte as we wrote it, and only if nothing that
outputs show of the article changed since. So it is rendered once, and other feeds copy it.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from aggregator.model import Article, Node, Outline
from aggregator.options import Site
from aggregator.publish.entry import own_id
from aggregator.publish.feeds import EntryCache
from aggregator.publish.head import page_path
from aggregator.publish.paths import FEED_FILES
from aggregator.publish.pieces import Kind, Piece, Take, cut
from aggregator.store import Store

SHELF_BYTES = 16_000_000
FILE_BYTES = 48_000_000
"""About how much of articles, and of files, is kept in memory during a run."""


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
    """A file of ours: its digest, as of which serial of the store it was made, and its entries."""

    def __init__(self, sha256: bytes, data: bytes, note: bytes) -> None:
        self.sha256 = sha256
        self.size = len(data)
        self.serial, self.pieces = cut(data, note) if hashlib.sha256(data).digest() == sha256 else (-1, {})


class Pieces:
    """The entries of documents, for one run, one site and one thread."""

    def __init__(self, store: Store, directory: Path, site: Site) -> None:
        self.cache = EntryCache()
        self._store, self._directory, self._site = store, directory, site
        self._shelf = _Shelf(store)
        self._files: OrderedDict[str, _File] = OrderedDict()
        self._room = FILE_BYTES

    def of(self, kind: Kind, path: str, folders: Mapping[Node, str]) -> Take[Outline]:
        """What gives the entries of the document at `path`."""
        return partial(self._take, kind, path, folders)

    def _take(
        self,
        kind: Kind,
        path: str,
        folders: Mapping[Node, str],
        articles: Sequence[Outline],
        ids: Mapping[str, str],
    ) -> list[Piece | None]:
        own = {article.id: ids[article.uid] == own_id(article.uid) for article in articles}
        found: dict[int, Piece | None] = {}

        def look(where: Mapping[int, str]) -> None:
            files = self._open(set(where.values()))
            for article in articles:
                file = files.get(where.get(article.id, ""))
                piece = file.pieces.get(article.id) if file and file.serial >= article.changed else None
                if piece is not None and piece.own == own[article.id]:
                    found[article.id] = piece

        def missing() -> list[Outline]:
            return [article for article in articles if article.id not in found]

        look({article.id: path for article in articles})
        for article in missing():
            if known := self.cache.known(kind, article.id, own=own[article.id]):
                found[article.id] = known
        look({article.id: _feed_of_source(kind, article, folders) for article in missing()})
        loaded = self._shelf.take([article.id for article in missing()])
        for article in missing():
            if article.id in loaded:
                whole = loaded[article.id]
                found[article.id] = self.cache.piece(kind, whole, ids[article.uid], self._site)
        return [found.get(article.id) for article in articles]

    def _open(self, paths: set[str]) -> dict[str, _File]:
        """Of these files those that are there and whose entries are known."""
        opened = {}
        for path, owner in self._store.owners(paths - {""}).items() if paths else ():
            if owner.entries is None:
                continue
            file = self._files.get(path)
            if file is None or file.sha256 != owner.sha256:
                file = self._read(path, owner.sha256, owner.entries)
            self._files.move_to_end(path)
            opened[path] = file
        while self._room < 0 and len(self._files) > len(opened):
            self._room += self._files.popitem(last=False)[1].size
        return opened

    def _read(self, path: str, sha256: bytes, note: bytes) -> _File:
        try:
            data = (self._directory / path).read_bytes()
        except OSError:
            data = b""
        before = self._files.get(path)
        file = self._files[path] = _File(sha256, data, note)
        self._room -= file.size - (before.size if before else 0)
        return file


def _feed_of_source(kind: Kind, article: Outline, folders: Mapping[Node, str]) -> str:
    node = Node("source", (article.source,))
    if node not in folders:
        return ""
    return page_path(node, folders[node]) if kind == "page" else f"{folders[node]}/{FEED_FILES[kind]}"
