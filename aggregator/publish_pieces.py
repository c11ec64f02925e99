"""Where the entries of feeds come from: copied from files that are there, else rendered.

    the last version of the document ────────────────┐
    the feed of the article's source, its archives ──┼─► entries ─► the document
    the store, rendered ─────────────────────────────┘

An entry is copied only from a file that is byte for byte as we wrote it, and only if nothing that
outputs show of the article changed since. So it is rendered once, and other feeds copy it.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from aggregator.model import Article, Node, Outline
from aggregator.options import Site
from aggregator.publish.disk import Stamp, read_stamped
from aggregator.publish.feeds import EntryCache
from aggregator.publish.paths import FEED_FILES, page_path
from aggregator.publish.pieces import Entries, Kind, Listed, Piece, Take, articles_in, serial_of
from aggregator.publish_files import ARCHIVE, key_of
from aggregator.store import Owner, Store

SHELF_BYTES = 16_000_000
FILE_BYTES = 24_000_000
"""About how much of articles, and of files, is kept in memory during a run."""
OVERHEAD = 2_000  # of an article beside its body
PLACES = 200_000
"""Articles of which it is kept in memory which archive document holds them."""


Place = tuple[Outline, bool]
"""An article that a document lists, and whether under another id than its guid."""


class _Shelf:
    """Articles that were loaded lately, as each format of a feed asks for them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._room = SHELF_BYTES
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
    return 2 * len(article.body) + OVERHEAD


