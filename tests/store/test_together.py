"""Sources that are recorded together: stored as if each came after the other, in far fewer statements."""

import random
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from databases import empty
from entries import LONG, NOON, OTHER, STORY, WIRE, entry, feed, seeds
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aggregator.errors import StoreError
from aggregator.model import Counts, FileStamp, Node, Refined, SourceState
from aggregator.options import Policy, Source
from aggregator.store import OutputRecord, Recording, Store

SOURCES = [*(feed(name, "news", name) for name in "ABCDE"), seeds("S", "news", "S")]
WORDS = ("<p>a</p>", "<p>b</p>", LONG, STORY, WIRE, OTHER, STORY + OTHER)
# What differs by design: serials are given once for all, and ids in the order of writing.
SERIALS = {"serial", "changed"}


def entries_of(source: Source, now: datetime, chance: random.Random) -> list[Refined]:
    """Some entries, many of which other sources give too, or gave."""
    found = []
    for number in chance.choices(range(6), k=chance.randint(0, 5)):
        guid = chance.choice(("", source.name)) + chance.choice(("", "tag:x,")) + str(number)
        links = (None, f"https://x.example/{number}", f"https://{source.name}.example/{number}")
        dates = (None, now, NOON - timedelta(days=chance.randint(0, 99)))
        link, title = chance.choice(links), chance.choice(("One", "Two", "", guid))
        body, published = chance.choice(WORDS), chance.choice(dates)
        found.append(entry(guid, link=link, title=title, body=body, published=published))
    return list({one.guid: one for one in found}.values())


def recordings(now: datetime, store: Store, chance: random.Random) -> list[Recording]:
    """What some of the sources give at a time, in some order."""
    states = store.states()
    found = []
    for source in chance.sample(SOURCES, chance.randint(1, len(SOURCES))):
        entries = entries_of(source, now, chance)
        state = replace(states[source.name], last_success=now, feed_link=chance.choice(("a", "b")))
        recording = Recording(source=source, entries=entries, state=state, seen=b"s")
        if source.kind == "seed":
            stamps = {one.guid: FileStamp(1, 1) for one in entries if one.guid}
            gone = {str(chance.randint(0, 5))} - stamps.keys()  # a file that is read is there
            recording = replace(recording, stamps=stamps, gone=sorted(gone))
        elif chance.random() < 0.2:
            recording = replace(recording, void_links=frozenset({"https://x.example/1"}))
        found.append(recording)
    return found


def record(store: Store, one: Recording, now: datetime) -> Counts:
    void = {"void_guids": one.void_guids, "void_links": one.void_links}
    files = {"stamps": one.stamps, "gone": one.gone}
    return store.record(one.source, one.entries, one.state, now, seen=one.seen, **void, **files)  # type: ignore[arg-type]  # two mappings of two kinds


def live(store: Store, seed: int, *, together: bool) -> list[object]:
    """Some rounds of collecting, publishing and removing; returns all counts and everything stored."""
    chance = random.Random(seed)
    store.reconcile(SOURCES, NOON)
    found: list[object] = []
    for day in range(chance.randint(2, 4)):
        now = NOON + timedelta(days=day)
        given = recordings(now, store, chance)
        if together:
            found += store.record_all(given, now)
        else:
            with store.together():
                found += [record(store, one, now) for one in given]
        stale = store.stale()
        posts = [
            OutputRecord(f"{one.uid}.md", b"", 1, "post", one.uid) for one in store.articles(stale.posts)
        ]
        store.published(posts, posts=stale.posts, nodes=stale.nodes, serial=stale.serial)
        articles = store.articles(store.newest(Node("category", ()), 99))
        if articles and chance.random() < 0.2:
            store.take_down([chance.choice(articles).id], "", now)
    return found


