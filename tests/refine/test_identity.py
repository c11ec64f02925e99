"""Keys, hashes and uids."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.refine import identity, text
from aggregator.refine.html import sanitize
from aggregator.refine.identity import Draft, settle

NONE: frozenset[str] = frozenset()
MORNING = datetime(2026, 11, 2, 8, tzinfo=UTC)


def draft(guid: str | None = None, link: str | None = None, title: str = "t", body: str = "b") -> Draft:
    exact = identity.exact_hash(title, MORNING, body)
    return Draft(
        guid=guid, canonical_link=link, title=title, text=body, body=body, date=MORNING, exact_hash=exact
    )


def steady(body: str) -> str:
    return identity.steady(text.lines(sanitize(body, base="https://e.org/").html))


def text_hash(title: str, body: str, link: str | None = "https://e.org/1") -> str:
    return identity.text_hash(title, steady(body), link)


@pytest.mark.parametrize(
    "later",
    [
        "<div><p>Text  of the\narticle</p></div><p>• 6 hours ago</p><p>阅读 2,001</p><p>12 likes</p>",
        '<p class="x" id="y">Text of the article</p><p>• 5 hours ago</p><p>阅读 1999</p><p>3 likes</p>',
        '<p>Text of the article<img src="https://e.org/count?n=2"></p><p>• a day ago</p><p>阅读 1</p>1 like',
    ],
)
def test_counters_and_markup_are_no_edit(later: str) -> None:
    """Blanks, attributes, addresses in the body, view counters and ages do not move the hash."""
    now = "<p>Text of the article</p><p>• 5 hours ago</p><p>阅读 1,999</p><p>3 likes</p>"
    assert text_hash("Title", now) == text_hash(" Title ", later)


@pytest.mark.parametrize(
    ("title", "body", "link"),
    [
        ("Title!", "<p>They won by 3 points 5 days ago.</p>", "https://e.org/1"),
        ("Title", "<p>They won by 4 points 5 days ago.</p>", "https://e.org/1"),
        ("Title", "<p>They won by 3 points 5 days ago. More.</p>", "https://e.org/1"),
        ("Title", "<p>They won by 3 points 5 days ago.</p>", "https://e.org/2"),
    ],
)
def test_edits_move_the_hash(title: str, body: str, link: str) -> None:
    """Title, text and link count, and so do numbers within a sentence."""
    assert text_hash("Title", "<p>They won by 3 points 5 days ago.</p>") != text_hash(title, body, link)


def test_exact_hashes_are_for_copies() -> None:
    """Title, date and body all count; blanks in the body do not."""
    exact = identity.exact_hash("t", MORNING, "<p>a</p>\n<p>b</p>")
    assert exact == identity.exact_hash("t", MORNING, "<p>a</p>  <p>b</p> ")
    assert (
        len(
            {
                exact,
                identity.exact_hash("T", MORNING, "<p>a</p>\n<p>b</p>"),
                identity.exact_hash("t", None, "<p>a</p>\n<p>b</p>"),
            }
        )
        == 3
    )


def test_the_uid_is_of_link_then_guid_then_content() -> None:
    """SHA-256 of the canonical link, else of a guid that is a URI, else of title, date and body."""
    link, guid = "https://e.org/1", "tag:e.org,2026:1"
    one = draft(guid, link)
    assert identity.uid(one, guid, link) == hashlib.sha256(link.encode()).hexdigest()[:32]
    assert identity.uid(one, guid, None) == hashlib.sha256(guid.encode()).hexdigest()[:32]
    content = identity.uid(one, "12", None)
    assert content == identity.uid(draft("other", None), None, None)
    assert content != identity.uid(draft("12", None, body="c"), "12", None)


def test_a_path_never_enters_a_uid() -> None:
    """Of a seed file the guid is a path, even if it looks like a URI; a post of ours keeps its digits."""
    here, there = replace(draft("a:/b.md"), seed=True), replace(draft("c:/d.md"), seed=True)
    assert identity.uid(here, here.guid, None) == identity.uid(there, there.guid, None)
    post = replace(draft("x-0123abcd.md", "https://e.org/1"), seed=True, uid_prefix="0123abcd")
    assert identity.uid(post, post.guid, "https://e.org/1").startswith("0123abcd")
    assert len(identity.uid(post, post.guid, "https://e.org/1")) == 32


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("https://e.org/a", True),
        ("https://e.org?p=1", True),
        ("https://e.org#!/a", True),
        ("https://e.org", False),
        ("https://e.org/feed", False),
        (None, False),
    ],
)
def test_front_pages_identify_nothing(link: str | None, expected: bool) -> None:  # noqa: FBT001 - a table
    """Neither the front page of a site nor the feed's own address names an entry."""
    assert identity.identifies(link, "https://e.org/feed", None) is expected