class Pieces:
    """The entries of documents, for one run, one site and one thread; `begin` says which part of the run.

    `intact` are the stamps of the files that were found to be as we wrote them.
    """

    def __init__(self, store: Store, directory: Path, site: Site, folders: Mapping[Node, str]) -> None:
        self.cache = EntryCache()
        self.folders = folders
        self._store, self._base, self._site = store, str(directory), site
        self._part = ""
        self._shelf = _Shelf(store)
        self._owners: dict[str, Owner | None] = {}
        self._feeds: dict[str, Mapping[Kind, str]] = {}
        self._places: dict[tuple[str, str], Mapping[int, str]] = {}
        self._files: OrderedDict[str, Entries] = OrderedDict()
        self.intact: dict[str, Stamp] = {}
        self._room = FILE_BYTES

    def begin(self, part: str) -> None:
        """What is asked for from now on is of this part of the run: the files that others wrote are new."""
        if part != self._part:
            self._part, self._room = part, FILE_BYTES
            self._owners.clear()
            self._feeds.clear()
            self._places.clear()
            self._files.clear()
            self.intact.clear()

    def expect(self, paths: Iterable[str]) -> None:
        """These files are about to be asked for: what is known of them is looked up at once."""
        if unknown := [path for path in paths if path not in self._owners]:
            found = self._store.owners(unknown)
            self._owners |= {path: found.get(path) for path in unknown}

    def foresee(self, files: Mapping[str, Sequence[Outline]]) -> None:
        """These files were expected, and these articles are what they are to hold now.

        What they do not hold yet is loaded at once, as far as half of a shelf goes.
        """
        new = (article for path, articles in files.items() for article in self._new(path, articles))
        ids, room = [], SHELF_BYTES // 2
        for article in new:
            room -= 2 * article.size + OVERHEAD
            if room < 0:
                break
            ids.append(article.id)
        self._shelf.take(ids)

    def _new(self, path: str, articles: Sequence[Outline]) -> Iterable[Outline]:
        """The articles that changed since a file was written, or that it does not hold."""
        owner = self._owners[path]
        if owner is None or owner.entries is None:
            return articles
        serial, there = serial_of(owner.entries), set(articles_in(owner.entries))
        return [article for article in articles if article.changed > serial or article.id not in there]

    def of(self, kind: Kind, path: str, month: str = "") -> Take:
        """What gives the entries of the document at `path`; of an archive document also its month."""
        return partial(self._take, kind, path, month)

    def _take(self, kind: Kind, path: str, month: str, listed: Listed) -> list[Piece | None]:
        places = list(zip(listed.articles, listed.owns, strict=True))
        found: dict[int, Piece | None] = dict(self._copied(path, places))
        if len(found) == len(places):
            return [found[article.id] for article, _ in places]

        def missing() -> list[Place]:
            return [place for place in places if place[0].id not in found]

        def copy(files: Mapping[str, Sequence[Place]]) -> None:
            for file, some in files.items():
                found.update(self._copied(file, some))

        for article, own in missing():
            if piece := self.cache.known(kind, article.id, own=own):
                found[article.id] = piece
        copy({file: some for file, some in self._live(kind, missing()).items() if file != path})
        if month:
            copy(self._archived(month, missing()))
        loaded = self._shelf.take([article.id for article, _ in missing()])
        for article, article_id in zip(listed.articles, listed.ids, strict=True):
            if article.id not in found and (whole := loaded.get(article.id)):
                found[article.id] = self.cache.piece(kind, whole, article_id, self._site)
        return [found.get(article.id) for article, _ in places]

    def _copied(self, path: str, places: Sequence[Place]) -> dict[int, Piece]:
        """The pieces of articles in a file, of those that are the same still."""
        entries = self._open(path)
        if entries is None:
            return {}
        return {
            article.id: piece
            for article, own in places
            if article.changed <= entries.serial and (piece := entries.piece(article.id, own=own)) is not None
        }

    def _open(self, path: str) -> Entries | None:
        """The entries of a file that was expected, if it is there as we wrote it and they are known."""
        if path in self._files:
            self._files.move_to_end(path)
            return self._files[path]
        owner = self._owners.get(path)
        if owner is None or owner.entries is None:
            return None
        try:
            data, found = read_stamped(f"{self._base}/{path}")
        except OSError:
            return None
        if hashlib.sha256(data).digest() != owner.sha256:
            self._owners[path] = None
            return None
        self.intact[path] = found
        entries = self._files[path] = Entries(data, owner.entries)
        self._room -= entries.size
        while self._room < 0 and len(self._files) > 1:
            self._room += self._files.popitem(last=False)[1].size
        return entries

    def _live(self, kind: Kind, places: Sequence[Place]) -> dict[str, list[Place]]:
        """The feeds or pages of the articles' sources, and which of the articles each may hold."""
        new = {article.source for article, _ in places} - self._feeds.keys()
        self._feeds |= {source: self._feeds_of(source) for source in new}
        # The other formats are asked for next.
        self.expect(path for source in new for path in self._feeds[source].values())
        return _by_file((self._feeds[place[0].source][kind], place) for place in places)

    def _archived(self, month: str, places: Sequence[Place]) -> dict[str, list[Place]]:
        """The archive documents of the articles' sources that hold them, of those of a month."""
        found = ((self._documents(place[0].source, month).get(place[0].id), place) for place in places)
        return _by_file((path, place) for path, place in found if path)

    def _documents(self, source: str, month: str) -> Mapping[int, str]:
        """Which archive document holds what a source gave in a month, by article."""
        if (source, month) not in self._places:
            if sum(map(len, self._places.values())) > PLACES:
                self._places.clear()
            node = Node("source", (source,))
            key = key_of(node, self.folders[node])
            paths = self._store.output_paths(ARCHIVE, [key]).get(key, [])
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
        node = Node("source", (source,))
        folder = self.folders[node]
        return {
            "page": page_path(node, folder),
            "atom": f"{folder}/{FEED_FILES['atom']}",
            "rss": f"{folder}/{FEED_FILES['rss']}",
            "json": f"{folder}/{FEED_FILES['json']}",
        }


def _by_file(files: Iterable[tuple[str, Place]]) -> dict[str, list[Place]]:
    found: dict[str, list[Place]] = {}
    for path, place in files:
        found.setdefault(path, []).append(place)
    return found
