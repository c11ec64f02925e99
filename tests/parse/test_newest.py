"""`parse.newest`: a flood is thinned to the same entries that the whole document would keep."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.parse.feed import parse
from aggregator.parse.newest import newest, thin

URL = "http://feeds.example/feed"
START = datetime(2022, 9, 13, tzinfo=UTC)
DAYS = st.lists(st.one_of(st.none(), st.integers(0, 9)), max_size=12)


def _rss(days: list[int | None], broken: str = "") -> str:
    items = []
    for number, day in enumerate(days):
        date = "" if day is None else f"<pubDate>Tue, {day + 1:02} Sep 2022 09:28:50 GMT</pubDate>"
        items.append(f"<item><guid>g{number}</guid>{date}<title>n{number}</title></item>")
    return f"<rss version='2.0'><channel><title>t</title>{''.join(items)}{broken}</channel></rss>"


def _moment(day: int | None) -> datetime | None:
    return None if day is None else START + timedelta(days=day)


@given(DAYS, st.integers(1, 15))
def test_newest(days: list[int | None], most: int) -> None:
    """The newest stay in their order, as many as wanted; what was left out is no newer than what stays."""
    kept = newest(list(enumerate(days)), most, lambda item: _moment(item[1]))
    assert len(kept) == min(most, len(days))
    assert kept == sorted(kept)
    if all(day is not None for day in days):
        left_out = [day for item in enumerate(days) if item not in kept for day in [item[1] or 0]]
        assert max(left_out, default=0) <= min((day or 0 for _, day in kept), default=9)


@settings(deadline=None)
@given(DAYS, st.integers(1, 12))
def test_thinning_changes_nothing_but_the_cost(days: list[int | None], most: int) -> None:
    """A document thinned before parsing is what the whole one is after it."""
    thinned = parse(_rss(days).encode(), url=URL, max_entries=most)
    whole = parse(_rss(days).encode(), url=URL, max_entries=0)
    kept = newest(whole.entries, most, lambda entry: entry.published)
    assert replace(thinned, notes=(), cut=0) == replace(whole, entries=tuple(kept))
    assert thinned.cut == len(whole.entries) - len(kept)


def test_thinned_text() -> None:
    """Only entries are taken out of the text; what is around them stays."""
    text, cut = thin(_rss([1, 3, 2]), 1)
    assert (text, cut) == (_rss([None, 3]).replace("<item><guid>g0</guid><title>n0</title></item>", ""), 2)


@pytest.mark.parametrize(
    ("text", "most"),
    [
        (_rss([1, 2]), 2),
        (_rss([1, 2]), 0),
        (_rss([1, 2], broken="<item>"), 1),
        (_rss([1], broken="<description>&lt;item> <![CDATA[<item>]]></description>"), 1),
    ],
)
def test_what_is_not_thinned(text: str, most: int) -> None:
    """A feed that is small enough, unlimited, or cannot be split stays as it is."""
    assert thin(text, most) == (text, 0)


def test_broken_flood_is_capped_after_parsing() -> None:
    """A flood that cannot be split is cut all the same."""
    document = parse(_rss([1, 3, 2], broken="<item>&nbsp;<x>").encode(), url=URL, max_entries=2)
    assert ([entry.guid for entry in document.entries], document.cut) == (["g1", "g2"], 2)


@pytest.mark.parametrize(
    ("inside", "newer"),
    [
        ("<published>2022-09-13T00:00:00Z</published><updated>2022-09-20T00:00:00Z</updated>", False),
        ("<updated>2022-09-20T00:00:00Z</updated>", True),
        ("<published>nonsense</published><updated>2022-09-20T00:00:00Z</updated>", True),
        ("<dc:date xmlns:dc='http://purl.org/dc/elements/1.1/'><![CDATA[2022-09-20]]></dc:date>", True),
    ],
)
def test_which_date_counts(inside: str, newer: bool) -> None:  # noqa: FBT001 - a column of the table
    """An entry is as old as its publication, or else its last change."""
    feed = "<feed xmlns='http://www.w3.org/2005/Atom'><title>t</title>{}</feed>"
    other = "<entry><id>other</id><published>2022-09-15T00:00:00Z</published></entry>"
    body = feed.format(f"<entry><id>one</id>{inside}</entry>{other}").encode()
    assert parse(body, url=URL, max_entries=1).entries[0].guid == ("one" if newer else "other")
