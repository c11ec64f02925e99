"""Plain text: titles, summaries, paragraphs, headlines."""

import re
from datetime import UTC, datetime
from threading import Thread
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.refine import text

DAY = datetime(2026, 11, 2, 23, 30, tzinfo=UTC)
XML = re.compile("[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("AT&amp;T", "AT&T"),
        ("AT&amp;amp;T", "AT&amp;T"),
        ("AT&T", "AT&T"),
        ("a < b", "a < b"),
        ("a <b", "a <b"),
        ("I <3 you & me", "I <3 you & me"),
        ("Using List<String> in Java", "Using List<String> in Java"),
        ("<b>Bold</b> and <i>thin</i>", "Bold and thin"),
        ("One<br>two", "One two"),
        ("<p>One</p><p>two</p>", "One two"),
        ("It&#8217;s &quot;fine&quot;&nbsp;now", 'It’s "fine" now'),
        ("a&reg=2&copy=3", "a&reg=2&copy=3"),
        ("<![CDATA[Wrapped & twice]]>", "Wrapped & twice"),
        ("News<script>alert(1)</script> today", "News today"),
        ("before <!-- never closed", "before"),
        ("  blanks \n\t at  ends ", "blanks at ends"),
        ("nul\x00 and bell\x07", "nul and bell"),
        ("half \ud800 pair \uffff", "half pair"),
        ("&#0;&#x110000;&#xd800;", "\ufffd\ufffd\ufffd"),
        ("<textarea>a</textarea>b", "ab"),
        ("亚美尼亚和俄罗斯同意“采取联合举措以稳定”边界", "亚美尼亚和俄罗斯同意“采取联合举措以稳定”边界"),
    ],
)
def test_labels_read_as_people_expect(value: str, expected: str) -> None:
    """Tags go, entities are resolved once, and a `<` that opens no known element is text."""
    assert text.label(value) == expected


def test_plain_labels_are_not_decoded() -> None:
    """What a source calls plain text is taken by its letters."""
    assert text.label("if a &lt; b <b>", markup=False) == "if a &lt; b <b>"


def test_long_labels_take_the_linear_way() -> None:
    """A title beyond the cap of bleach reads the same as a short one."""
    assert text.label("<b>word</b> &amp; " * 500) == "word & " * 499 + "word &"


def test_plain_takes_the_text_of_any_markup() -> None:
    """Blocks are kept apart, scripts and comments vanish, attributes may hold anything."""
    markup = '<h1>One</h1><p title="a > b">two<!-- x --><style>p{}</style><b>three</b></p>'
    assert text.plain(markup) == "One two three"


def test_lines_keep_blocks_apart() -> None:
    """Each block of sanitised HTML stands on lines of its own."""
    assert text.lines("<p>One <b>and</b> two</p><ul><li>a</li></ul>&lt;x&gt;").split() == [
        "One",
        "and",
        "two",
        "a",
        "<x>",
    ]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<p>Hello there. And more.</p>", "Hello there."),
        ("<p>今天天气真好！我们去公园。</p>", "今天天气真好！"),
        ("<p>A short note</p><p>Second.</p>", "A short note"),
        ("<br><br> <p></p><p>After blanks</p>", "After blanks"),
        ("<p>" + "word " * 30 + "</p>", "word word word word word word word word word word word word…"),
        ("啊" * 100, "啊" * 60 + "…"),
        ("version 1.2.3 is out. Get it", "version 1.2.3 is out."),
        ('<img src="https://e.org/a.jpg">', "Source 2026-11-02"),
        ("", "Source 2026-11-02"),
    ],
)
def test_untitled_articles_are_named_after_their_text(body: str, expected: str) -> None:
    """The first sentence, at most 60 characters at a word or character; without text, source and day."""
    assert text.headline(body, "Source", DAY) == expected


@pytest.mark.timeout(10)
@pytest.mark.parametrize("marks", ["." * 300_000, ".\u201d" * 100_000])
def test_a_headline_of_marks_alone_costs_little(marks: str) -> None:
    """A row of marks is no sentence, however long it is."""
    made = text.headline(f"<p>{marks}</p>", "Source", DAY)
    assert len(made) <= text.HEADLINE_LENGTH + 1


@pytest.mark.parametrize(
    ("value", "limit", "expected"),
    [
        ("abc", 5, "abc"),
        ("abcdef", 3, "abc"),
        ("e\u0301e\u0301", 3, "e\u0301"),
        ("👨\u200d👩\u200d👧!", 3, "👨\u200d👩\u200d👧!"[:3]),
        ("x👨\u200d👩\u200d👧", 3, "x"),
        ("🇩🇪🇫🇷", 3, "🇩🇪"),
        ("👍🏽👍🏽", 3, "👍🏽"),
        ("กิน", 1, "ก"),
        ("กินกิน", 4, "กิน"),
        ("हिन्दी", 5, "हिन्"),
        (
            "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f" * 2,
            10,
            "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        ),
    ],
)
def test_cutting_splits_no_visible_character(value: str, limit: int, expected: str) -> None:
    """Marks, vowel signs, joined emoji and flags stay whole, unless not even the first would fit."""
    assert text.cut(value, limit) == expected


def test_paragraphs_are_made_of_plain_text() -> None:
    """Blank lines part paragraphs, newlines are kept, markup is text, addresses become links."""
    value = "One <b>\ntwo\n\n\nSee http://e.org/a?b=1&c=2, or www.e.org. 见https://例.org/路。好"
    assert text.paragraphs(value) == (
        "<p>One &lt;b&gt;<br>\ntwo</p>\n"
        '<p>See <a href="http://e.org/a?b=1&amp;c=2">http://e.org/a?b=1&amp;c=2</a>, or '
        '<a href="http://www.e.org">www.e.org</a>. 见<a href="https://例.org/路">https://例.org/路</a>。好</p>'
    )


@pytest.mark.parametrize(
    "piece",
    [
        "<a ",
        "<!--",
        "<script>",
        "&",
        "<",
        "<a '\"",
        "<![CDATA[",
        " ",
        "<svg ",
        "http://",
        "www.",
        "\n \n",
        "&#1;",
    ],
)
def test_time_grows_with_the_text_only(piece: str) -> None:
    """300 KB of what other programs choke on takes a moment."""
    hostile = piece * (300_000 // len(piece))
    started = process_time()
    text.plain(hostile)
    text.label(hostile)
    text.paragraphs(hostile)
    assert process_time() - started < 4


@given(st.text())
def test_nothing_that_xml_forbids_comes_out(value: str) -> None:
    """Whatever comes in, what comes out may stand in XML 1.0, and nothing is raised."""
    for made in (text.plain(value), text.label(value), text.scrub(value), text.paragraphs(value)):
        assert XML.fullmatch(made)
    assert "\n" not in text.label(value)


@given(st.text())
def test_scrubbing_twice_changes_nothing(value: str) -> None:
    """Both scrubs are done after one round."""
    assert text.scrub(text.scrub(value)) == text.scrub(value)
    assert text.scrub_line(text.scrub_line(value)) == text.scrub_line(value)


@given(st.text(), st.integers(1, 80))
def test_shortening_keeps_its_limit(value: str, limit: int) -> None:
    """At most so many characters and one ellipsis."""
    assert len(text.shorten(value, limit)) <= limit + 1


def test_threads_do_not_share_tools() -> None:
    """Labels made at the same time in several threads come out right."""
    wrong: list[str] = []

    def work(number: int) -> None:
        for _ in range(50):
            made = text.label(f"<b>{number}</b> &amp; more")
            if made != f"{number} & more":
                wrong.append(made)

    threads = [Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
