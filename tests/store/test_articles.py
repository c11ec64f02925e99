"""Recording: what is new, changed, known elsewhere or unchanged, and what is then out of date."""

import random
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from entries import LONG, NOON, entry, feed, seeds

from aggregator.errors import StoreError
from aggregator.model import Article, Counts, Enclosure, FileStamp, Node, Origin, Refined, SourceState
from aggregator.options import Source
from aggregator.store import Store
from aggregator.store.codec import digest
from aggregator.store.identity import derived

EVERYTHING = Node("category", ())
SHOWN = (
    *("uid", "title", "guid", "link", "authors", "published", "body", "summary"),
    *("enclosures", "image", "tags", "language", "origin", "rights"),
)
LATER = NOON + timedelta(hours=1)
A, B = feed("A", "news", "A"), feed("B", "news", "B")
ARCHIVE = seeds("Archive", "old")


def record(store: Store, source: Source, *entries: Refined, now: datetime = NOON, **rest: Any) -> Counts:
    return store.record(source, entries, SourceState(), now, **rest)


def all_articles(store: Store) -> list[Article]:
    return store.articles(store.newest(EVERYTHING, 1000))


def only(store: Store) -> Article:
    (article,) = all_articles(store)
    return article


def settle(store: Store) -> None:
    """Count everything as published."""
    stale = store.stale(1000)
    store.published((), posts=stale.posts, nodes=stale.nodes, serial=stale.serial)


@pytest.fixture(autouse=True)
def _reconciled(store: Store) -> None:
    store.reconcile([A, B, ARCHIVE], NOON)


def test_an_article_comes_back_as_it_was_stored(store: Store) -> None:
    """Every field of an entry that outputs show survives the database."""
    given = entry(
        "1",
        title="Ein Titel 标题",
        authors=("Ann", "Bob"),
        updated=NOON - timedelta(hours=2),
        body=f"<p>{LONG}</p>",
        summary="In short",
        enclosures=(
            Enclosure("https://example.org/a.mp3", "audio/mpeg", 7, "Sound"),
            Enclosure("https://e.org/b"),
        ),
        image="https://example.org/a.png",
        tags=("x", "y"),
        language="de",
        origin=Origin("Elsewhere", "https://else.example/", None),
        rights="CC0",
    )
    record(store, A, given)
    stored = only(store)
    for name in SHOWN:
        assert getattr(stored, name) == getattr(given, name), name
    assert stored.updated == given.updated
    assert stored.sort_at == given.published
    assert stored.first_seen == NOON
    assert [(one.source, one.kind, one.location, one.categories) for one in stored.sources] == [
        ("A", "feed", "https://a.example/feed", ("news", "A"))
    ]


def test_counts_tell_new_from_unchanged_changed_and_duplicate(store: Store) -> None:
    """Each entry is counted once, as what it turned out to be."""
    assert record(store, A, entry("1"), entry("2")) == Counts(new=2)
    assert record(store, A, entry("1"), entry("2", body="<p>more</p>"), entry("3")) == Counts(
        new=1, changed=1, unchanged=1
    )
    assert record(store, B, entry("b", link="https://example.org/1")) == Counts(duplicate=1)


def test_what_is_unchanged_makes_nothing_stale(store: Store) -> None:
    """A source that shows what it showed before leaves every output fresh."""
    record(store, A, entry("1"))
    settle(store)
    assert record(store, A, entry("1"), now=LATER) == Counts(unchanged=1)
    assert (store.stale().posts, store.stale().nodes) == ((), ())


def test_new_articles_make_their_post_and_their_nodes_stale(store: Store) -> None:
    """The post, the category path with its ancestors and the source are out of date; others are not."""
    settle(store)
    record(store, A, entry("1"))
    assert store.stale().posts == (only(store).id,)
    assert store.stale().nodes == (
        EVERYTHING,
        Node("category", ("news",)),
        Node("category", ("news", "A")),
        Node("source", ("A",)),
    )


def test_the_same_link_in_two_sources_is_one_article(store: Store) -> None:
    """It is listed with both sources and under the categories of both, once in each."""
    record(store, A, entry("a", link="https://example.org/x"))
    record(store, B, entry("b", link="https://example.org/x"))
    article = only(store)
    assert [one.source for one in article.sources] == ["A", "B"]
    for node in (Node("category", ("news", "A")), Node("category", ("news", "B")), Node("source", ("B",))):
        assert [one.id for one in store.articles(store.newest(node, 10))] == [article.id]
    counts = {row.node: row.articles for row in store.nodes()}
    assert counts[EVERYTHING] == counts[Node("category", ("news",))] == 1


def test_the_same_long_text_in_two_sources_is_one_article(store: Store) -> None:
    """A fingerprint joins what links and guids do not; short texts have none."""
    record(store, A, entry("a", body=LONG), entry("short", body="x"))
    assert record(store, B, entry("b", body=LONG), entry("short2", body="x")) == Counts(new=1, duplicate=1)


