"""Seed directories into the store: changed files only, some hundreds to a transaction.

The stamp of a file commits with its article, so a killed pass reads again only what was not
stored. A file that cannot be used has no stamp: it is read again, and reported, until it is mended.
"""

from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TypeVar

from aggregator.collect import schedule
from aggregator.collect.directory import scan
from aggregator.digest import DigestedFiles, RawFile, digest_files
from aggregator.errors import FetchError
from aggregator.model import Counts, SourceState
from aggregator.options import Source
from aggregator.refine.rules import Ruled, sum_up
from aggregator.store import Store
from aggregator.workers import Workers

FILES_PER_TRANSACTION = 500
FILES_PER_TASK = 100
FILES_HERE = 50
"""So few files are digested in this process: starting another costs more."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a scan came to; `files` were read or could not be."""

    files: int
    counts: Counts
    problems: tuple[str, ...]
    ruled: tuple[Ruled, ...] = ()


def read(
    source: Source,
    state: SourceState,
    fallback_image: str,
    store: Store,
    workers: Workers,
    moment: datetime,
) -> Outcome:
    """Read what changed in a seed directory. Raises FetchError if there is no such directory."""
    if source.path is None:
        raise FetchError("has no path; name its folder in feeds.toml")
    known = store.file_stamps(source.name)
    listing = scan(source.path, known)
    counts, problems, files = Counts(), list[str](), 0
    ruled: list[tuple[Ruled, ...]] = []
    for batch in _batches(listing, FILES_PER_TRANSACTION):
        files += len(batch)
        problems += (f"{file.path}: {file.problem}" for file in batch if file.data is None)
        raw = [RawFile(file.path, file.stamp, file.data) for file in batch if file.data is not None]
        digested = _digest(source, raw, fallback_image, workers, moment)
        problems += digested.problems
        ruled.append(digested.ruled)
        more = store.record(source, digested.articles, state, moment, stamps=digested.stamps)
        counts = _sum(counts, more)
    store.record(source, (), schedule.after_scan(state, moment), moment, gone=known.keys() - listing.present)
    return Outcome(files, counts, tuple(problems), sum_up(ruled))


def _digest(
    source: Source, files: list[RawFile], fallback_image: str, workers: Workers, moment: datetime
) -> DigestedFiles:
    """Digest files here if they are few, else some in each worker process."""
    if len(files) <= FILES_HERE:
        return digest_files(source, files, fallback_image, moment)
    futures: list[Future[DigestedFiles]] = [
        workers.submit(digest_files, source, part, fallback_image, moment)
        for part in _batches(files, FILES_PER_TASK)
    ]
    parts = [future.result() for future in futures]
    return DigestedFiles(
        tuple(article for part in parts for article in part.articles),
        {path: stamp for part in parts for path, stamp in part.stamps.items()},
        tuple(problem for part in parts for problem in part.problems),
        sum_up([part.ruled for part in parts]),
    )


def _batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def _sum(one: Counts, other: Counts) -> Counts:
    return Counts(
        one.new + other.new,
        one.changed + other.changed,
        one.duplicate + other.duplicate,
        one.unchanged + other.unchanged,
    )
