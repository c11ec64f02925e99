"""Limits on size, depth and attributes."""

import re
from time import process_time

import pytest

from aggregator.refine import bounds
from aggregator.refine.html import sanitize
from aggregator.refine.text import plain

SIZE = 300_000
HOSTILE = {
    "nested div": "<div>" * (SIZE // 5),
    "nested tables": "<table><td>" * (SIZE // 11),
    "formatting before blocks": "".join(f"<font size={n}>" for n in range(300)) + "<p>x" * (SIZE // 4),
    "attributes": "<p " + " ".join(f"a{n}" for n in range(SIZE // 7)) + ">x",
    "attributes after a comment": '<!-- <p a=" --><p ' + " ".join(f"a{n}" for n in range(SIZE // 7)) + ">x",
    "open quotes": "<a b='" * (SIZE // 6),
    "open comments": "<!--" * (SIZE // 4),
    "open tags": "<a" * (SIZE // 2),
    "ampersands": "&" * (SIZE // 3),
    "end tags": "</div>" * (SIZE // 6),
    "frames": "<iframe src=//x></iframe>" * (SIZE // 25),
    "svg": "<svg>" * (SIZE // 5),
    "lists": "<ul><li>" * (SIZE // 8),
    "links": "<a href=x><p>" * (SIZE // 13),
    "style": "<p style='" + "color:red;" * (SIZE // 10) + "'>",
    "srcset": "<img srcset='" + "a.jpg 1x, " * (SIZE // 10) + "'>",
    "marquee": "<p><marquee>" * (SIZE // 12),
    "headings": "<h1><b>" * (SIZE // 7),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_body_holds_the_program_up(name: str) -> None:
    """300 KB of the worst take a moment, and do not grow."""
    started = process_time()
    made = sanitize(HOSTILE[name], base="https://e.example/").html
    assert process_time() - started < 3
    assert len(made) < 12 * SIZE


def test_deep_bodies_keep_their_text() -> None:
    """Beyond the depth only tags go; the text of 5,000 levels is all there, and a note says so."""
    body = "".join(f"<div>level {n} " for n in range(5_000))
    made = sanitize(body)
    assert plain(made.html) == " ".join(f"level {n}" for n in range(5_000))
    assert made.html.count("<div>") == bounds.MAX_DEPTH
    assert made.notes == ("cut-depth",)


def test_wide_bodies_are_not_deep() -> None:
    """Paragraphs, rows and items without end tags, and balanced boxes, may be as many as they like."""
    body = "<p>a" * 2_000 + "<ul>" + "<li>b" * 2_000 + "</ul>" + "<div><b>c</b><br></div>" * 2_000
    made = sanitize(body)
    assert made.notes == ()
    assert made.html.count("<b>") == 2_000


@pytest.mark.parametrize(
    "unit",
    [
        "<rt>",
        "<dd><li>",
        "<li></li><li><dd></dd><dd>",
        "<dd><ul></ul><li><ul></ul>",
        "<rt><ruby></ruby>",
        "<ruby><table><tr><td><rt>",
        "<div>" * 100 + "<marquee>" + "</div>" * 100,
        "<div>" * 100 + "<table><tr><td>" + "</div>" * 100,
    ],
)
def test_what_seems_closed_and_is_not_has_a_limit_too(unit: str) -> None:
    """Siblings that close nothing where they stand, and end tags that reach no further than a table."""
    made = sanitize(unit * (60_000 // len(unit)))
    depth = deepest = 0
    for end in re.findall(r"<(/?)(?!br|hr|img)[a-z]", made.html):
        depth += -1 if end else 1
        deepest = max(deepest, depth)
    assert deepest <= bounds.MAX_DEPTH + bounds.MAX_UNCLOSED
    assert made.notes == ("cut-depth",)


def test_items_close_their_siblings() -> None:
    """Items, terms and readings without end tags may be as many as they like where they close one another."""
    body = "<ul>" + "<li>a <b>b</b>" * 2_000 + "</ul><dl>" + "<dt>c<dd>d" * 2_000 + "</dl>"
    body += "<ruby>" + "e<rt>f" * 2_000 + "</ruby>" + "<ul><li>g<ul><li>h</li></ul></li></ul>" * 2_000
    made = sanitize(body)
    assert made.notes == ()
    assert made.html.count("<li>") == 6_000


def test_large_bodies_are_cut_between_tags() -> None:
    """What lies beyond the limit goes, and not half a tag stays."""
    piece = '<p title="x">word</p>'
    made = sanitize(piece * (bounds.MAX_SIZE // len(piece) + 9))
    assert made.notes == ("cut-size",)
    assert made.html == piece * (bounds.MAX_SIZE // len(piece))


def test_many_references_are_cut() -> None:
    """A body of ampersands ends at the limit."""
    made, notes = bounds.bound("a&b" * (bounds.MAX_REFERENCES + 5))
    assert made.count("&") < bounds.MAX_REFERENCES + 1
    assert notes == ("cut-size",)


def test_attributes_beyond_the_limit_go_and_the_text_stays() -> None:
    """A tag of a thousand attributes keeps the first ones."""
    body = '<p class="a" ' + " ".join(f"data-{n}=1" for n in range(3_000)) + ">text" + " more" * 5_000
    made = sanitize(body)
    assert made.notes == ("cut-attributes",)
    assert made.html.startswith('<p class="a" data-0="1"')
    assert plain(made.html).startswith("text more more")