def test_the_same_text_twice_in_one_source_stays_two(store: Store) -> None:
    """Within one source a text is repeated on purpose, in one document or in two."""
    assert record(store, A, entry("1", body=LONG), entry("2", body=LONG)) == Counts(new=2)
    assert record(store, A, entry("3", body=LONG)) == Counts(new=1)


def test_entries_of_one_document_never_merge(store: Store) -> None:
    """Two entries of one document that both look like a stored article: one of them is new."""
    record(store, B, entry("b", title="T", body=LONG))
    both = [entry("1", title="T", body=LONG), entry("2", title="T", body=LONG)]
    assert record(store, A, *both) == Counts(new=1, duplicate=1)


def test_a_churned_guid_with_the_same_link_is_the_same_article(store: Store) -> None:
    """A source that gives its entries new guids gives no new articles, and may still edit them."""
    record(store, A, entry("old", title="T", link="https://example.org/x"))
    new = entry("new", title="T", link="https://example.org/x", body="<p>edited</p>")
    assert record(store, A, new, now=LATER) == Counts(duplicate=1)
    assert only(store).body == "<p>edited</p>"
    assert only(store).updated == LATER
    assert [one.source for one in only(store).sources] == ["A"]


def test_one_link_of_two_entries_still_shown_is_two_articles(store: Store) -> None:
    """While the first entry is in the document, a second with its link is another article."""
    first = entry("1", link="https://example.org/x")
    record(store, A, first)
    assert record(store, A, first, entry("2", link="https://example.org/x", body="<p>2</p>")).new == 1


def test_a_link_that_turns_out_void_identifies_nothing(store: Store) -> None:
    """Once a source is seen to link everything to one page, that page finds no article any more."""
    record(store, A, entry("1", link="https://example.org/home"))
    record(store, A, void_links=frozenset({"https://example.org/home"}))
    assert record(store, B, entry("b", link="https://example.org/home")) == Counts(new=1)
    assert store.states()["A"].void_links == {"https://example.org/home"}


def test_exact_copies_merge_where_one_has_no_link(store: Store) -> None:
    """Title, date and body agree: with two links they are two articles, without the one's link one."""
    record(store, A, entry("1", title="T", body="B"))
    assert record(store, B, entry("2", title="T", body="B")) == Counts(new=1)
    assert record(store, ARCHIVE, entry("a.md", link=None, title="T", body="B")) == Counts(duplicate=1)


def test_an_entry_with_a_link_finds_its_copy_without_one(store: Store) -> None:
    """The same rule the other way round."""
    record(store, ARCHIVE, entry("a.md", link=None, title="T", body="B"))
    assert record(store, A, entry("1", title="T", body="B")) == Counts(duplicate=1)


def test_undated_short_entries_of_feeds_do_not_merge(store: Store) -> None:
    """Without a date an equal title says nothing: "Open thread" comes every week."""
    same = {"link": None, "title": "Open thread", "body": "", "published": None}
    record(store, A, entry("1", **same))
    assert record(store, B, entry("2", **same)) == Counts(new=1)


def test_the_first_to_publish_is_the_origin(store: Store) -> None:
    """Whoever is fetched first: origin, words and dates are of the entry with the earliest date."""
    early = entry("b", link="https://example.org/x", body="<p>early</p>", published=NOON - timedelta(days=2))
    late = entry("a", link="https://example.org/x", body="<p>late</p>", published=NOON - timedelta(days=1))
    record(store, A, late)
    record(store, B, early)
    article = only(store)
    assert [one.source for one in article.sources] == ["B", "A"]
    assert (article.body, article.published, article.sort_at) == (
        "<p>early</p>",
        early.published,
        early.published,
    )
    assert article.updated == early.published


def test_equal_dates_prefer_a_link_then_the_name(store: Store) -> None:
    """Of two that published at one moment the one with a link is the origin, else the first by name."""
    record(store, A, entry("1", title="T", link=None, body=LONG))
    record(store, B, entry("2", title="T", body=LONG))
    assert [one.source for one in only(store).sources] == ["B", "A"]


def test_an_edit_of_the_origin_moves_the_article(store: Store) -> None:
    """New words replace the old ones, and `updated` is the entry's own if it is later and not to come."""
    record(store, A, entry("1"))
    record(store, A, entry("1", body="<p>2</p>", updated=NOON - timedelta(hours=1)), now=NOON)
    assert (only(store).body, only(store).updated) == ("<p>2</p>", NOON - timedelta(hours=1))
    record(store, A, entry("1", body="<p>3</p>", updated=LATER + timedelta(days=9)), now=LATER)
    assert (only(store).body, only(store).updated) == ("<p>3</p>", LATER)


