"""`check --fetch`: each source is tried once, and nothing is stored."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import islice

from aggregator.collect.directory import Scan, SeedFile
from aggregator.collect.local import read_feed_file
from aggregator.config import Settings
from aggregator.digest import digest_files
from aggregator.digested import RawFile
from aggregator.errors import ParseError, SourceError
from aggregator.gathering import Tools, digest
from aggregator.model import Refined, SourceState
from aggregator.options import Source
from aggregator.parse import frontmatter
from aggregator.parse.markdown import looks_like_markdown
from aggregator.pipeline import tools
from aggregator.refine.results import Ruled

LOOKED_AT = 100
"""Files of a seed directory that `markdown_hints` looks at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a source would bring: entries, the date of the newest, what is wrong, and what rules would do."""

    source: str
    entries: int = 0
    newest: datetime | None = None
    problems: tuple[str, ...] = ()
    failed: bool = False
    rules: tuple[Ruled, ...] = ()


def try_sources(settings: Settings, now: datetime) -> list[Trial]:
    """Read every source that is enabled, in the order of the settings."""
    sources = [source for source in settings.sources if source.enabled]
    with tools(lambda: now) as shared, ThreadPoolExecutor(settings.workers) as pool:
        return list(pool.map(partial(_try, with_=shared, settings=settings, now=now), sources))


def _try(source: Source, with_: Tools, settings: Settings, now: datetime) -> Trial:
    try:
        articles, problems, ruled = _read(source, with_, settings, now)
    except SourceError as error:
        return Trial(source=source.name, problems=(str(error),), failed=True)
    finally:
        with_.fetcher.let_go()
    newest = max((article.published for article in articles if article.published), default=None)
    return Trial(
        source=source.name, entries=len(articles), newest=newest, problems=tuple(problems), rules=ruled
    )


def _read(
    source: Source, with_: Tools, settings: Settings, now: datetime
) -> tuple[Sequence[Refined], Sequence[str], tuple[Ruled, ...]]:
    if source.path is not None and source.kind == "seed":
        files = list(Scan(source.path, {}, but=settings.outputs))
        raw = [RawFile(file.path, file.stamp, file.data) for file in files if file.data is not None]
        found = digest_files(source, raw, settings.site.fallback_image, now)
        unread = (f"{file.path}: {file.problem}" for file in files if file.data is None)
        return found.articles, (*unread, *found.problems), found.ruled
    fetched = (
        with_.fetcher.fetch(source, SourceState()) if source.url else read_feed_file(source, SourceState())
    )
    assert fetched.body is not None, "without validators there is a body"
    digested = digest(source, SourceState(), fetched, fetched.body, with_).result()
    return digested.refined.articles, digested.notes, digested.refined.ruled


def markdown_hints(settings: Settings) -> list[str]:
    """A sentence for each seed directory whose first files look like Markdown that is read as HTML."""
    hints = []
    for source in settings.sources:
        if (
            source.kind != "seed"
            or source.markup != "html"
            or source.path is None
            or not source.path.is_dir()
        ):
            continue
        files = list(islice(Scan(source.path, {}, but=settings.outputs), LOOKED_AT))
        found = sum(_is_markdown(file) for file in files)
        if found:
            hints.append(
                f"[[seeds]] {source.name!r}: {found} of the first {len(files)} files look like Markdown; "
                'write markup = "markdown" if they are'
            )
    return hints


def _is_markdown(file: SeedFile) -> bool:
    try:
        entry = frontmatter.read(file.data or b"", path=file.path, mtime=datetime.fromtimestamp(0, UTC))
    except ParseError:
        return False
    return looks_like_markdown(entry.body.value)
