"""Seed directories that are large, or hold what no worker survives."""

import os
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from aggregator import seeding
from aggregator.digested import RawFile
from aggregator.model import Counts, FileStamp, SourceState
from aggregator.options import Source
from aggregator.store import Store
from aggregator.workers import Workers

NOW = datetime(2026, 11, 2, tzinfo=UTC)
MEMORY = 80 * 2**20
"""Enough for what digests files and for harmless ones, not for `HEAVY`."""
HEAVY = "<p>" + "<b class='x'>words</b> " * 400_000 + "</p>"


def write(folder: Path, name: str, body: str) -> None:
    """A seed file."""
    header = "title: 'T'\ncategories: \n - Group\nauthor: Group\ncomments: false\ndate: Invalid Date\n"
    (folder / name).write_text(f"\n---\n{header}---\n\n{body}\n", encoding="utf-8")


def read(tmp_path: Path, source: Source) -> tuple[seeding.Outcome, set[str]]:
    """What a scan comes to, and the files that need not be read again."""
    with Store.open(f"sqlite:///{tmp_path}/test.db") as store, Workers(1, memory=MEMORY) as workers:
        store.reconcile([source], NOW)
        outcome = seeding.read(source, SourceState(), "", store, workers, NOW)
        return outcome, set(store.file_stamps(source.name))


def seeds(tmp_path: Path) -> Source:
    """A seed directory that is empty yet."""
    folder = tmp_path / "seeds"
    folder.mkdir()
    return Source(name="Archive", kind="seed", categories=(), path=folder)


def test_a_file_that_no_worker_survives_costs_only_itself(tmp_path: Path) -> None:
    """The other files of its task are stored; it is reported, and read again the next time."""
    source = seeds(tmp_path)
    assert source.path is not None
    for number in range(seeding.FILES_HERE + 10):
        write(source.path, f"{number:03d}.md", f"<p>Article {number}</p>")
    write(source.path, "005-heavy.md", HEAVY)
    outcome, stamped = read(tmp_path, source)
    assert outcome.counts == Counts(new=seeding.FILES_HERE + 10)
    assert outcome.files == seeding.FILES_HERE + 11
    (problem,) = outcome.problems
    assert problem.startswith("005-heavy.md: it")
    assert len(stamped) == seeding.FILES_HERE + 10


@pytest.mark.parametrize("seconds", [-(10**11), -(2**31), 10_413_792_000, 10**12])
def test_a_file_of_another_age_is_read(tmp_path: Path, seconds: int) -> None:
    """A modification time that no database or calendar holds costs nothing, and is no change next time."""
    source = seeds(tmp_path)
    assert source.path is not None
    write(source.path, "one.md", "<p>Article</p>")
    os.utime(source.path / "one.md", (seconds, seconds))
    for files in (1, 0):
        outcome, stamped = read(tmp_path, source)
        assert (outcome.files, outcome.problems, stamped) == (files, (), {"one.md"})


def test_a_scan_that_is_stopped_goes_on_the_next_time(tmp_path: Path) -> None:
    """After each batch it is asked whether to end; what is stored by then is not read again."""
    source = seeds(tmp_path)
    assert source.path is not None
    for number in range(seeding.FILES_PER_TRANSACTION + 1):
        write(source.path, f"{number:03d}.md", f"<p>Article {number}</p>")
    with Store.open(f"sqlite:///{tmp_path}/test.db") as store, Workers(1) as workers:
        store.reconcile([source], NOW)
        for ends, files in ((True, seeding.FILES_PER_TRANSACTION), (False, 1), (False, 0)):
            outcome = seeding.read(source, SourceState(), "", store, workers, NOW, partial(bool, ends))
            assert outcome.files == files
            assert (store.states()[source.name].last_success is None) == ends


def test_large_files_are_few_to_a_batch(tmp_path: Path) -> None:
    """A batch ends with its bytes as with its files, and no file is left out or read twice."""
    files = [RawFile(str(number), FileStamp(0, 0), b"x" * number) for number in range(40)]
    batches = list(seeding._batches(files, 10, 100))
    assert [file for batch in batches for file in batch] == files
    assert max(map(len, batches)) == 10
    assert all(sum(len(file.data) for file in batch[:-1]) < 100 for batch in batches)