def test_an_edit_of_an_echo_changes_nothing(store: Store) -> None:
    """What another source says of the article later does not replace the origin's words."""
    record(store, A, entry("a", link="https://example.org/x"))
    record(store, B, entry("b", link="https://example.org/x", published=NOON))
    before = only(store)
    echo = entry("b", link="https://example.org/x", published=NOON, body="<p>echo</p>")
    assert record(store, B, echo, now=LATER) == Counts(unchanged=1)
    assert only(store) == before


def test_a_new_picture_is_no_edit_but_is_stored(store: Store) -> None:
    """Images, tags, authors and enclosures follow the source without moving `updated`."""
    record(store, A, entry("1"))
    before = only(store)
    assert record(store, A, entry("1", image="https://example.org/i.png"), now=LATER) == Counts(changed=1)
    assert only(store) == replace(before, image="https://example.org/i.png")


def test_an_edit_storm_writes_nothing(store: Store) -> None:
    """Tokens in the queries of pictures and new modification dates are no change."""
    record(store, A, entry("1", image="https://example.org/i.png?t=0"))
    settle(store)
    for token in range(1, 20):
        moved = entry(
            "1", image=f"https://example.org/i.png?t={token}", updated=NOON + timedelta(minutes=token)
        )
        assert record(store, A, moved, now=LATER) == Counts(unchanged=1)
    assert not store.stale().posts


def test_a_feed_that_dates_its_archive_anew_moves_nothing(store: Store) -> None:
    """The first date of an entry counts, also when its text is edited with it."""
    first = entry("1")
    record(store, A, first)
    record(store, A, entry("1", published=NOON, body="<p>2</p>"), now=LATER)
    assert (only(store).published, only(store).sort_at) == (first.published, first.published)


@pytest.mark.parametrize("days", [-30000, 2])
def test_impossible_dates_do_not_sort(store: Store, days: int) -> None:
    """A date before 1970 or to come is shown, but the article is ordered by when it was first seen."""
    record(store, A, entry("1", published=NOON + timedelta(days=days)))
    assert only(store).published == NOON + timedelta(days=days)
    assert only(store).sort_at == NOON


def test_undated_files_sort_by_their_time(store: Store) -> None:
    """The modification time of a seed file stands in for an unknown date in ordering only."""
    record(store, ARCHIVE, entry("a.md", published=None, file_time=NOON - timedelta(days=9)))
    assert only(store).published is None
    assert only(store).sort_at == NOON - timedelta(days=9)
    assert only(store).date == NOON


def test_listings_are_newest_first_then_by_uid(store: Store) -> None:
    """Equal dates are ordered by uid, whatever the order of arrival."""
    entries = [entry(str(number), published=NOON - timedelta(hours=number % 3)) for number in range(12)]
    random.Random(3).shuffle(entries)
    for one in entries:
        record(store, A, one)
    expected = sorted(entries, key=lambda one: (NOON - (one.published or NOON), one.uid))
    assert [one.uid for one in all_articles(store)] == [one.uid for one in expected]
    assert [one.uid for one in store.articles(store.newest(EVERYTHING, 5))] == [
        one.uid for one in expected[:5]
    ]


def test_two_articles_never_share_a_uid(store: Store) -> None:
    """An article whose uid is taken gets another, the same each time."""
    record(store, A, entry("1", uid="a" * 32))
    record(store, A, entry("2", uid="a" * 32))
    uids = {one.guid: one.uid for one in all_articles(store)}
    assert uids["1"] == "a" * 32
    assert uids["2"] == derived("a" * 32, "A", digest("key", "g:2"))


def test_equal_keys_of_many_sources_get_uids_of_their_own(store: Store) -> None:
    """The same few words without link or guid in three sources are three articles."""
    sources = [feed(name, name) for name in "XYZ"]
    store.reconcile(sources, NOON)
    for source in sources:
        record(store, source, entry("same", uid="a" * 32, link=None, published=None))
    assert len({one.uid for one in all_articles(store)}) == 3


def test_equal_keys_of_one_document_are_one_entry(store: Store) -> None:
    """Of two entries with one key the first counts."""
    assert record(store, A, entry("1", title="first"), entry("1", title="second")) == Counts(new=1)
    assert only(store).title == "first"


def test_nothing_is_kept_of_a_record_that_fails(store: Store) -> None:
    """An error in the middle leaves neither articles nor state."""
    broken = replace(entry("2"), link=object())  # type: ignore[arg-type]  # which no database takes
    with pytest.raises(StoreError):
        store.record(A, [entry("1"), broken], SourceState(failures=3), NOON)
    assert all_articles(store) == []
    assert store.states()["A"].failures == 0


