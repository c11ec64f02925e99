"""Nearly the same text: found, and told apart."""

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelled import article, load, score
from pairmaker import FOLDER, written

from aggregator.model import Document, Entry, Text
from aggregator.refine import similarity
from aggregator.refine.entries import Context, refine
from aggregator.refine.html import sanitize
from aggregator.refine.similarity import bands, compare, of_text

NOW = datetime(2026, 11, 2, tzinfo=UTC)
CONTEXT = Context(url="https://e.example/feed", now=NOW)
SENTENCE = "harbour morning boats 240 Brandt ferry island winter 港口 船只 说 2021 because, quiet. 天空。"
WORDS = SENTENCE.split()
TEXTS = st.lists(st.sampled_from(WORDS), max_size=120).map(" ".join)
LONG = "The harbour was quiet that morning, and the boats lay side by side under a grey sky. " * 4

IDENTITY = (Path(__file__).parents[2] / "docs" / "identity.md").read_text("utf-8")


def test_the_labelled_set_is_what_its_stories_make() -> None:
    """pairs.jsonl is made of the stories and templates beside it, and large enough."""
    assert (FOLDER / "pairs.jsonl").read_text("utf-8") == written()
    pairs = load()
    assert len(pairs) >= 300
    kinds = Counter(pair["kind"] for pair in pairs)
    wanted = {"copy", "truncated", "correction", "translation", "same topic", "same template", "series"}
    assert wanted <= set(kinds)


def test_no_two_articles_are_taken_for_one() -> None:
    """Precision is 1 on every rung, recall at least 0.95 for the same text and 0.85 for nearly the same."""
    scores = score(load())
    assert {name: one.precision for name, one in scores.items()} == {"link": 1.0, "text": 1.0, "near": 1.0}
    assert scores["link"].recall == 1.0
    assert scores["text"].recall >= 0.95
    assert scores["near"].recall >= 0.85
    for name, one in scores.items():
        row = f"| {name} | {one.precision:.3f} | {one.recall:.3f} | {one.right} | {one.wanted} |"
        assert row in IDENTITY, "docs/identity.md tells other figures"


@pytest.mark.parametrize("shared", ["guid", "link"])
def test_feeds_of_one_guid_or_one_page_lose_no_article(shared: str) -> None:
    """All stories in a feed that gives every entry one guid, or links it to one page: all arrive."""
    stories = [pair["one"] for pair in load() if pair["kind"] == "copy"]
    entries = tuple(
        Entry(
            guid="1" if shared == "guid" else str(at),
            link="https://e.example/log#top" if shared == "link" else story["link"],
            title=Text(story["title"]),
            body=Text(story["body"]),
        )
        for at, story in enumerate(stories)
    )
    refined = refine(Document(entries=entries), CONTEXT)
    assert len({article.uid for article in refined.articles}) == len(stories) == 20
    void = refined.void_guids if shared == "guid" else refined.void_links
    assert void == {"1" if shared == "guid" else "https://e.example/log"}


def fingerprint(body: str) -> str | None:
    """Of a body as it comes, below a title that says nothing against it."""
    return similarity.fingerprint(similarity.writing("Title", sanitize(body, base="https://e.org/").html))


def test_short_texts_have_no_fingerprint() -> None:
    """Under 200 characters, blanks collapsed and tags removed, texts are equal by chance."""
    assert fingerprint("<p>" + "字" * 199 + "</p>") is None
    assert fingerprint("<p>" + "字 " * 100 + "</p>") is None
    assert fingerprint("<p>" + "字" * 200 + "</p>") is not None


def test_copies_share_a_fingerprint() -> None:
    """Markup, blanks, case, quotes and width of letters make no difference between sources."""
    one = f"<p>“{LONG}” <b>said</b> １２ people</p>"
    other = f'<div>"{LONG.upper()}"<br><i>said</i>\n\n<span>12</span> people</div>'
    assert fingerprint(one) == fingerprint(other)
    assert fingerprint(one) != fingerprint(one + "<p>More.</p>")


@pytest.mark.parametrize(
    "title",
    [
        "Open thread",
        "Friday Open Thread 12",
        "每日新闻",
        "每日新闻 11月2日",
        "News",
        "Morning Briefing 2 November",
        "今日要闻（周三）",
    ],
)
def test_generic_titles(title: str) -> None:
    """They say nothing of the text below them, which has neither fingerprint nor keys."""
    assert similarity.is_generic(title)
    text = of_text(title, "The same long text stands below this title every single day of the year. " * 4)
    assert similarity.fingerprint(text) is None
    assert bands(text) == ()


@pytest.mark.parametrize(
    "title",
    ["Ships come home", "News from the harbour", "iPhone 15", "港口新闻中心失火", "Notice to mariners"],
)
def test_titles_that_say_something(title: str) -> None:
    """A title that merely holds a generic word is none."""
    assert not similarity.is_generic(title)


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Part 3", ("3",)),
        ("The Islands, part III", ("iii",)),
        ("燕鸥群岛的冬天（第三期）", ("三",)),
        ("Reise (上)", ("上",)),
        ("Ships come home", ()),
    ],
)
def test_what_a_title_counts_by(title: str, expected: tuple[str, ...]) -> None:
    """Digits, Roman numerals and Chinese counters."""
    assert similarity.part_of_series(title) == expected


def test_parts_of_a_series_never_share_a_fingerprint() -> None:
    """Not even when their texts are equal; a copy of the same part does."""
    text = "The introduction to the series is the same in every part and quite long. " * 4
    one, two, copy = (
        of_text(title, text) for title in ("Winter, part 1", "Winter, part 2", "WINTER – Part 1")
    )
    assert similarity.fingerprint(one) != similarity.fingerprint(two)
    assert similarity.fingerprint(one) == similarity.fingerprint(copy)
    assert compare(one, two).apart == "series"


@given(st.sampled_from(["", "A title", "Part 2"]), TEXTS, TEXTS)
def test_judging_is_symmetric_and_bounded(title: str, one: str, other: str) -> None:
    """The order does not matter; a score is a share; a text is like itself."""
    first, second = of_text(title, one), of_text(title, other)
    assert compare(first, second).score == compare(second, first).score
    assert compare(first, second).apart == compare(second, first).apart
    assert 0 <= compare(first, second).score <= 1
    if not first.is_short and first.clauses():
        assert compare(first, first).near()
        assert bands(first)


@given(TEXTS)
def test_keys_are_few_and_of_64_bits(text: str) -> None:
    """At most eight signed numbers, in order, whatever the text."""
    keys = bands(of_text("A title", text))
    assert list(keys) == sorted(set(keys))
    assert len(keys) <= similarity.KEYS
    assert all(-(2**63) <= key < 2**63 for key in keys)


def test_near_pairs_share_a_key() -> None:
    """Every nearly equal pair of the labelled set is found through the index, not by comparing all pairs."""
    near = [pair for pair in load() if pair["rung"] == "near"]
    found = sum(
        bool(set(article("a", pair["one"]).bands) & set(article("b", pair["other"]).bands)) for pair in near
    )
    assert found == len(near)


def test_pairs_are_readable() -> None:
    """Every line is one JSON object with two entries of title, body and link."""
    for line in (FOLDER / "pairs.jsonl").read_text("utf-8").splitlines():
        pair = json.loads(line)
        assert set(pair) == {"kind", "same", "rung", "one", "other"}
        assert pair["same"] == bool(pair["rung"])
        for side in ("one", "other"):
            assert set(pair[side]) == {"title", "body", "link"}
