"""Articles of which only the beginning may be republished."""

from hypothesis import example, given
from hypothesis import strategies as st

from aggregator.model import Enclosure, Refined
from aggregator.refine.excerpts import shortened
from aggregator.refine.html import sanitize
from aggregator.refine.text import collapse, lines

ARTICLE = Refined(
    key="k",
    uid="0" * 32,
    title="T",
    link="https://a.example/1?a=1&b=2",
    body="<p>One two three &lt;four&gt;</p><p><img src='https://a.example/i.png'>five six</p>",
    summary="In short",
    image="https://a.example/i.png",
    image_from="body",
    enclosures=(Enclosure("https://a.example/a.mp3"),),
)


def test_without_a_limit_nothing_is_touched() -> None:
    """The very same article comes back."""
    assert shortened(ARTICLE, None) is ARTICLE


def test_the_beginning_and_a_link_are_left() -> None:
    """Cut at a word; no picture, no file, no summary."""
    short = shortened(ARTICLE, 15)
    assert short.body == (
        "<p>One two three…</p>\n"
        '<p><a href="https://a.example/1?a=1&amp;b=2" rel="noopener noreferrer">a.example</a></p>'
    )
    assert (short.summary, short.image, short.enclosures, short.notes) == ("", None, (), ("excerpt",))


@example("\ufeff", 1)
@given(st.text(max_size=200), st.integers(1, 50))
def test_never_more_than_the_limit_and_always_clean(text: str, limit: int) -> None:
    """Of any text at most so many characters and the mark are left, and cleaning changes nothing."""
    article = Refined(key="k", uid="0" * 32, body=sanitize(text).html)
    short = shortened(article, limit).body
    assert len(collapse(lines(short))) <= limit + 1
    assert sanitize(short).html == short
