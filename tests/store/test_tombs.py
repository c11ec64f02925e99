"""Gone means gone: takedowns, retention, and how they are undone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from entries import NOON, entry, feed, seeds

from aggregator.errors import StoreError
from aggregator.model import Article, Counts, FileStamp, Node, Refined, SourceState, Validators
from aggregator.options import Source
from aggregator.store import OutputRecord, Store

EVERYTHING = Node("category", ())
LATER = NOON + timedelta(hours=1)
A, B, S = feed("A", "news", "A"), feed("B", "news", "B"), seeds("S", "old")
TEXT = (
    "The ferry did not run that day, so we walked along the shore until the lighthouse keeper let us in. "
    "He had not seen anybody for a week, and he talked until the lamp had to be lit. "
    "We slept on the floor of the engine room, which was warm, and left before the fog had gone."
)


def record(store: Store, source: Source, *entries: Refined, now: datetime = NOON, **rest: Any) -> Counts:
    return store.record(source, entries, SourceState(), now, **rest)


def all_articles(store: Store) -> list[Article]:
    return store.articles(store.newest(EVERYTHING, 1000))


@pytest.fixture(autouse=True)
def _reconciled(store: Store) -> None:
    store.reconcile([A, B, S], NOON)


def take_down_all(store: Store) -> int:
    return store.take_down([article.id for article in all_articles(store)], "asked to", LATER)


class TestTakedown:
    one = entry("1", link="https://example.org/x", title="T", body=TEXT, published=NOON)

    @pytest.mark.parametrize(
        "again",
        [
            (A, one),
            (A, replace(one, key="g:other", guid="other")),
            (B, entry("b", link="https://example.org/x", title="Else", body="<p>else</p>")),
            (B, entry("b", title="T", body=TEXT)),
            (A, entry("m", link="https://moved.example/x", title="T", body="<p>new</p>", published=NOON)),
            (S, entry("s.md", link=None, title="T", body=TEXT, published=NOON, fingerprint=None)),
        ],
    )
    def test_no_rung_brings_it_back(self, store: Store, again: tuple[Source, Refined]) -> None:
        """Not its key, link, a copy of its text or of all, nor its title and moment, in any later pass."""
        record(store, A, self.one)
        assert take_down_all(store) == 1
        source, given = again
        for _ in range(2):
            assert record(store, source, given, now=LATER).new == 0
            assert all_articles(store) == []

    def test_other_articles_are_let_in(self, store: Store) -> None:
        """Neither the source nor the title is barred."""
        record(store, A, self.one)
        take_down_all(store)
        assert record(store, A, self.one, entry("2", title="T", body="<p>other</p>")).new == 1

    def test_nothing_of_it_is_left(self, store: Store) -> None:
        """No table names the article, its words are nowhere in the file, and its post is to be removed."""
        record(store, A, self.one)
        record(store, B, entry("b", link="https://example.org/x", title="T", body=TEXT))
        record(store, A, replace(self.one, body=TEXT + "!", text_hash="edited"), now=LATER)
        (article,) = all_articles(store)
        store.published([OutputRecord("posts/x.md", b"", 1, "post", article.uid)], serial=0)
        take_down_all(store)
        assert store.obsolete() == ("posts/x.md",)
        assert store.months([EVERYTHING]) == {EVERYTHING: {}}
        assert {row.articles for row in store.nodes()} == {0}
        with store._database.read() as conn:
            for table in ("articles", "contents", "sightings", "marks", "revisions", "related", "listing"):
                assert conn.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one() == 0, table

    def test_feeds_that_showed_it_are_stale_and_know_of_it(self, store: Store) -> None:
        """Every node that listed it goes out of date and can name the tomb."""
        start = store.stale()
        store.published((), nodes=start.nodes, serial=start.serial)
        record(store, A, self.one)
        stale = store.stale()
        store.published((), posts=stale.posts, nodes=stale.nodes, serial=stale.serial)
        take_down_all(store)
        assert len(stale.nodes) == 4
        assert store.stale().nodes == stale.nodes
        buried = store.tombs_of(stale.nodes)
        assert buried.keys() == set(stale.nodes)
        for node in stale.nodes:
            ((month, tomb),) = buried[node]
            assert month == "2026-11"
            assert (tomb.uid, tomb.guid, tomb.link) == (self.one.uid, "1", "https://example.org/x")
            assert (tomb.at, tomb.reason, tomb.kind) == (LATER, "asked to", "takedown")
        assert store.tombs_of([Node("source", ("B",))]) == {}

    def test_it_can_be_undone(self, store: Store) -> None:
        """The sources that carried it are asked for everything again, and it comes back as it was."""
        record(store, A, self.one)
        record(store, S, entry("s.md", link="https://example.org/x"), stamps={"s.md": FileStamp(1, 1)})
        before = all_articles(store)
        store.save_states(
            {A.name: SourceState(validators=Validators("e", "l"), body_hash="h", fresh_until=LATER)}
        )
        take_down_all(store)
        (tomb,) = store.tombs()
        assert store.undo(tomb.id) == tomb
        assert store.undo(tomb.id) is None
        assert store.states()["A"] == SourceState()
        assert store.file_stamps("S") == {}
        assert store.tombs_of([EVERYTHING]) == {}
        assert record(store, A, self.one).new == 1
        assert all_articles(store)[0].uid == before[0].uid

    def test_a_whole_source_can_be_taken_down(self, store: Store) -> None:
        """What it carried goes, and nothing more of it is taken, until that is undone."""
        record(store, A, self.one, entry("2"))
        record(store, B, entry("b"))
        assert store.take_down_source("A", "spam", NOON) == 2
        assert record(store, A, entry("3"), now=LATER) == Counts(unchanged=1)
        assert [article.guid for article in all_articles(store)] == ["b"]
        whole = store.tombs()[-1]
        assert (whole.source, whole.uid) == ("A", None)
        store.undo(whole.id)
        assert record(store, A, entry("3"), self.one, now=LATER) == Counts(new=1, unchanged=1)

    def test_what_it_copied_of_others_stays_theirs(self, store: Store) -> None:
        """What it was the first to give goes for good, whoever copied it; the rest loses its name alone."""
        theirs, copied = entry("b1", link="https://example.org/1"), entry("b2", link="https://example.org/2")
        early = NOON - timedelta(days=9)
        record(store, B, theirs, copied)
        later, earlier = (
            entry("a1", link=theirs.link, published=NOON),
            entry("a2", link=copied.link, published=early),
        )
        record(store, A, later, earlier, self.one)
        assert store.take_down_source("A", "by request", NOON) == 2
        assert [(one.guid, len(one.sources)) for one in all_articles(store)] == [("b1", 1)]
        assert record(store, B, theirs, copied, now=LATER) == Counts(unchanged=2)
        assert record(store, A, later, earlier, self.one, now=LATER) == Counts(unchanged=3)
        assert {one.title for one in all_articles(store)} == {"About b1"}
        assert {row.node.path: row.articles for row in store.nodes()}[B.categories] == 1

    def test_a_source_that_is_not_there_is_named(self, store: Store) -> None:
        """The sentence says where the names are."""
        with pytest.raises(StoreError, match=r"'X'.*aggregator sources"):
            store.take_down_source("X", "", NOON)

    def test_explaining_finds_the_tomb(self, store: Store) -> None:
        """By link and by uid, with the reason."""
        record(store, A, self.one)
        take_down_all(store)
        for text in ("https://example.org/x?utm_source=feed", self.one.uid, self.one.uid[:8]):
            (found,) = store.explain(text)
            assert found.article is None
            assert [tomb.reason for tomb in found.tombs] == ["asked to"]


class TestRetention:
    def test_old_articles_leave_and_stay_away(self, store: Store) -> None:
        """What is older than its source keeps goes, dated or not, and the next fetch brings nothing back."""
        keeping = replace(A, keep=30 * 86400.0)
        old = entry("old", published=NOON - timedelta(days=31))
        undated = entry("undated", published=None)
        young = entry("young", published=NOON - timedelta(days=29))
        record(store, A, old, young)
        record(store, A, undated, now=NOON - timedelta(days=40))
        assert store.prune([keeping, B, S], None, NOON) == 2
        assert [article.guid for article in all_articles(store)] == ["young"]
        assert record(store, keeping, old, undated, young) == Counts(unchanged=2, expired=1)
        assert len(store.tombs("retention")) == 2
        assert store.tombs() == []

    @pytest.mark.parametrize("later", [timedelta(hours=1), timedelta(days=-400)])
    def test_what_lasts_again_comes_back(self, store: Store, later: timedelta) -> None:
        """Where `keep` was too short, or the clock too far ahead; what has no date stays away."""
        keeping = replace(A, keep=30 * 86400.0)
        old, undated = entry("old", published=NOON - timedelta(days=401)), entry("undated", published=None)
        record(store, A, old, undated, now=NOON - timedelta(days=40))
        (uid,) = (article.uid for article in all_articles(store) if article.guid == "old")
        assert store.prune([keeping, B, S], None, NOON) == 2
        again = A if later > timedelta() else keeping
        assert record(store, keeping, old, undated).new == 0
        assert record(store, again, old, undated, now=NOON + later).new == 1
        assert [(article.guid, article.uid) for article in all_articles(store)] == [("old", uid)]
        assert [tomb.guid for tomb in store.tombs("retention")] == ["undated"]

    def test_an_echo_that_is_dated_anew_does_not_come_back(self, store: Store) -> None:
        """The article went for its own date, and a source that dates it later has it no longer."""
        link, keeping = "https://example.org/x", 30 * 86400.0
        sources = [replace(A, keep=keeping), replace(B, keep=keeping), S]
        echo = entry("b", title="As it was", link=link, published=NOON - timedelta(days=9))
        record(
            store,
            A,
            entry("a", title="As it was", link=link, published=NOON - timedelta(days=40)),
            now=LATER - timedelta(days=20),
        )
        record(store, B, echo)
        assert store.prune(sources, None, NOON) == 1
        assert record(store, sources[1], echo, now=LATER).new == 0

    def test_an_article_stays_while_one_of_its_sources_keeps_it(self, store: Store) -> None:
        """Two sources carried it, and one keeps its articles for ever."""
        link = "https://example.org/x"
        record(store, A, entry("a", link=link, published=NOON - timedelta(days=99)))
        record(store, B, entry("b", link=link, published=NOON - timedelta(days=99)))
        assert store.prune([replace(A, keep=86400.0), B], None, NOON) == 0
        assert store.prune([replace(A, keep=86400.0)], 86400.0, NOON) == 1

    @pytest.mark.parametrize(
        ("fields", "kept"),
        [
            ({"published": datetime(1960, 1, 1, tzinfo=UTC)}, 1),
            ({"published": datetime(1970, 1, 1, tzinfo=UTC)}, 0),
            ({"published": None, "file_time": NOON - timedelta(days=2)}, 0),
            ({"published": None}, 1),
        ],
    )
    def test_what_comes_in_is_what_stays(self, store: Store, fields: dict[str, Any], kept: int) -> None:
        """The age is that of the date which sorts, on the way in as at night."""
        keeping = replace(S, keep=86400.0)
        counts = record(store, keeping, entry("one", **fields))
        assert counts == Counts(new=kept, expired=1 - kept)
        assert store.prune([keeping], None, NOON) == 0
        assert record(store, S, entry("two", **fields)) == Counts(new=1)
        assert store.prune([keeping], None, NOON) == 1 - kept

    def test_a_large_store_is_pruned_part_by_part(self, store: Store) -> None:
        """What was removed before somebody ended it stays removed, and the rest goes the next time."""
        keeping = replace(A, keep=86400.0)
        many = [entry(str(number), published=NOON - timedelta(days=9)) for number in range(2500)]
        record(store, A, *many)
        ends = iter([False, True])
        assert store.prune([keeping], None, NOON, lambda: next(ends)) == 2000
        assert store.prune([keeping], None, NOON) == 500

    def test_without_a_limit_nothing_leaves(self, store: Store) -> None:
        """The default is for ever."""
        record(store, A, entry("a", published=NOON - timedelta(days=9999)))
        assert store.prune([A, B, S], None, NOON) == 0

    def test_what_is_too_old_is_not_taken_in(self, store: Store) -> None:
        """An archive that a feed shows beyond what its source keeps is passed over."""
        keeping = replace(A, keep=86400.0)
        entries = [entry("1", published=NOON - timedelta(days=2)), entry("2", published=NOON)]
        assert record(store, keeping, *entries) == Counts(new=1, expired=1)
