"""The articles of a node by month: counted as they come and go, sliced, and known to be out of date."""

from datetime import UTC, datetime, timedelta

from entries import NOON, entry, feed
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aggregator.model import Node, SourceState
from aggregator.store import Store, Stretch
from aggregator.store.months import END

A = feed("A", "news")
B = feed("B", "news")
NEWS = Node("category", ("news",))


def fill(store: Store, days: list[int]) -> None:
    entries = [entry(f"{n}", published=NOON - timedelta(days=day)) for n, day in enumerate(days)]
    store.record(A, entries, SourceState(), NOON)


def settle(store: Store) -> None:
    stale = store.stale(1000)
    store.published((), posts=stale.posts, nodes=stale.nodes, serial=stale.serial)


def test_outlines_know_how_large_articles_are(store: Store) -> None:
    """The bytes of a body, however it is stored, and those of what else there is."""
    store.reconcile([A], NOON)
    many = entry("many", body="好" * 1_000, tags=tuple(f"tag {n}" for n in range(1_000)))
    store.record(A, [entry("few"), many], SourceState(), NOON)
    few, much = sorted(store.outlines(store.newest(NEWS, 2)), key=lambda one: one.size)
    assert (few.size, much.size) == (len("<p>few</p>"), 3_000)
    assert few.more < 200
    assert 8_000 < much.more < 12_000


def test_articles_are_counted_by_month(store: Store) -> None:
    """Each node knows how many of its articles stand in which month, in UTC."""
    store.reconcile([A, B], NOON)
    last = datetime(2026, 9, 30, 23, 59, 59, 999999, tzinfo=UTC)
    store.record(
        A,
        [entry("1", published=last), entry("2", published=last + timedelta(microseconds=1)), entry("3")],
        SourceState(),
        NOON,
    )
    store.record(B, [entry("1", published=last)], SourceState(), NOON)
    months = store.months([NEWS, Node("source", ("B",)), Node("source", ("nobody",))])
    assert months == {
        NEWS: {"2026-09": 1, "2026-10": 1, "2026-11": 1},
        Node("source", ("B",)): {"2026-09": 1},
    }


def test_an_article_that_moves_to_another_category_is_counted_there(store: Store) -> None:
    """What leaves a node leaves no count behind."""
    store.reconcile([A], NOON)
    fill(store, [0, 1, 40])
    store.reconcile([feed("A", "sport")], NOON)
    assert store.months([NEWS]) == {NEWS: {}}
    assert sum(store.months([Node("category", ("sport",))])[Node("category", ("sport",))].values()) == 3


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_slices_of_months_are_the_listing(store: Store, data: st.DataObject) -> None:
    """All parts of all months, newest first, are the listing of the node, whatever their size."""
    store.reconcile([A], NOON)
    fill(store, [n % 13 * 7 for n in range(60)])
    size = data.draw(st.integers(1, 30))
    found = []
    for month, count in sorted(store.months([NEWS])[NEWS].items(), reverse=True):
        for start in reversed(range(0, count, size)):
            found += store.month(NEWS, month, start, min(start + size, count), count)
    assert store.articles(found) == store.articles(store.newest(NEWS, 1000))
    assert found == store.newest(NEWS, 1000)


def test_an_edit_makes_its_own_place_stale_alone(store: Store) -> None:
    """Of a month of ten only the edited article's place is out of date, and no other month."""
    store.reconcile([A], NOON)
    days = [*range(2, 12), 40]
    fill(store, days)
    settle(store)
    assert store.stale_months([NEWS]) == {NEWS: {}}
    edited = entry("3", published=NOON - timedelta(days=5), title="Edited")
    store.record(A, [edited], SourceState(), NOON)
    ((month, stretch),) = store.stale_months([NEWS])[NEWS].items()
    assert month == "2026-10"
    assert store.affected(NEWS, month, 10, stretch) == (6, 7)


def test_a_late_arrival_makes_all_after_it_stale(store: Store) -> None:
    """Places count from the month's oldest, so one that comes between moves those after it."""
    store.reconcile([A], NOON)
    fill(store, list(range(2, 12)))
    settle(store)
    store.record(A, [entry("late", published=NOON - timedelta(days=8, hours=1))], SourceState(), NOON)
    ((month, stretch),) = store.stale_months([NEWS])[NEWS].items()
    assert (month, stretch.until) == ("2026-10", END)
    assert store.affected(NEWS, month, 11, stretch) == (3, 11)


def test_everything_stale_means_every_month(store: Store) -> None:
    """`mark_all_stale` covers all months whole, and `published` ends it."""
    store.reconcile([A], NOON)
    fill(store, [0, 40, 80])
    settle(store)
    store.mark_all_stale()
    stale = store.stale_months([NEWS])[NEWS]
    assert stale == dict.fromkeys(("2026-08", "2026-09", "2026-11"), Stretch(-END, END))
    assert store.affected(NEWS, "2026-08", 1, stale["2026-08"]) == (0, 1)
    settle(store)
    assert store.stale_months([NEWS]) == {NEWS: {}}


def test_the_counts_of_an_older_database_are_made_when_it_is_opened(store: Store) -> None:
    """The migration counts what is listed already."""
    store.reconcile([A], NOON)
    fill(store, [0, 1, 40, 80])
    before = store.months([NEWS])
    with store._database.write() as conn:
        for statement in (
            "DROP TABLE months",
            "DROP TABLE stale_months",
            "DROP TABLE seen",
            *(f"DROP TABLE {name}" for name in ("revisions", "related", "bands", "floods")),
            *(f"DROP TABLE {name}" for name in ("tomb_nodes", "tomb_marks", "tombs")),
            "DROP INDEX ix_articles_flood_id",
            "ALTER TABLE articles DROP COLUMN flood_id",
            "ALTER TABLE articles DROP COLUMN changed",
            "ALTER TABLE articles DROP COLUMN guid",
            "ALTER TABLE outputs DROP COLUMN entries",
            "ALTER TABLE sightings DROP COLUMN evidence",
            "UPDATE alembic_version SET version_num = '0001'",
        ):
            conn.exec_driver_sql(statement)
    with Store.open(store._database.url.render_as_string()) as again:
        assert again.months([NEWS]) == before
        assert sum(before[NEWS].values()) == 4
