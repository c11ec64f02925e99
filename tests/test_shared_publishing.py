"""Outputs are the same bytes whoever renders them, and however they are cut into batches."""

from datetime import timedelta
from pathlib import Path

import pytest
from entries import NOON, entry, feed

from aggregator import publish_feeds
from aggregator.config import load
from aggregator.model import SourceState
from aggregator.publishing import publish
from aggregator.store import Store
from aggregator.workers import Workers

SOURCES = [feed(f"S{number}", f"group {number % 3}", f"S{number}") for number in range(12)]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Articles of several months in so many nodes that workers help."""
    store = Store.open(f"sqlite:///{tmp_path}/x.db")
    store.reconcile(SOURCES, NOON)
    for source in SOURCES:
        entries = [
            entry(f"{source.name}-{number}", published=NOON - timedelta(days=9 * number))
            for number in range(9)
        ]
        store.record(source, entries, SourceState(feed_title=source.name), NOON)
    return store


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
    with Workers(2) as workers:
        assert published(tmp_path / "shared", store, workers) == alone
        assert workers.pids
    assert len([path for path in alone if "/archive/" in path]) > len(SOURCES)


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
