"""A database out of posts, for the day on which only the posts are left.

    post ─► header: which source? ─► refined like a seed file ─► stored under that source

A post names its source with the extra key `source`; else the source of its category path has it, else a
source "Posts" that is nobody's. What posts do not carry is listed in docs/operating.md.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from aggregator.collect.directory import Scan
from aggregator.config import Settings
from aggregator.digest import players_of
from aggregator.errors import ParseError, StoreError
from aggregator.model import CategoryPath, Document, Refined, SourceState
from aggregator.options import Source
from aggregator.parse import frontmatter
from aggregator.refine import identity
from aggregator.refine.entries import Context, refine
from aggregator.store import Store

POSTS_AT_ONCE = 2_000
NOBODYS = "Posts"


@dataclass(slots=True)
class Rebuilt:
    """What came of it: posts read, articles made, and what could not be used."""

    posts: int = 0
    articles: int = 0
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Post:
    """A post that was read: its source, other sources that had it, and the article."""

    source: Source
    also: tuple[Source, ...]
    article: Refined


def rebuild(settings: Settings, store: Store, folder: Path, now: datetime, *, force: bool = False) -> Rebuilt:
    """Store the posts in `folder` as the articles that they were made of.

    StoreError: the database has articles already, and `force` is not set. FetchError: there is
    no such folder.
    """
    if not force and any(row.articles for row in store.nodes()):
        raise StoreError(
            "the database holds articles already; name another in [storage] url, or add --force "
            "to put the posts beside them"
        )
    nobodys = Source(name=NOBODYS, kind="seed", categories=(NOBODYS,), path=folder)
    desk = _Sources((*settings.sources, nobodys))
    report = Rebuilt()
    store.reconcile(settings.sources, now)
    for batch in _batches(_read(folder, settings, desk, now, report)):
        report.articles += _store(store, batch, desk, now)
    return report


class _Sources:
    """Finds the source of a post."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self.nobodys = sources[-1]
        self.all = sources
        self._by_name = {source.name: source for source in sources}
        self._by_path: dict[CategoryPath, Source] = {}
        # Of sources with one path the first has it, feeds before seed directories.
        for source in sorted(sources, key=lambda one: one.kind == "seed"):
            self._by_path.setdefault(source.categories, source)
        seeds = [source for source in sources if source.kind == "seed"]
        # The files of a seed directory name their own paths.
        self._otherwise = seeds[0] if len(seeds) == 2 else self.nobodys

    def find(self, name: str, path: CategoryPath) -> Source:
        """The source by its name, else by the category path of the post."""
        return self._by_name.get(name) or self._by_path.get(path) or self._otherwise

    def named(self, names: Sequence[str]) -> tuple[Source, ...]:
        """Those of these that the settings have."""
        return tuple(self._by_name[name] for name in names if name in self._by_name)


def _read(
    folder: Path, settings: Settings, sources: _Sources, now: datetime, report: Rebuilt
) -> Iterator[Post]:
    for file in Scan(folder, {}):
        report.posts += 1
        if file.data is None:
            report.problems.append(f"{file.path}: {file.problem}")
            continue
        try:
            header = frontmatter.header(file.data)
            entry = frontmatter.read(
                file.data,
                path=file.path,
                mtime=datetime.fromtimestamp(file.stamp.mtime_ns / 1e9, UTC),
                fallback_image=settings.site.fallback_image,
            )
        except ParseError as error:
            report.problems.append(f"{file.path}: {error}")
            continue
        source = sources.find(_text(header, "source"), entry.categories or ())
        if entry.origin and entry.origin.title == source.name:
            entry = replace(entry, origin=None)
        context = Context(url="", now=now, players=players_of(source))
        refined = refine(Document(entries=(entry,)), context)
        report.problems += (f"{file.path}: {note}" for note in refined.notes)
        for article in refined.articles:
            also = sources.named(_texts(header, "also_in"))
            yield Post(source, also, _as_given(source, article, _text(header, "guid")))


def _as_given(source: Source, article: Refined, guid: str) -> Refined:
    """The article as its feed would give it; that of a seed directory is as its file gave it."""
    if source.kind == "seed":
        return article
    key = identity.key(guid, article.canonical_link, article.exact_hash)
    path = None if article.categories == source.categories else article.categories
    # The post's author is its site: who wrote it is not known any more.
    return replace(article, key=key, guid=guid or None, categories=path, authors=(), file_time=None)


def _store(store: Store, posts: Sequence[Post], sources: _Sources, now: datetime) -> int:
    """Store a batch; how many new articles it made."""
    given: dict[str, list[Refined]] = defaultdict(list)
    echoes: dict[str, list[Refined]] = defaultdict(list)
    for post in posts:
        given[post.source.name].append(post.article)
        for other in post.also:
            if post.article.canonical_link and other.kind == "feed" and other != post.source:
                key = identity.key(None, post.article.canonical_link, post.article.exact_hash)
                echo = replace(post.article, key=key, guid=None, categories=None)
                echoes[other.name].append(echo)
    if sources.nobodys.name in given:
        store.reconcile(sources.all, now)
    count = 0
    with store.together():
        for batch in (given, echoes):
            for source in sources.all:
                if entries := batch.get(source.name):
                    count += store.record(source, entries, SourceState(), now).new
    return count


def _batches(posts: Iterator[Post]) -> Iterator[list[Post]]:
    batch: list[Post] = []
    for post in posts:
        batch.append(post)
        if len(batch) == POSTS_AT_ONCE:
            yield batch
            batch = []
    yield batch


def _text(header: Mapping[str, object], key: str) -> str:
    value = header.get(key, "")
    return value.strip() if isinstance(value, str) else ""


def _texts(header: Mapping[str, object], key: str) -> tuple[str, ...]:
    value = header.get(key, ())
    return tuple(map(str, value)) if isinstance(value, tuple) else ()
