"""Feeds of which only new entries are parsed, against the same feeds parsed whole each time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from databases import empty
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from aggregator import seen
from aggregator.digest import digest_feed
from aggregator.digested import Digested
from aggregator.model import SourceState
from aggregator.options import Rule, Source
from aggregator.store import Store

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HERE = "https://e.org/feed.xml"
SOURCE = Source(name="A", kind="feed", categories=("news", "A"), url=HERE)
TABLES = ("articles", "contents", "sightings", "marks", "listing")


def item(number: int, text: str, *, guid: bool = True, link: bool = True) -> str:
    name = f"<guid isPermaLink='false'>n{number}</guid>" if guid else ""
    place = f"<link>https://e.org/{number}</link>" if link else ""
    date = f"<pubDate>Sun, {1 + number % 20:02d} Feb 2026 10:00:00 GMT</pubDate>"
    return f"<item>{name}{place}<title>T{number}</title>{date}<description>{text}</description></item>"


def document(items: list[str], title: str = "Feed") -> bytes:
    return f"<rss version='2.0'><channel><title>{title}</title>{''.join(items)}</channel></rss>".encode()


def read(body: bytes, known: bytes = b"", source: Source = SOURCE) -> Digested:
    return digest_feed(source, SourceState(), body, HERE, "application/rss+xml", NOON, known)


def stored(folder: Path, documents: list[bytes], *, whole: bool) -> dict[str, list[tuple[object, ...]]]:
    """Everything that a store holds of these documents, one after the other."""
    with Store.open(empty(folder / f"{'whole' if whole else 'changes'}.db")) as store:
        store.reconcile([SOURCE], NOON)
        for number, body in enumerate(documents):
            found = read(body, b"" if whole else store.last_seen(["A"]).get("A", b""))
            store.record(
                SOURCE,
                found.refined.articles,
                SourceState(
                    void_guids=store.states()["A"].void_guids, void_links=store.states()["A"].void_links
                ),
                NOON + timedelta(hours=number),
                void_guids=found.refined.void_guids,
                void_links=found.refined.void_links,
                shown=found.shown,
                seen=found.seen,
            )
        with store._database.read() as conn:
            return {
                table: sorted(map(tuple, conn.execute(sa.text(f"SELECT * FROM {table}")))) for table in TABLES
            }


ENTRIES = st.lists(
    st.builds(
        item, st.integers(0, 6), st.sampled_from(("one", "two")), guid=st.booleans(), link=st.booleans()
    ),
    max_size=6,
)


@settings(
    max_examples=15,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # each example opens two databases
@given(versions=st.lists(ENTRIES, min_size=2, max_size=3))
def test_the_store_is_the_same_as_if_all_was_parsed(
    versions: list[list[str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever a feed shows one time after the other, cutting out what was seen changes no table."""
    folder = tmp_path_factory.mktemp("seen")
    documents = [document(items) for items in versions]
    assert stored(folder, documents, whole=False) == stored(folder, documents, whole=True)


def test_entries_that_were_seen_are_left_out_and_named() -> None:
    """A second document brings its new entry alone, and the names and dates of the others."""
    first = read(document([item(1, "one"), item(2, "two")]))
    second = read(document([item(3, "three"), item(1, "one"), item(2, "two")]), first.seen)
    assert [article.guid for article in second.refined.articles] == ["n3"]
    assert second.shown == tuple(seen.key(article.key) for article in first.refined.articles)
    assert set(second.dates) == {article.published for article in first.refined.articles}


def test_an_edited_entry_is_parsed_again() -> None:
    """What an entry says is part of its hash."""
    first = read(document([item(1, "one"), item(2, "two")]))
    second = read(document([item(1, "ONE"), item(2, "two")]), first.seen)
    assert [article.guid for article in second.refined.articles] == ["n1"]


@pytest.mark.parametrize(
    "changed",
    [{"rules": (Rule(label="r", action="route", path=("x",)),)}, {"tracking": True}, {"excerpt": 20}],
)
def test_other_settings_make_all_entries_new(changed: dict[str, object]) -> None:
    """What is remembered holds for the settings under which it was made."""
    body = document([item(1, "one"), item(2, "two")])
    again = read(body, read(body).seen, replace(SOURCE, **changed))  # type: ignore[arg-type]  # by name
    assert len(again.refined.articles) == 2


def test_damaged_memory_is_forgotten() -> None:
    """Bytes of another shape cost a whole parse and nothing else."""
    first = read(document([item(1, "one")]))
    for known in (first.seen[:-1], first.seen[:10], b"x" * 48, b""):
        assert len(read(document([item(1, "one")]), known).refined.articles) == 1
