"""Seed directories into the store: changed files only, some hundreds to a transaction.

    scan ─► batches ─► digest in workers ─► store
              ▲ one batch ahead of what is stored: bounds memory

The stamp of a file commits with its article, so a killed pass reads again only what was not
stored. A file that cannot be used has no stamp: it is read again, and reported, until it is mended.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from aggregator.collect import schedule
from aggregator.collect.directory import Scan, SeedFile
from aggregator.digest import digest_files
from aggregator.digested import DigestedFiles, RawFile
from aggregator.errors import FetchError, SourceError, WorkerError
from aggregator.gathering import Tools
from aggregator.model import Counts, SourceState
from aggregator.options import Source
from aggregator.refine.results import Ruled, count_dropped, sum_up
from aggregator.reports import SourceReport
from aggregator.store import Store
from aggregator.workers import Workers

FILES_PER_TRANSACTION = 500
BYTES_PER_TRANSACTION = 16_000_000
FILES_PER_TASK = 100
BYTES_PER_TASK = 2_000_000
FILES_HERE = 50
BYTES_HERE = 1_000_000
"""So little is digested in this process: starting another costs more."""

F = TypeVar("F", SeedFile, RawFile)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a scan came to; `files` were read or could not be."""

    files: int
    counts: Counts
    problems: tuple[str, ...]
    ruled: tuple[Ruled, ...] = ()


@dataclass(frozen=True, slots=True)
class _Task:
    files: Sequence[RawFile]
    future: Future[DigestedFiles]


@dataclass(frozen=True, slots=True)
class _Digesting:
    """How files are digested: all that does not depend on them."""

    source: Source
    fallback_image: str
    workers: Workers
    moment: datetime

    def here(self, files: Sequence[RawFile]) -> DigestedFiles:
        """In this process."""
        return digest_files(self.source, files, self.fallback_image, self.moment)

    def begin(self, files: Sequence[RawFile]) -> _Task:
        """In a worker process."""
        return _Task(
            files, self.workers.submit(digest_files, self.source, files, self.fallback_image, self.moment)
        )

    def result(self, task: _Task) -> DigestedFiles:
        """What became of a task. A file that no worker survives costs only itself."""
        try:
            return task.future.result()
        except WorkerError as error:
            if len(task.files) == 1:
                return DigestedFiles((), {}, (f"{task.files[0].path}: {error}",))
            alone = [self.begin([file]) for file in task.files]
            if all(one.future.exception() for one in alone):  # then it is hardly the files
                raise
            return _joined([self.result(one) for one in alone])


@dataclass(frozen=True, slots=True)
class _Batch:
    """Files of one transaction: how many, what could not be read, the others in the workers' hands or not."""

    files: int
    unread: tuple[str, ...]
    tasks: tuple[_Task, ...]
    few: tuple[RawFile, ...]


def report(
    source: Source,
    state: SourceState,
    fallback_image: str,
    store: Store,
    tools: Tools,
    ends: Callable[[], bool],
    outputs: Path,
) -> SourceReport:
    """Read what changed in a seed directory, and say what came of it. `ends`, `outputs` are as in `read`."""
    begun = time.monotonic()
    try:
        outcome = read(source, state, fallback_image, store, tools.workers, tools.clock(), ends, outputs)
    except SourceError as error:
        store.save_states({source.name: schedule.after_failure(source, state, error, tools.clock())})
        return SourceReport(source=source.name, result="failed", messages=(str(error),))
    return SourceReport(
        source=source.name,
        result="updated" if outcome.files else "unchanged",
        counts=outcome.counts,
        seconds=time.monotonic() - begun,
        messages=outcome.problems,
        dropped=count_dropped(outcome.ruled),
    )


def read(
    source: Source,
    state: SourceState,
    fallback_image: str,
    store: Store,
    workers: Workers,
    moment: datetime,
    ends: Callable[[], bool] = lambda: False,
    outputs: Path | None = None,
) -> Outcome:
    """Read what changed in a seed directory. Raises FetchError if there is no such directory.

    `ends` is asked after each batch; if it says so, the next pass reads the rest. What lies in the folder
    `outputs` is passed over.
    """
    if source.path is None:
        raise FetchError("has no path; name its folder in feeds.toml")
    known = store.file_stamps(source.name)
    listing = Scan(source.path, known, but=outputs)
    digesting = _Digesting(source, fallback_image, workers, moment)
    counts, problems, files = Counts(), list[str](), 0
    ruled: list[tuple[Ruled, ...]] = []
    for batch in _begun(listing, digesting):
        digested = _joined([digesting.here(batch.few), *map(digesting.result, batch.tasks)])
        files += batch.files
        problems += (*batch.unread, *digested.problems)
        ruled.append(digested.ruled)
        more = store.record(source, digested.articles, state, moment, stamps=digested.stamps)
        counts = _sum(counts, more)
        if ends():
            break
    else:
        gone = known.keys() - listing.present
        store.record(source, (), schedule.after_scan(state, moment), moment, gone=gone)
    return Outcome(files, counts, tuple(problems), sum_up(ruled))


def _begun(listing: Iterable[SeedFile], digesting: _Digesting) -> Iterator[_Batch]:
    """The files in batches, each given out when the workers have the next one."""
    before: _Batch | None = None
    for files in _batches(listing, FILES_PER_TRANSACTION, BYTES_PER_TRANSACTION):
        batch = _begin(files, digesting)
        if before is not None:
            yield before
        before = batch
    if before is not None:
        yield before


def _begin(files: Sequence[SeedFile], digesting: _Digesting) -> _Batch:
    raw = tuple(RawFile(file.path, file.stamp, file.data) for file in files if file.data is not None)
    unread = tuple(f"{file.path}: {file.problem}" for file in files if file.data is None)
    if len(raw) <= FILES_HERE and sum(len(file.data) for file in raw) <= BYTES_HERE:
        return _Batch(len(files), unread, (), raw)
    parts = _batches(raw, FILES_PER_TASK, BYTES_PER_TASK)
    return _Batch(len(files), unread, tuple(map(digesting.begin, parts)), ())


def _joined(parts: Sequence[DigestedFiles]) -> DigestedFiles:
    return DigestedFiles(
        tuple(article for part in parts for article in part.articles),
        {path: stamp for part in parts for path, stamp in part.stamps.items()},
        tuple(problem for part in parts for problem in part.problems),
        sum_up([part.ruled for part in parts]),
    )


def _batches(files: Iterable[F], most: int, most_bytes: int) -> Iterator[list[F]]:
    """So many files at a time, or fewer as soon as they have so many bytes."""
    batch: list[F] = []
    size = 0
    for file in files:
        batch.append(file)
        size += len(file.data or b"")
        if len(batch) == most or size >= most_bytes:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _sum(one: Counts, other: Counts) -> Counts:
    return Counts(
        one.new + other.new,
        one.changed + other.changed,
        one.duplicate + other.duplicate,
        one.unchanged + other.unchanged,
        one.expired + other.expired,
    )
