"""`parse.podcasts`: what feedparser leaves out of podcasts."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.parse.feed import parse
from aggregator.parse.podcasts import MAX_DURATION, NAMESPACES, seconds

FEED = Path(__file__).parent.parent / "data" / "parse" / "feeds" / "podcast20.xml"


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_any_prefix_and_both_names(namespace: str) -> None:
    """The elements are known by their namespace, whatever it is called in the document."""
    text = FEED.read_text("utf-8")
    other = text.replace("podcast:", "p:").replace("xmlns:podcast", "xmlns:p")
    other = other.replace("https://podcastindex.org/namespace/1.0", namespace)
    read = [parse(one.encode(), url="http://feeds.example/").entries for one in (text, other)]
    assert read[0] == read[1]


def test_broken_documents_too() -> None:
    """A feed that must be mended says the same of its episodes."""
    text = FEED.read_text("utf-8")
    broken = text.replace("Roses", "Roses & &nope; <b>", 1)
    entry = parse(broken.encode(), url="http://feeds.example/").entries[0]
    assert entry.episode == parse(text.encode(), url="http://feeds.example/").entries[0].episode


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("1:02:03", 3723),
        ("62:03", 3723),
        (" 3723 ", 3723),
        ("3723.5", 3723),
        ("00:00:00", None),
        ("1h 2m", None),
        ("-5", None),
        ("1:2:3:4", None),
        ("9999999", None),
        (None, None),
    ],
)
def test_lengths(written: str | None, read: int | None) -> None:
    """Lengths in any of the forms that podcasts use, and what is none."""
    assert seconds(written) == read


@given(st.integers(1, MAX_DURATION))
def test_lengths_as_clocks(length: int) -> None:
    """However long an episode is, hours, minutes and seconds say the same as seconds alone."""
    clock = f"{length // 3600}:{length // 60 % 60:02}:{length % 60:02}"
    assert seconds(clock) == seconds(str(length)) == length
