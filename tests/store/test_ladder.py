"""The identity ladder over whole histories: churn, recycled keys, near duplicates."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from databases import empty
from entries import LONG, NOON, OTHER, STORY, WIRE, entry, feed

from aggregator.model import Article, Counts, Node, Refined, SourceState
from aggregator.options import Policy, Source
from aggregator.store import Store

EVERYTHING = Node("category", ())
LATER = NOON + timedelta(hours=1)
A, B, C = feed("A", "news", "A"), feed("B", "news", "B"), feed("C", "news", "C")


def record(store: Store, source: Source, *entries: Refined, now: datetime = NOON, **rest: Any) -> Counts:
    return store.record(source, entries, SourceState(), now, **rest)


def all_articles(store: Store) -> list[Article]:
    return store.articles(store.newest(EVERYTHING, 5000))


@pytest.fixture(autouse=True)
def _reconciled(store: Store) -> None:
    store.reconcile([A, B, C], NOON)


class TestChurn:
    def test_a_blog_that_moves_gives_no_new_articles(self, store: Store) -> None:
        """500 posts under new guids, another host and https: none of them is new, and links follow."""
        posts = [
            entry(
                f"http://old.example/{number}",
                title=f"Post about {number}" if number % 5 else "",
                body=f"<p>{STORY} Number {number}.</p>" if number % 3 else f"<p>Short {number}</p>",
                link=f"http://old.example/{number}",
                published=NOON - timedelta(days=number),
            )
            for number in range(500)
        ]
        moved = [
            entry(
                f"https://new.example/{number}",
                title=before.title,
                body=before.body,
                link=f"https://new.example/{number}",
                published=before.published,
            )
            for number, before in enumerate(posts)
        ]
        assert record(store, A, *posts).new == 500
        before = {article.uid for article in all_articles(store)}
        assert record(store, A, *moved, now=LATER) == Counts(duplicate=500)
        articles = all_articles(store)
        assert {article.uid for article in articles} == before
        assert all(str(article.link).startswith("https://new.example/") for article in articles)
        assert record(store, A, *moved, now=LATER) == Counts(unchanged=500)

    @pytest.mark.parametrize("words", [STORY, STORY + "One more."])
    def test_a_key_that_comes_back_brings_its_words(self, store: Store, words: str) -> None:
        """A title and its link are changed, and changed back; the words are the first, or newer."""
        published = NOON - timedelta(days=1)
        first = entry("g", key="l:1", body=f"<p>{STORY}</p>", link="https://x.example/1", published=published)
        other = replace(
            first, key="l:2", link="https://x.example/2", canonical_link="https://x.example/2", text_hash="2"
        )
        last = entry("g", key="l:1", body=f"<p>{words}</p>", link="https://x.example/1", published=published)
        record(store, A, first)
        for shown in (other, last, other, last):
            record(store, A, shown, now=LATER)
            (article,) = all_articles(store)
            assert (article.link, article.body) == (shown.link, shown.body)
            assert record(store, A, shown, now=LATER) == Counts(unchanged=1)

    def test_a_daily_title_with_another_text_is_another_article(self, store: Store) -> None:
        """The same title two days running is no edit unless the text is nearly the same."""
        record(store, A, entry("1", title="Daily news", body=STORY, published=NOON - timedelta(days=1)))
        assert record(store, A, entry("2", title="Daily news", body=OTHER, published=NOON)).new == 1

    def test_a_daily_title_with_the_same_few_words_is_another_article(self, store: Store) -> None:
        """ "Open thread: say what you like" comes every day; only at the same second it is one."""
        same = {"title": "Open thread", "body": "<p>Say what you like.</p>"}
        first = entry("1", published=NOON - timedelta(days=1), **same)
        record(store, A, first)
        assert record(store, A, entry("2", published=NOON, **same)).new == 1
        assert record(store, A, entry("3", published=NOON, **same)).duplicate == 1

    def test_the_same_title_a_week_later_is_another_article(self, store: Store) -> None:
        """Beyond two days even the same text is another issue."""
        record(store, A, entry("1", title="Weekly", body=STORY, published=NOON - timedelta(days=7)))
        assert record(store, A, entry("2", title="Weekly", body=STORY, published=NOON)).new == 1

    def test_photo_posts_move_by_title_and_date(self, store: Store) -> None:
        """Without any text the title and the second of publishing tell."""
        record(store, A, entry("1", title="Dawn", body='<img src="https://a.example/1.jpg">'))
        moved = entry("2", title="Dawn", body='<img src="https://b.example/1.jpg">')
        assert record(store, A, moved).duplicate == 1


class TestKeysThatNameNothing:
    def test_one_guid_for_every_entry_loses_nothing(self, store: Store) -> None:
        """A feed that shows one entry at a time, always under the same guid."""
        texts = (STORY, OTHER, LONG, "Short.", "")
        for number, text in enumerate(texts):
            one = entry(
                "always",
                title=f"{'abcde'[number]} title",
                body=text,
                link=f"https://a.example/{number}",
                published=NOON - timedelta(days=9 - number),
            )
            assert record(store, A, one).new == 1
        assert len(all_articles(store)) == 5
        assert store.states()["A"].void_guids == {"always"}

    @pytest.mark.parametrize("linked", [True, False])
    def test_guids_that_count_places_double_nothing(self, store: Store, linked: bool) -> None:  # noqa: FBT001 - a parameter
        """Where entries are numbered from the newest, each guid names the next one after an arrival."""
        posts = [
            entry(
                name,
                title=name * 9,
                body="<p>" + " ".join(f"{name}{number * number % 97}" for number in range(60)) + "</p>",
                published=NOON - timedelta(days=9 - age),
            )
            for age, name in enumerate("abcdef")
        ]
        if not linked:
            posts = [replace(one, link=None, canonical_link=None) for one in posts]
        for count in range(3, 7):
            shown = [
                replace(one, guid=str(place), key=f"g:{place}")
                for place, one in enumerate(reversed(posts[:count]))
            ]
            record(store, A, *shown, now=NOON + timedelta(hours=count))
            assert sorted(one.title[0] for one in all_articles(store)) == sorted("abcdef"[:count])

    def test_entries_that_swap_their_guids_stay_the_articles_that_they_are(self, store: Store) -> None:
        """Once, and when they swap them back."""
        one, other = entry("1", body=f"<p>{STORY}</p>"), entry("2", body=f"<p>{OTHER}</p>", published=NOON)
        swapped = [replace(one, guid="2", key="g:2"), replace(other, guid="1", key="g:1")]
        for shown in ([one, other], swapped, [one, other]):
            record(store, A, *shown)
            assert sorted(article.title for article in all_articles(store)) == ["About 1", "About 2"]

    def test_an_edit_under_the_same_guid_stays_one_article(self, store: Store) -> None:
        """An edit keeps the title, or the link, or the date, or some of the text."""
        first = entry("1", title="One", body=STORY)
        record(store, A, first)
        for changes in (
            {"title": "Two", "body": OTHER, "published": NOON},
            {"title": "Three", "body": OTHER, "link": "https://a.example/3", "published": first.published},
            {"title": "Four", "body": OTHER + "More.", "link": "https://a.example/4", "published": NOON},
            {"title": "Four", "body": STORY, "link": "https://a.example/5", "published": LATER},
        ):
            assert record(store, A, entry("1", **changes), now=LATER) == Counts(changed=1)
        assert len(all_articles(store)) == 1

    def test_one_page_for_every_entry_loses_nothing(self, store: Store) -> None:
        """A feed that shows one entry at a time and links each to the same page."""
        for number, text in enumerate((STORY, OTHER, "Short.", "Other words.")):
            one = entry(
                f"{number}", title=f"{'abcd'[number]} title", body=text, link="https://a.example/status"
            )
            assert record(store, A, one).new == 1
        assert store.states()["A"].void_links == {"https://a.example/status"}

    def test_new_guids_of_a_source_whose_words_are_not_the_articles_double_nothing(
        self, store: Store
    ) -> None:
        """The first had a headline and a few words; the second says under a new guid what it said before."""
        early = {"link": "https://x.example/1", "published": NOON - timedelta(days=3)}
        record(store, B, entry("b", title="Short", body="<p>A few words.</p>", **early))
        record(store, A, entry("1", title="The whole story", body=f"<p>{STORY}</p>", link=early["link"]))
        moved = entry("2", title="The whole story", body=f"<p>{STORY}</p>", link=early["link"])
        assert record(store, A, moved, now=LATER) == Counts(duplicate=1)
        assert len(all_articles(store)) == 1

    def test_changed_words_under_a_new_guid_and_the_same_link_are_an_edit(self, store: Store) -> None:
        """A guid that holds the time of the edit: the article moves along."""
        record(store, A, entry("1@9:00", title="Live: the bridge", body=STORY, link="https://a.example/live"))
        edit = entry("1@9:30", title="Live: bridge closed", body=WIRE, link="https://a.example/live")
        assert record(store, A, edit, now=LATER).duplicate == 1
        (article,) = all_articles(store)
        assert (article.title, article.updated) == ("Live: bridge closed", LATER)
        assert [one.body for one in store.versions(article.id)] == [STORY, WIRE]


class TestTexts:
    def test_a_series_with_the_same_words_stays_apart(self, store: Store) -> None:
        """Two sources, one blurb, "Part 3" and "Part 4"."""
        record(store, A, entry("a", title="Radio hour, part 3", body=STORY))
        assert record(store, B, entry("b", title="Radio hour, part 4", body=STORY)).new == 1

    def test_a_blurb_that_comes_again_stays_apart(self, store: Store) -> None:
        """Equal texts under different titles weeks apart are two programmes."""
        record(store, A, entry("a", title="The bridge", body=STORY, published=NOON - timedelta(days=30)))
        assert record(store, B, entry("b", title="The choir", body=STORY, published=NOON)).new == 1


class TestNear:
    first = entry("a", title="Bridge to close", body=STORY)
    second = entry("b", title="Old bridge closes", body=WIRE, published=NOON)

    def store(self, tmp_path: Path, **policy: Any) -> Store:
        store = Store.open(empty(tmp_path / "near.db"), Policy(**policy))
        store.reconcile([A, B, C], NOON)
        return store

    def test_near_texts_name_each_other(self, tmp_path: Path) -> None:
        """With `link`, the default, both stay, know of one another, and go out of date with one another."""
        with self.store(tmp_path) as store:
            record(store, A, self.first)
            assert record(store, B, self.second).new == 1
            later, earlier = all_articles(store)
            assert [(one.uid, one.title, one.link, one.source) for one in later.related] == [
                (earlier.uid, earlier.title, earlier.link, "A")
            ]
            assert [one.uid for one in earlier.related] == [later.uid]
            stale = store.stale()
            store.published((), posts=stale.posts, nodes=stale.nodes, serial=stale.serial)
            record(store, A, entry("a", title="Bridge closed", body=STORY), now=LATER)
            assert set(store.stale().posts) == {later.id, earlier.id}

    def test_near_texts_merge_if_asked_to(self, tmp_path: Path) -> None:
        """With `merge` they are one article, and how alike they are is the evidence."""
        with self.store(tmp_path, near="merge") as store:
            record(store, A, self.first)
            assert record(store, B, self.second).duplicate == 1
            (explained,) = store.explain(self.first.uid)
            assert [(one.source, one.rung) for one in explained.sightings] == [("A", "new"), ("B", "near")]
            assert 0.5 <= float(explained.sightings[1].evidence or 0) < 1

    @pytest.mark.parametrize(
        ("policy", "changes"),
        [
            ({"near": "off"}, {}),
            ({"threshold": 0.99}, {}),
            ({}, {"published": NOON + timedelta(days=-6)}),
            ({}, {"bands": (5, 6)}),
            ({}, {"body": OTHER}),
        ],
    )
    def test_what_is_not_near_is_unrelated(
        self, tmp_path: Path, policy: dict[str, Any], changes: dict[str, Any]
    ) -> None:
        """Switched off, under the threshold, outside the window, without a common band, or another text."""
        fields = {"title": "Old bridge closes", "body": WIRE, "published": NOON, **changes}
        with self.store(tmp_path, **policy) as store:
            record(store, A, entry("a", title="T", body=STORY, published=NOON))
            record(store, B, entry("b", **fields))
            assert [article.related for article in all_articles(store)] == [(), ()]

    def test_a_merged_pair_takes_its_relations_along(self, tmp_path: Path) -> None:
        """Removing an article frees those that named it."""
        with self.store(tmp_path) as store:
            record(store, A, self.first)
            record(store, B, self.second)
            later, earlier = all_articles(store)
            store.take_down([later.id], "test", NOON)
            (left,) = all_articles(store)
            assert (left.id, left.related) == (earlier.id, ())


def test_a_written_post_keeps_its_uid(store: Store) -> None:
    """Once a post was written its article's uid stays, whoever turns out to be the origin."""
    late = entry("a", link="https://x.example/1", title="T", body=STORY, published=NOON)
    early = entry("b", link="https://y.example/1", title="T", body=STORY, published=NOON - timedelta(days=1))
    record(store, A, late)
    from aggregator.store import OutputRecord

    store.published([OutputRecord("posts/a.md", b"", 1, "post", late.uid)], serial=0)
    record(store, B, early)
    (article,) = all_articles(store)
    assert (article.uid, article.sources[0].source) == (late.uid, "B")
    assert store.obsolete() == ()


def test_merging_two_written_posts_removes_one(store: Store) -> None:
    """The later one's file is to be removed; the origin's uid stays."""
    from aggregator.store import OutputRecord

    one = entry("a", link="https://x.example/1", title="T", body="<p>short</p>", published=NOON)
    two = entry("c", link="https://y.example/1", title="T", body=STORY, published=NOON - timedelta(days=1))
    record(store, A, one)
    record(store, C, two)
    files = [OutputRecord(f"posts/{each.uid}.md", b"", 1, "post", each.uid) for each in (one, two)]
    store.published(files, serial=0)
    record(store, B, entry("b", link="https://x.example/1", title="T", body=STORY, published=NOON))
    (article,) = all_articles(store)
    assert article.uid == two.uid
    assert store.obsolete() == (f"posts/{one.uid}.md",)
    assert {row.node.path: row.articles for row in store.nodes()}[()] == 1
