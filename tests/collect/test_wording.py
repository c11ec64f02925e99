"""Sentences about failures, and addresses without their secrets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.collect.wording import explain, shown, status_sentence, without_userinfo
from aggregator.errors import FetchError, Gone, HttpError, LimitExceeded, Unreachable

URL = "https://me:s3cret@example.org/feed?key=s3cret#s3cret"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://example.org/feed?page=2", "https://example.org/feed?page=2"),
        ("https://me:pw@example.org/feed", "https://example.org/feed"),
        ("https://me@example.org", "https://example.org"),
        ("https://example.org/@me/feed?a=b@c", "https://example.org/@me/feed?a=b@c"),
        ("https://example.org/?ACCESS_TOKEN=x&a=1;sig=y", "https://example.org/?ACCESS_TOKEN=…&a=1;sig=…"),
        ("https://example.org/?monkey=1", "https://example.org/?monkey=…"),
        ("https://example.org/?session_id=1", "https://example.org/?session_id=…"),
        ("https://example.org/#frag", "https://example.org/"),
    ],
)
def test_addresses_are_shown_without_secrets(url: str, expected: str) -> None:
    """User part, fragment, and parameters that are named like secrets."""
    assert shown(url) == expected


@given(st.text(), st.text())
def test_showing_never_fails(before: str, after: str) -> None:
    """Whatever somebody wrote for an address."""
    assert "\n" not in shown(f"http://{before}@{after}".replace("\n", ""))


def test_a_user_part_is_taken_out() -> None:
    """And nothing else."""
    assert without_userinfo("http://a:b@h:8/p?q=x@y#f") == "http://h:8/p?q=x@y#f"


@pytest.mark.parametrize(
    "error",
    [
        LimitExceeded("too large"),
        HttpError("no", status=429, retry_after=5.0, fresh_for=6.0),
        Gone("no", status=410),
        Unreachable("nobody", offline=True),
    ],
)
def test_an_error_of_ours_keeps_its_kind_and_facts(error: FetchError) -> None:
    """Only the address is added, once."""
    told = explain(error, URL)
    assert type(told) is type(error)
    facts = ("status", "retry_after", "fresh_for", "offline")
    assert [getattr(told, name, None) for name in facts] == [getattr(error, name, None) for name in facts]
    assert str(told) == f"https://example.org/feed?key=…: {error}"
    assert str(explain(told, URL)) == str(told)


def test_an_unknown_error_is_told_without_secrets() -> None:
    """Its own words, in one line, shortened."""
    told = str(explain(RuntimeError(f"bad\nthing at {URL} {'x' * 500}"), URL))
    assert told.startswith("https://example.org/feed?key=…: the request failed: bad thing")
    assert "s3cret" not in told
    assert len(told) < 300


def test_error_that_refers_to_itself_ends() -> None:
    """A chain of causes may be a circle."""
    one, two = RuntimeError("one"), RuntimeError("two")
    one.__cause__, two.__cause__ = two, one
    assert "one" in str(explain(one, URL))


@given(st.integers(100, 999), st.text())
def test_a_status_is_told_in_one_line(status: int, reason: str) -> None:
    """Whatever the server wrote behind it."""
    sentence = status_sentence("http://a/", status, reason)
    assert sentence.startswith(f"http://a/ answered {status}")
    assert sentence.isprintable()