def test_a_guid_of_two_writings_is_no_guid() -> None:
    """Different titles or texts under one guid: both stay, by link or content."""
    settled = settle(
        [draft("x", "https://e.org/1", "a"), draft("x", "https://e.org/2", "b"), draft("y")], NONE, NONE
    )
    assert settled.void_guids == {"x"}
    assert [name.key for name in settled.names] == ["l:https://e.org/1", "l:https://e.org/2", "g:y"]


def test_a_link_of_several_guids_identifies_none() -> None:
    """Changelogs and status pages: the guids remain, the link is void."""
    settled = settle([draft("1", "https://e.org/log", "a"), draft("2", "https://e.org/log", "b")], NONE, NONE)
    assert settled.void_links == {"https://e.org/log"}
    assert [name.canonical_link for name in settled.names] == [None, None]
    assert len({name.uid for name in settled.names}) == 2


def test_repeats_within_a_document_are_one() -> None:
    """The same guid, title and text; or no guid, and the same link, date, title and text."""
    settled = settle(
        [draft("1"), draft("1"), draft(None, "https://e.org/a"), draft(None, "https://e.org/a")], NONE, NONE
    )
    assert [name.at for name in settled.names] == [0, 2]
    assert settled.void_guids == settled.void_links == NONE


def test_entries_of_one_document_never_merge_by_text() -> None:
    """Equal contents under different guids are two entries with two uids and two keys."""
    settled = settle(
        [draft("1"), draft("2"), draft("3", "https://e.org/p"), draft("4", "https://e.org/p")], NONE, NONE
    )
    assert len({name.uid for name in settled.names}) == len({name.key for name in settled.names}) == 4


def test_void_keys_are_remembered() -> None:
    """What a source once gave to several entries names none later, even alone."""
    settled = settle([draft("x", "https://e.org/p")], frozenset({"x"}), frozenset({"https://e.org/p"}))
    (name,) = settled.names
    assert (name.guid, name.canonical_link) == (None, None)
    assert name.key.startswith("h:")


DRAFTS = st.lists(
    st.builds(
        draft,
        st.sampled_from([None, "1", "2", "urn:x:1", "https://e.org/1"]),
        st.sampled_from([None, "https://e.org/1", "https://e.org/2"]),
        st.sampled_from(["", "a", "b"]),
        st.sampled_from(["", "x", "y"]),
    ),
    max_size=12,
)


@given(DRAFTS, st.frozensets(st.sampled_from(["1", "urn:x:1"])), st.frozensets(st.just("https://e.org/1")))
def test_names_in_a_document_are_all_different(
    drafts: list[Draft], guids: frozenset[str], links: frozenset[str]
) -> None:
    """Whatever a document repeats, no two of its entries share a uid or key, and no writing is lost."""
    settled = settle(drafts, guids, links)
    assert len({name.uid for name in settled.names}) == len(settled.names)
    assert len({name.key for name in settled.names}) == len(settled.names)
    kept = {(drafts[name.at].title, drafts[name.at].text) for name in settled.names}
    assert kept == {(one.title, one.text) for one in drafts}


@given(DRAFTS)
def test_the_order_of_entries_does_not_matter(drafts: list[Draft]) -> None:
    """A document upside down gives the same names and void keys."""
    forth, back = settle(drafts, NONE, NONE), settle(drafts[::-1], NONE, NONE)
    assert (forth.void_guids, forth.void_links) == (back.void_guids, back.void_links)
    assert {(name.key, name.uid) for name in forth.names} == {(name.key, name.uid) for name in back.names}
