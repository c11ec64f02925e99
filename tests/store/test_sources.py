"""The table of sources: it follows the settings, and remembers a source between passes."""

from dataclasses import fields, replace
from datetime import timedelta

import pytest
from entries import NOON, entry, feed, seeds

from aggregator.model import FileStamp, Node, Rhythm, SourceState, Validators
from aggregator.store import Store

A = feed("A", "news", "A")
FULL = SourceState(
    url="https://a.example/feed",
    validators=Validators('W/"x"', "yesterday"),
    body_hash="abc",
    next_due=NOON,
    last_attempt=NOON + timedelta(microseconds=1),
    last_success=NOON,
    last_error="no answer",
    failing_since=NOON,
    failures=4,
    retry_after=NOON,
    gone=True,
    moved_to="https://b.example/",
    moved_since=NOON,
    moved_count=2,
    rhythm=Rhythm(ttl=60.0, period=None, skip_hours=frozenset({1, 2}), skip_days=frozenset({6})),
    fresh_until=NOON,
    cut=3,
    feed_title="Ä 标题",
    feed_link="https://a.example/",
    feed_id="urn:a",
    feed_updated=NOON,
    void_guids=frozenset({"x", "y" * 300}),
    void_links=frozenset({"z"}),
)


def test_a_state_comes_back_field_by_field(store: Store) -> None:
    """Every field of a state is kept, whether it comes with articles or alone."""
    assert all(
        getattr(FULL, field.name) != getattr(SourceState(), field.name) for field in fields(SourceState)
    )
    store.reconcile([A, feed("B")], NOON)
    assert store.states() == {"A": SourceState(), "B": SourceState()}
    store.save_states({A.name: FULL})
    assert store.states() == {"A": FULL, "B": SourceState()}
    store.record(feed("B"), [], replace(FULL, failures=5), NOON)
    assert store.states()["B"] == replace(FULL, failures=5)


def test_a_source_keeps_its_history_under_its_name(store: Store) -> None:
    """A new URL changes nothing but the location that outputs show."""
    store.reconcile([A], NOON)
    store.record(A, [entry("1")], FULL, NOON)
    moved = feed("A", "news", "A", url="https://new.example/feed")
    store.reconcile([moved], NOON)
    assert store.states()["A"] == FULL
    (article,) = store.articles(store.newest(Node("source", ("A",)), 9))
    assert article.sources[0].location == "https://new.example/feed"


def test_a_source_that_left_is_inactive_and_its_articles_stay(store: Store) -> None:
    """It comes back as it was when the settings name it again."""
    store.reconcile([A, feed("B")], NOON)
    store.record(A, [entry("1")], FULL, NOON)
    store.reconcile([feed("B")], NOON)
    assert {row.name: row.active for row in store.source_rows(NOON)} == {"A": False, "B": True}
    assert len(store.articles(store.newest(Node("category", ("news", "A")), 9))) == 1
    store.reconcile([A, feed("B")], NOON)
    assert {row.name: row.active for row in store.source_rows(NOON)} == {"A": True, "B": True}
    assert store.states()["A"] == FULL


@pytest.mark.parametrize("name", ["0", "Z"])
def test_a_source_with_another_name_goes_on_editing_its_articles(store: Store, name: str) -> None:
    """Before it is renamed, with its new name, and once it has the first again; ids and dates stay."""
    older, other = entry("1"), feed("B")
    store.reconcile([A, other], NOON)
    store.record(A, [older, entry("2")], FULL, NOON)
    (before,) = (one for one in store.articles(store.newest(Node("source", ("A",)), 9)) if one.guid == "1")
    renamed = feed(name, "news", name, url=A.url)
    store.reconcile([renamed, other], NOON)
    counts = store.record(renamed, [older, entry("2", title="Mended")], FULL, NOON)
    assert (counts.new, counts.duplicate) == (0, 2)
    store.record(renamed, [entry("1", title="New words")], FULL, NOON)
    store.record(other, [entry("1", title="An echo", published=NOON)], FULL, NOON)
    after = {one.guid: one for one in store.articles(store.newest(Node("source", (name,)), 9))}
    assert (after["1"].title, after["2"].title) == ("New words", "Mended")
    assert (after["1"].uid, after["1"].date, after["1"].categories) == (
        before.uid,
        before.date,
        ("news", name),
    )
    store.reconcile([A, other], NOON)
    store.record(A, [entry("1", title="Newer")], FULL, NOON)
    assert {one.title for one in store.articles(store.newest(Node("source", ("A",)), 9))} == {
        "Newer",
        "Mended",
    }


