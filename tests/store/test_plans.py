"""Every query of a pass finds its rows through an index, whatever the size of the store."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from entries import LONG, NOON, STORY, WIRE, entry, feed, seeds

from aggregator.model import FileStamp, Node, SourceState
from aggregator.options import Source
from aggregator.store import OutputRecord, Store, Stretch

A, B, C, S = feed("A", "news", "A"), feed("B", "news", "B"), feed("C", "news", "C"), seeds("S")
# Tables that a pass reads whole on purpose: they grow with the settings or with what is to be done.
pytestmark = pytest.mark.sqlite

SMALL = (
    "wanted_1",
    "sources",
    "nodes",
    "stale_posts",
    "stale_nodes",
    "stale_months",
    "obsolete",
    "alembic_version",
)


@contextmanager
def statements(store: Store) -> Iterator[set[str]]:
    """Every statement that runs within, as SQLite has it: with the values of its parameters."""
    seen: set[str] = set()
    engine = store._database._engine

    def note(connection: sqlite3.Connection, *_rest: object) -> None:
        connection.set_trace_callback(seen.add)

    def end(connection: sqlite3.Connection, *_rest: object) -> None:
        connection.set_trace_callback(None)

    sa.event.listen(engine, "checkout", note)
    sa.event.listen(engine, "checkin", end)
    yield seen
    sa.event.remove(engine, "checkout", note)
    sa.event.remove(engine, "checkin", end)


def steps(store: Store, text: str) -> list[str]:
    """The plan of a statement."""
    with store._database.read() as conn:
        driver: Any = conn.connection.driver_connection
        return [str(row[3]) for row in driver.execute(f"EXPLAIN QUERY PLAN {text}")]


def scans(store: Store, text: str) -> list[str]:
    """What the plan of a statement reads from end to end."""
    if not text.startswith(("SELECT", "UPDATE", "DELETE", "INSERT")):
        return []
    whole = [step for step in steps(store, text) if step.startswith("SCAN") and step.split()[1] not in SMALL]
    return [step for step in whole if "CONSTANT ROW" not in step]


def collecting(store: Store) -> None:
    """All kinds of things that recording meets."""
    late = NOON + timedelta(hours=1)
    both = [entry("1", link="https://e.org/x"), entry("2", body=LONG)]
    store.record(A, both, SourceState(feed_title="A"), NOON)
    echo = [entry("b", link="https://e.org/x", published=NOON - timedelta(days=9)), entry("c", body=LONG)]
    store.record(B, echo, SourceState(), NOON, void_links=frozenset({"x"}))
    edited = [entry("1", body="<p>edited</p>", link="https://e.org/x")]
    store.record(A, edited, SourceState(feed_title="AA"), late)
    stamps = {"a.md": FileStamp(1, 1), "b.md": FileStamp(1, 1)}
    store.record(S, [entry("a.md", categories=("x",)), entry("b.md")], SourceState(), NOON, stamps=stamps)
    store.record(S, [], SourceState(), NOON, gone=["a.md"])
    store.save_states({A.name: SourceState()})
    store.file_stamps("S")


def publishing(store: Store) -> None:
    """What publishing asks and notes."""
    stale = store.stale()
    store.articles(stale.posts)
    files = [OutputRecord("a.md", b"", 1, "post", "a"), OutputRecord("b.md", b"", 1, "post", "a")]
    store.published(files[:1], posts=stale.posts, nodes=stale.nodes, serial=stale.serial)
    store.published(files[1:], serial=0)
    store.removed(store.obsolete())
    store.keep_stale(stale.posts[:1])
    store.nodes()
    node = Node("category", ("news",))
    newest = store.newest(node, 50)
    store.outlines(newest)
    store.articles(store.newest(node, 50))
    (month, count), *_ = store.months([node])[node].items()
    store.month(node, month, 0, 1, count)
    store.stale_months([node])
    store.affected(node, month, count, Stretch(0, 1))
    store.tombs_of([node])
    store.output_paths("archive", ["x"])
    store.output_keys("archive")
    store.owners(["a.md"])
    store.with_digits(["01234567"])
    store.is_fresh()
    store.get_meta("x")


def meeting(store: Store) -> None:
    """Articles that become one, are like others, want one uid or one id, or get another origin."""
    early, soon = NOON - timedelta(days=2), NOON - timedelta(days=1)
    one = entry("m1", link="https://m.org/1", title="Bridge", body=STORY, published=soon)
    store.record(A, [one, entry("m2", link="https://m.org/2", body=LONG + "two")], SourceState(), NOON)
    near = entry("n1", link="https://n.org/1", title="The bridge", body=WIRE, published=soon)
    store.record(B, [near], SourceState(), NOON)
    bridge = entry("c1", link="https://m.org/2", title="Bridge", body=STORY, published=early)
    store.record(C, [bridge], SourceState(), NOON)
    for source, age, words in ((A, 1, "a"), (B, 2, "b"), (C, 3, "c")):
        same = {"link": None, "uid": "d" * 32, "guid": "tag:e.org,2026:x", "key": f"g:{words}"}
        given = replace(entry("d", body=words, published=NOON - timedelta(days=age)), **same)  # type: ignore[arg-type]  # by name
        store.record(source, [given], SourceState(), NOON)


def explaining(store: Store) -> None:
    """What is asked about articles, and what removes them."""
    store.record(A, [entry("w", link="https://w.org/1", body=STORY)], SourceState(), NOON)
    store.record(B, [entry("v", link="https://v.org/1", body=WIRE)], SourceState(), NOON)
    (found,) = store.explain("https://w.org/1")
    assert found.article is not None
    store.versions(found.article.id)
    store.take_down([found.article.id], "", NOON)
    store.record(A, [entry("w", link="https://w.org/1", body=STORY)], SourceState(), NOON)
    store.undo(1)


def starting(store: Store) -> None:
    """What every pass begins with, settings that changed included."""
    store.reconcile([feed("A", "sports"), B, S], NOON)
    store.states()
    store.last_seen(["A"])
    store.save_states({"A": SourceState(), "B": SourceState()})
    store.is_fresh()


@pytest.mark.parametrize("work", [collecting, meeting, publishing, explaining, starting])
def test_every_query_uses_an_index(store: Store, work: Callable[[Store], None]) -> None:
    """No statement of a pass reads a table that grows with the store from end to end."""
    known: list[Source] = [A, B, C, S]
    store.reconcile(known, NOON)
    if work is not collecting:
        collecting(store)
    with statements(store) as seen:
        work(store)
    assert len(seen) > 5
    found = {text: scans(store, text) for text in seen}
    assert {text: steps for text, steps in found.items() if steps} == {}


def test_nodes_are_found_by_their_paths(store: Store) -> None:
    """The nodes of what came in are searched, though the table is small: it is done for every batch."""
    store.reconcile([A], NOON)
    with statements(store) as seen:
        store.record(A, [entry("1")], SourceState(), NOON)
    plans = [plan for text in seen if "nodes.path IN" in text for plan in steps(store, text)]
    assert plans
    assert all(plan.startswith("SEARCH nodes") for plan in plans)