def test_writes_together_are_one_commit_and_fail_alone(store: Store) -> None:
    """Within `together` a write that fails undoes only itself."""
    with store.together():
        record(store, A, entry("1"))
        with pytest.raises(StoreError, match="not in the store"):
            record(store, feed("unknown"), entry("2"))
        record(store, B, entry("3"))
        assert all_articles(store) == []
    assert {one.guid for one in all_articles(store)} == {"1", "3"}


class TestSeeds:
    def test_files_name_their_own_categories(self, store: Store) -> None:
        """A file that names categories is listed under those, others under the directory's."""
        record(store, ARCHIVE, entry("a.md", categories=("x", "y")), entry("b.md"))
        assert [one.guid for one in store.articles(store.newest(Node("category", ("x",)), 9))] == ["a.md"]
        assert [one.guid for one in store.articles(store.newest(Node("category", ("old",)), 9))] == ["b.md"]

    def test_an_edited_file_updates_its_article_in_every_way(self, store: Store) -> None:
        """Date, categories and markup of a file count, unlike a feed's."""
        record(store, ARCHIVE, entry("a.md", text_hash="same"))
        changed = entry("a.md", text_hash="same", body="<p><b>a</b></p>", published=NOON, categories=("x",))
        assert record(store, ARCHIVE, changed, now=LATER) == Counts(changed=1)
        article = only(store)
        assert (article.body, article.sort_at, article.categories) == ("<p><b>a</b></p>", NOON, ("x",))
        assert store.articles(store.newest(Node("category", ("old",)), 9)) == []

    def test_two_files_with_one_link_stay_apart_unless_equal(self, store: Store) -> None:
        """Different writings that name one link are two articles; a copied file is one."""
        one = entry("a.md", link="https://example.org/x")
        two = entry("b.md", link="https://example.org/x", body="<p>other</p>")
        copy = replace(one, key="g:c.md", guid="c.md")
        stamps = {f"{name}.md": FileStamp(1, 1) for name in "abc"}
        assert record(store, ARCHIVE, one, two, copy, stamps=stamps) == Counts(new=2, duplicate=1)

    def test_two_files_with_one_link_in_two_batches_stay_apart(self, store: Store) -> None:
        """The rule holds for files that are stored already and still there."""
        one = entry("a.md", link="https://example.org/x")
        two = entry("b.md", link="https://example.org/x", body="<p>other</p>")
        record(store, ARCHIVE, one, stamps={"a.md": FileStamp(1, 1)})
        assert record(store, ARCHIVE, two, stamps={"b.md": FileStamp(1, 1)}) == Counts(new=1)

    def test_a_renamed_file_keeps_its_article(self, store: Store) -> None:
        """The new path takes the place of the old one, its categories too."""
        record(store, ARCHIVE, entry("a.md", categories=("x",)), stamps={"a.md": FileStamp(1, 1)})
        moved = replace(entry("a.md", categories=("y",)), key="g:b.md", guid="b.md")
        record(store, ARCHIVE, moved, stamps={"b.md": FileStamp(1, 1)})
        record(store, ARCHIVE, gone=["a.md"])
        assert only(store).categories == ("y",)
        assert store.articles(store.newest(Node("category", ("x",)), 9)) == []
        # It is read once more, for words that may differ.
        assert store.file_stamps("Archive") == {}
        assert record(store, ARCHIVE, moved, stamps={"b.md": FileStamp(1, 1)}) == Counts(changed=1)
        assert record(store, ARCHIVE, moved, stamps={"b.md": FileStamp(1, 1)}) == Counts(unchanged=1)

    def test_a_deleted_file_leaves_its_article(self, store: Store) -> None:
        """Nothing is unpublished because a file went away."""
        record(store, ARCHIVE, entry("a.md"), stamps={"a.md": FileStamp(1, 1)})
        record(store, ARCHIVE, gone=["a.md"])
        assert only(store).guid == "a.md"
        assert store.file_stamps("Archive") == {}

    def test_posts_of_ours_keep_their_digits(self, store: Store) -> None:
        """Two posts with different digits are two articles even with one link."""
        link = "https://example.org/x"
        one = entry("a-11111111.md", link=link, uid="1" * 32, uid_prefix="11111111")
        two = entry("a-22222222.md", link=link, uid="2" * 32, uid_prefix="22222222")
        assert record(store, ARCHIVE, one, two) == Counts(new=2)
        assert {article.uid for article in all_articles(store)} == {"1" * 32, "2" * 32}

    def test_a_post_of_ours_is_the_article_it_was_written_from(self, store: Store) -> None:
        """Read back beside its source, a post adds a sighting and no article."""
        given = entry("1", link="https://example.org/x")
        record(store, A, given)
        post = entry("p.md", link="https://example.org/x", uid_prefix=given.uid[:8])
        assert record(store, ARCHIVE, post) == Counts(duplicate=1)
        assert only(store).uid == given.uid