def test_a_seed_directory_with_another_name_keeps_its_articles(store: Store) -> None:
    """Its files are the origins of its articles, and edits of them count."""
    first, second = seeds("S"), replace(seeds("S"), name="T")
    store.reconcile([first], NOON)
    store.record(first, [entry("a.md")], SourceState(), NOON)
    store.reconcile([second], NOON)
    store.record(second, [entry("a.md")], SourceState(), NOON)
    store.record(second, [entry("a.md", title="Mended")], SourceState(), NOON)
    (article,) = store.articles(store.newest(Node("source", ("T",)), 9))
    assert (article.title, [one.source for one in article.sources]) == ("Mended", ["T", "S"])


def test_articles_follow_their_source_to_new_categories(store: Store) -> None:
    """Listings and counts move, posts and both old and new nodes are out of date."""
    store.reconcile([A], NOON)
    store.record(A, [entry("1"), entry("2")], FULL, NOON)
    stale = store.stale()
    store.published((), posts=stale.posts, nodes=stale.nodes, serial=stale.serial)
    store.reconcile([feed("A", "sports", "A")], NOON)
    assert store.articles(store.newest(Node("category", ("news", "A")), 9)) == []
    assert len(store.articles(store.newest(Node("category", ("sports", "A")), 9))) == 2
    counts = {row.node.path: row.articles for row in store.nodes() if row.node.kind == "category"}
    assert counts == {(): 2, ("sports",): 2, ("sports", "A"): 2}
    assert len(store.stale().posts) == 2
    paths = {node.path for node in store.stale().nodes if node.kind == "category"}
    assert paths == {(), ("news",), ("news", "A"), ("sports",), ("sports", "A")}


def test_files_with_categories_of_their_own_stay(store: Store) -> None:
    """Only those that inherit move with the directory."""
    store.reconcile([seeds("S", "old")], NOON)
    store.record(seeds("S", "old"), [entry("a.md", categories=("x",)), entry("b.md")], SourceState(), NOON)
    store.reconcile([seeds("S", "new")], NOON)
    assert [one.guid for one in store.articles(store.newest(Node("category", ("x",)), 9))] == ["a.md"]
    assert [one.guid for one in store.articles(store.newest(Node("category", ("new",)), 9))] == ["b.md"]


def test_settings_that_did_not_change_leave_outputs_fresh(store: Store) -> None:
    """Reconciling at every pass costs nothing."""
    store.reconcile([A], NOON)
    stale = store.stale()
    store.published((), nodes=stale.nodes, serial=stale.serial)
    store.reconcile([A], NOON)
    assert store.stale().nodes == ()


def test_sources_without_articles_have_their_nodes(store: Store) -> None:
    """A category path can be subscribed to before its first article is there."""
    store.reconcile([A], NOON)
    assert [(row.node.path, row.articles) for row in store.nodes()] == [
        ((), 0),
        (("news",), 0),
        (("news", "A"), 0),
        (("A",), 0),
    ]


def test_a_feed_that_moves_its_page_makes_its_feeds_stale(store: Store) -> None:
    """Outputs show the page of the feed that an article came from; they name it as the settings do."""
    store.reconcile([A], NOON)
    store.record(A, [entry("1")], FULL, NOON)
    stale = store.stale()
    store.published((), posts=stale.posts, nodes=stale.nodes, serial=stale.serial)
    store.record(A, [entry("1")], replace(FULL, feed_title="New"), NOON)
    assert store.stale().nodes == ()
    store.record(A, [entry("1")], replace(FULL, feed_link="https://new.example/"), NOON)
    assert len(store.stale().nodes) == 4
    (article,) = store.articles(store.newest(Node("source", ("A",)), 9))
    assert article.sources[0].feed_link == "https://new.example/"


def test_stamps_of_files_are_kept_until_they_are_gone(store: Store) -> None:
    """What was read is remembered with 64-bit inodes; what is gone is forgotten."""
    seed = seeds("S")
    store.reconcile([seed], NOON)
    stamps = {"a.md": FileStamp(2**62, 5, 2**64 - 1), "b.md": FileStamp(1, 2)}
    store.record(seed, [], SourceState(), NOON, stamps=stamps)
    assert store.file_stamps("S") == stamps
    changed = {"b.md": FileStamp(7, 8)}
    store.record(seed, [], SourceState(), NOON, stamps=changed, gone=["a.md"])
    assert store.file_stamps("S") == changed


def test_source_rows_count_articles_and_their_rate(store: Store) -> None:
    """A rate is of the last 30 days by date."""
    store.reconcile([A], NOON)
    store.record(A, [entry(str(n), published=NOON - timedelta(days=n)) for n in range(0, 60, 2)], FULL, NOON)
    (row,) = store.source_rows(NOON)
    assert (row.name, row.kind, row.location, row.articles) == ("A", "feed", "https://a.example/feed", 30)
    assert row.per_day == pytest.approx(16 / 30)
    assert row.state == FULL
