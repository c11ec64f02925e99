"""Outputs are the same bytes whoever renders them, and however they are cut into batches."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from databases import empty
from dying import stage
from entries import LONG, NOON, entry, feed
from labour import children

from aggregator import publish_feeds, publish_posts, tasks
from aggregator.config import load
from aggregator.model import SourceState
from aggregator.options import Site
from aggregator.pipeline import WORKER_MEMORY
from aggregator.publish.files import Output
from aggregator.publish_files import Desk, PublishReport
from aggregator.publish_shares import in_order
from aggregator.publishing import publish
from aggregator.store import Store
from aggregator.workers import PROCESSES, Workers

SOURCES = [feed(f"S{number}", f"group {number % 3}", f"S{number}") for number in range(12)]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Articles of several months in so many nodes that workers help."""
    with Store.open(empty(tmp_path / "x.db")) as store:
        store.reconcile(SOURCES, NOON)
        for source in SOURCES:
            entries = [
                entry(f"{source.name}-{number}", published=NOON - timedelta(days=9 * number))
                for number in range(9)
            ]
            store.record(source, entries, SourceState(feed_title=source.name), NOON)
        yield store


def published(folder: Path, store: Store, workers: Workers | None) -> dict[str, bytes]:
    """Every file of the outputs, written from scratch."""
    folder.mkdir()
    (folder / "feeds.toml").write_text("[outputs]\nentries_per_feed = 2\n")
    report = publish(load(folder / "feeds.toml"), store, everything=True, workers=workers)
    assert not report.problems
    outputs = folder / "outputs"
    return {
        str(path.relative_to(outputs)): path.read_bytes() for path in outputs.rglob("*") if path.is_file()
    }


def test_workers_render_the_same_bytes(tmp_path: Path, store: Store) -> None:
    """One process or three: not a byte is different."""
    alone = published(tmp_path / "alone", store, None)
    before = children()
    with Workers(2) as workers:
        assert published(tmp_path / "shared", store, workers) == alone
        assert children() != before
    assert len([path for path in alone if "/archive/" in path]) > len(SOURCES)


@pytest.fixture
def shared_posts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few posts are enough to be shared, and those of a share are few."""
    monkeypatch.setattr(publish_posts, "MANY_POSTS", 1)
    monkeypatch.setattr(publish_posts, "SHARE", 10)


@pytest.mark.usefixtures("shared_posts")
def test_workers_make_the_same_posts(tmp_path: Path, store: Store) -> None:
    """Posts too are the same bytes at the same paths, and nothing but outputs is left."""
    alone = published(tmp_path / "alone", store, None)
    with Workers(2) as workers:
        assert published(tmp_path / "shared", store, workers) == alone
    assert not [path for path in alone if path.rpartition("/")[2].startswith(".")]


@pytest.mark.usefixtures("shared_posts")
def test_posts_made_at_once_do_not_take_the_same_path(tmp_path: Path, store: Store) -> None:
    """Two posts of one name in different shares: the one stored first has it, whoever made them."""
    same = {"title": "Namesake", "published": NOON}
    first = [entry(f"first-{number}", uid=f"12345678{number:024x}", **same) for number in range(2)]
    rest = [entry(f"between-{number}") for number in range(40)]
    last = [entry(f"last-{number}", uid=f"12345678{number + 5:024x}", **same) for number in range(2)]
    store.record(SOURCES[0], [*first, *rest, *last], SourceState(feed_title="S0"), NOON)
    alone = published(tmp_path / "alone", store, None)
    with Workers(2) as workers:
        assert published(tmp_path / "shared", store, workers) == alone
    assert len([path for path in alone if "/Namesake-" in path]) == 4


def test_what_dead_workers_left_is_swept(tmp_path: Path, store: Store) -> None:
    """A process that is killed once it has staged a file costs no output, and that file is removed."""
    output = Output(tmp_path / "outputs")
    desk = Desk(Site(), (), store, output, PublishReport(), lambda: False)
    with Workers(2) as workers:
        for number, made in in_order(desk, workers, range(6), stage, stage):
            assert desk.put(made.draft, serial=0).changed == (f"{number}.txt",)
        assert workers.lost == 1
    output.finish()
    assert sorted(path.name for path in output.directory.iterdir()) == [
        f"{number}.txt" for number in range(6)
    ]


def test_what_nobody_takes_is_removed(tmp_path: Path, store: Store) -> None:
    """Whoever ends early leaves what was placed, and none of what was staged beyond it."""
    output = Output(tmp_path / "outputs")
    desk = Desk(Site(), (), store, output, PublishReport(), lambda: False)
    with Workers(2) as workers, closing(in_order(desk, workers, range(3), stage, stage)) as shares:
        desk.put(next(shares)[1].draft, serial=0)
    assert [path.name for path in output.directory.rglob("*.t*")] == ["0.txt"]


@pytest.mark.soak
def test_workers_make_many_outputs_within_their_memory(tmp_path: Path) -> None:
    """What workers keep at hand fits into what a pass allows them: none has to be replaced."""
    (tmp_path / "feeds.toml").write_text("")
    sources = [feed(f"S{number}", f"group {number % 5}", f"section {number % 50}") for number in range(300)]
    with Store.open(empty(tmp_path / "x.db")) as store:
        store.reconcile(sources, NOON)
        for source in sources:
            names = [f"{source.name}-{number}" for number in range(20)]
            entries = [entry(name, body=f"<p>{name} {LONG * 20}</p>") for name in names]
            store.record(source, entries, SourceState(feed_title=source.name), NOON)
        settings = load(tmp_path / "feeds.toml")
        with Workers(PROCESSES, memory=WORKER_MEMORY) as workers:
            workers.prepare(tasks.get_ready)
            report = publish(settings, store, everything=True, workers=workers)
            assert workers.lost == 0
    assert (report.posts, report.problems) == (6000, [])


def test_small_batches_give_the_same_bytes(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node whose documents do not fit into one batch is gone on with where it was left."""
    whole = published(tmp_path / "whole", store, None)
    monkeypatch.setattr(publish_feeds, "BATCH_BYTES", 1000)
    assert published(tmp_path / "cut", store, None) == whole


def test_a_document_too_large_for_a_worker_is_rendered_here(tmp_path: Path, store: Store) -> None:
    """Workers without memory cost time and no output."""
    alone = published(tmp_path / "alone", store, None)
    with Workers(2, wall=0.05) as workers:
        assert published(tmp_path / "shared", store, workers) == alone