def rows(file: Path) -> Iterator[str]:
    """Every row of every table, with uids and paths in place of ids."""
    conn = sqlite3.connect(file)
    uids = dict(conn.execute("SELECT id, uid FROM articles"))
    nodes = {number: path for number, *path in conn.execute("SELECT id, kind, path FROM nodes")}
    names = {"article_id": uids, "other_id": uids, "node_id": nodes}
    for (table,) in conn.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        ids = {"articles": {"id": uids}, "nodes": {"id": nodes}}.get(table, {}) | names
        cursor = conn.execute(f"SELECT * FROM {table}")
        columns = [column[0] for column in cursor.description]
        for row in cursor:
            # The bands of articles that became others lead nowhere.
            found = zip(columns, row, strict=True)
            shown = {name: ids[name].get(value) if name in ids else value for name, value in found}
            yield f"{table} {[value for name, value in shown.items() if name not in SERIALS]}"
    conn.close()


def stored(file: Path) -> list[str]:
    return sorted(row for row in rows(file) if not row.startswith("counters"))


@pytest.mark.sqlite
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32), st.sampled_from(("merge", "link", "off")), st.sampled_from((None, 3)))
def test_sources_together_are_stored_as_one_after_the_other(
    tmp_path: Path, seed: int, near: str, limit: int | None
) -> None:
    """Whatever they have in common: the same counts, and the same rows in all tables."""
    policy = Policy(near=near, flood_limit=limit)  # type: ignore[arg-type]  # one of the three
    outcomes = []
    for together in (False, True):
        file = tmp_path / f"{together}.db"
        with Store.open(empty(file), policy) as store:
            counts = live(store, seed, together=together)
        outcomes.append((counts, stored(file)))
    assert outcomes[0] == outcomes[1]


def statements(store: Store, given: Sequence[Recording]) -> int:
    """How many statements it takes to record these together."""
    seen: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    sa.event.listen(store._database._engine, "before_cursor_execute", note)
    store.record_all(given, NOON)
    sa.event.remove(store._database._engine, "before_cursor_execute", note)
    return len(seen)


def test_many_sources_take_hardly_more_statements_than_one(store: Store) -> None:
    """A new entry in each of 40 feeds takes as many statements as in one feed."""
    feeds = [feed(f"F{number}") for number in range(41)]
    store.reconcile(feeds, NOON)
    given = [
        Recording(source=one, entries=[entry(one.name)], state=SourceState(), seen=b"1") for one in feeds
    ]
    assert statements(store, given[:1]) + 2 >= statements(store, given[1:])


def test_one_that_fails_undoes_all_that_came_with_it(store: Store) -> None:
    """Nothing is stored of sources that are recorded together with one whose entry cannot be stored."""
    store.reconcile(SOURCES, NOON)
    broken = entry("2", uid="no number at all")
    given = [
        Recording(source=source, entries=[one], state=SourceState())
        for source, one in zip(SOURCES, (entry("1"), entry("1"), broken), strict=False)
    ]
    with store.together():
        with pytest.raises(ValueError, match="no number"):
            store.record_all(given, NOON)
        assert store.record_all(given[1:2], NOON) == [Counts(new=1)]
    (article,) = store.articles(store.newest(Node("category", ()), 9))
    assert [one.source for one in article.sources] == ["B"]


def test_a_source_that_is_not_in_the_store_is_named(store: Store) -> None:
    """Who was never reconciled cannot be recorded, and the error says who that is."""
    with pytest.raises(StoreError, match="'A' is not in the store"):
        store.record_all([Recording(source=SOURCES[0], entries=(), state=SourceState())], NOON)


def test_a_source_may_come_twice(store: Store) -> None:
    """What it gives the second time is held against what it gave the first time."""
    store.reconcile(SOURCES, NOON)
    first = Recording(source=SOURCES[0], entries=[entry("1")], state=SourceState())
    second = replace(first, entries=[entry("1"), entry("2")])
    assert store.record_all([first, second], NOON) == [Counts(new=1), Counts(new=1, unchanged=1)]


def test_more_than_is_taken_in_at_once_is_stored(store: Store) -> None:
    """Sources with very many entries are recorded like others, and what they have in common is found."""
    store.reconcile(SOURCES, NOON)
    entries = [entry(str(number)) for number in range(1500)]
    given = [Recording(source=source, entries=entries, state=SourceState()) for source in SOURCES[:2]]
    assert store.record_all(given, NOON) == [Counts(new=1500), Counts(duplicate=1500)]


def test_nothing_to_record_is_nothing(store: Store) -> None:
    """No source, no counts."""
    assert store.record_all([], NOON) == []
