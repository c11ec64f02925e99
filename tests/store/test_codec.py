"""Values survive their way through columns."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.store.codec import digest, from_json, micros, moment, pack, to_json, unpack


@given(st.datetimes(timezones=st.just(UTC)))
def test_moments_survive(value: datetime) -> None:
    """Any date from year 1 to 9999, to the microsecond."""
    assert moment(micros(value)) == value


def test_no_moment_is_no_moment() -> None:
    """An unknown date stays unknown."""
    assert (micros(None), moment(None)) == (None, None)


@given(st.text())
def test_texts_survive(text: str) -> None:
    """Any text, lone surrogates and what looks compressed included."""
    assert unpack(pack(text)) == text
    assert unpack(pack(text * 50)) == text * 50


def test_long_texts_are_kept_small() -> None:
    """What repeats takes a fraction of its size."""
    assert len(pack("<p>the same words again</p>" * 200)) < 200


@given(st.lists(st.text(), min_size=1), st.lists(st.text(), min_size=1))
def test_digests_tell_values_apart(one: list[str], other: list[str]) -> None:
    """Equal for equal values only (values without NUL, which no clean text holds)."""
    clean, unlike = ([text.replace("\0", "") for text in texts] for texts in (one, other))
    assert (digest("k", *clean) == digest("k", *unlike)) == (clean == unlike)
    assert digest("k", *clean) != digest("l", *clean)


@pytest.mark.parametrize("value", [[], {"b": 1, "a": ["标题", None]}, "x"])
def test_json_is_compact_and_sorted(value: object) -> None:
    """Equal values give equal text."""
    text = to_json(value)
    assert from_json(text) == value
    assert " " not in text
    assert "\\u" not in text
