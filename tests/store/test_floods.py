"""Masses of old entries are held back until somebody lets them go."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from databases import empty
from entries import NOON, entry, feed, seeds

from aggregator.model import Counts, Node, Refined, SourceState
from aggregator.options import Policy, Source
from aggregator.store import Store

EVERYTHING = Node("category", ())
A, B, S = feed("A", "news"), feed("B", "news"), seeds("S", "news")
DAY = timedelta(days=1)
KNOWN = SourceState(last_success=NOON - DAY)


@pytest.fixture(autouse=True)
def _reconciled(store: Store) -> None:
    store.reconcile([A, B, S], NOON)
    for source in (A, B, S):
        store.save_states({source.name: KNOWN})


def many(count: int, *, age: timedelta, name: str = "old") -> list[Refined]:
    return [entry(f"{name}{n}", published=NOON - age - timedelta(minutes=n)) for n in range(count)]


def record(store: Store, source: Source, entries: list[Refined], now: datetime = NOON) -> Counts:
    return store.record(source, entries, replace(KNOWN, last_success=now), now)


def listed(store: Store) -> int:
    return len(store.articles(store.newest(EVERYTHING, 1000)))


def test_a_flood_is_stored_and_posted_but_not_listed(store: Store) -> None:
    """Today's articles stay where they are; counts and posts have the old ones too."""
    assert record(store, A, [*many(50, age=90 * DAY), entry("today", published=NOON)]).new == 51
    assert [article.guid for article in store.articles(store.newest(EVERYTHING, 100))] == ["today"]
    (flood,) = store.floods()
    assert (flood.source, flood.at, flood.held) == ("A", NOON, 50)
    assert {row.node: row.articles for row in store.nodes()}[EVERYTHING] == 51
    assert len(store.stale(1000).posts) == 51
    assert store.explain("https://example.org/old7")[0].flood == flood.id
    assert record(store, A, many(50, age=90 * DAY)) == Counts(unchanged=50)


def test_a_flood_can_be_released(store: Store) -> None:
    """Everything held stands in the feeds then, by its own date."""
    record(store, A, many(50, age=90 * DAY))
    (flood,) = store.floods()
    assert store.release(flood.id) == 50
    assert listed(store) == 50
    assert store.floods() == []
    assert sum(store.months([EVERYTHING])[EVERYTHING].values()) == 50
    assert store.release(flood.id) == 0


def test_a_flood_can_be_dropped(store: Store) -> None:
    """Everything held is gone for good."""
    record(store, A, many(50, age=90 * DAY))
    (flood,) = store.floods()
    assert store.drop(flood.id, NOON) == 50
    assert record(store, A, many(50, age=90 * DAY)) == Counts(unchanged=50)
    assert listed(store) == 0
    assert {row.articles for row in store.nodes()} == {0}


def test_an_archive_dated_anew_is_a_flood(store: Store) -> None:
    """Far more new entries at once than the source ever gives, all of today."""
    record(store, A, many(10, age=3 * DAY, name="usual"))
    record(store, A, many(100, age=timedelta(0), name="moved"))
    assert [flood.held for flood in store.floods()] == [100]


@pytest.mark.parametrize(
    ("source", "entries", "state"),
    [
        (A, many(20, age=90 * DAY), KNOWN),
        (A, many(20, age=DAY), KNOWN),
        (A, many(500, age=90 * DAY), SourceState()),
        (S, many(500, age=90 * DAY), KNOWN),
    ],
)
def test_what_is_no_flood(store: Store, source: Source, entries: list[Refined], state: SourceState) -> None:
    """A few old ones, the usual number of new ones, a first fetch, a seed directory."""
    store.save_states({source.name: state})
    assert record(store, source, entries).new == len(entries)
    assert store.floods() == []
    assert listed(store) == len(entries)


def test_a_source_that_was_silent_may_catch_up(store: Store) -> None:
    """After days without an answer a busy source shows what it wrote meanwhile."""
    busy = [entry(f"b{n}", published=NOON - timedelta(hours=n)) for n in range(30 * 24)]
    store.save_states({A.name: SourceState()})
    record(store, A, busy)
    later = NOON + 10 * DAY
    assert record(store, A, many(240, age=-9 * DAY, name="meanwhile"), later).new == 240
    assert store.floods() == []


def test_what_another_source_shows_is_no_flood(store: Store) -> None:
    """A held article that is sighted elsewhere stands in the feeds."""
    record(store, A, many(50, age=90 * DAY))
    record(store, B, [entry("b", link="https://example.org/old7", published=NOON)])
    assert listed(store) == 1
    assert [flood.held for flood in store.floods()] == [49]


def test_the_guard_can_be_switched_off(tmp_path: Path) -> None:
    """Without a limit everything is listed."""
    with Store.open(empty(tmp_path / "off.db"), Policy(flood_limit=None)) as store:
        store.reconcile([A], NOON)
        store.save_states({A.name: KNOWN})
        record(store, A, many(500, age=90 * DAY))
        assert listed(store) == 500
