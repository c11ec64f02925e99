"""How header values are spelled, and that YAML 1.1 and 1.2 read them as what they were."""

import time

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.parse import yamltext

KEYS = frozenset({"title", "author"})
LISTS = frozenset({"tags"})

# Text -> whether it can stand unquoted. Reasons: 1.1 by PyYAML, 1.2 by js-yaml.
PLAIN = {
    "每日安全": True,
    "数折 - 折扣信息推送": True,
    "Aljazeera 半岛网": True,
    "36kr": True,
    "1X": True,
    "C# and F#": True,
    "a:b": True,
    "it's": True,
    'say "x"': True,
    "a, b": True,
    "a [b]": True,
    "https://www.example.org/?a=b#c": True,
    "Tue, 13 Sep 2022 09:28:50 GMT": True,
    "24/7": True,
    "v1.2.3": True,
    "y": True,
    "": False,
    " x": False,
    "x ": False,
    "a: b": False,
    "a:": False,
    "a #b": False,
    "#a": False,
    "- a": False,
    "-a": False,
    "---": False,
    "? a": False,
    ": a": False,
    "@a": False,
    "`a": False,
    "%a": False,
    "&a": False,
    "*a": False,
    "!a": False,
    "|": False,
    ">": False,
    "[a]": False,
    "{a}": False,
    "'a": False,
    '"a': False,
    ", a": False,
    "yes": False,
    "No": False,
    "ON": False,
    "true": False,
    "null": False,
    "~": False,
    "=": False,
    "<<": False,
    "2021": False,
    "1_000": False,
    "+1": False,
    "089": False,
    "010": False,
    "0o14": False,
    "0b1": False,
    "0x1F": False,
    "1.5": False,
    "1.": False,
    ".5": False,
    "1e3": False,
    "1E-3": False,
    ".inf": False,
    ".NaN": False,
    "12:30": False,
    "12:30:45.5": False,
    "2021-03-30": False,
    "2021-03-30 12:10:51": False,
    "2021-03-30T12:10:51Z": False,
}


@pytest.mark.parametrize(("text", "as_it_stands"), PLAIN.items())
def test_text_is_quoted_exactly_when_yaml_would_misread_it(text: str, *, as_it_stands: bool) -> None:
    """The table above, and PyYAML reads each as itself."""
    written = yamltext.plain(text)
    assert (written == text) == as_it_stands
    assert yaml.safe_load(f"author: {written}\n") == {"author": text}
    assert yaml.safe_load(f"list: \n - {written}\n") == {"list": [text]}


@given(st.text(st.sampled_from("0123456789_.:+-eExob ~=<>tTZyYnNoO"), max_size=8))
def test_what_looks_like_a_number_stays_text(text: str) -> None:
    """Strings made of what numbers, dates and truth values are made of."""
    assert yaml.safe_load(f"author: {yamltext.plain(text)}\n") == {"author": text}


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_any_text_is_read_back(text: str) -> None:
    """One line of anything, plain and quoted."""
    line = yamltext.one_line(text)
    for written in (yamltext.plain(line), yamltext.quoted(line)):
        assert yaml.safe_load(f"author: {written}\n") == {"author": line}
        assert yamltext.load(f"author: {written}", texts=KEYS, lists=LISTS) == {"author": line}


@given(st.text(max_size=80))
def test_no_header_makes_reading_fail(text: str) -> None:
    """Whatever stands in a header, known keys have text."""
    values = yamltext.load(text, texts=KEYS, lists=LISTS)
    assert values.keys() <= KEYS | LISTS


@pytest.mark.parametrize(
    "header",
    [
        "a: " + "[" * 500_000,
        "a: " + "{" * 500_000,
        "a:\n " + "- " * 300_000,
        "a: " + "&a " * 300_000,
        "a: &a [" + "*a," * 300_000 + "]",
        "a: '" + "''" * 500_000,
        'a: "' + "\\" * 500_000,
        "a: b\n" * 200_000,
        "-" * 500_000 + "\n" + "a:" * 300_000,
        "title:\n" * 100_000,
        "tags:\n" + " - @x\n" * 200_000,
        "title: '" + " \n" * 300_000,
        "title: 'x" + " " * 900_000 + "y",
        "tags:\n -" + " " * 900_000 + "\n - x: [",
        "a" * 900_000 + " " * 100_000,
    ],
    ids=lambda header: repr(header[:12]),
)
def test_hostile_headers_cost_little(header: str) -> None:
    """A megabyte of nesting, aliases, quotes or keys is read in a moment."""
    begin = time.perf_counter()
    yamltext.load(header, texts=KEYS, lists=LISTS)
    assert time.perf_counter() - begin < 5


def test_a_long_image_does_not_break_the_header() -> None:
    """A value beyond what YAML is asked to read leaves the others alone."""
    header = f"title: 'x'\nimage: 'data:image/png;base64,{'A' * 100_000}'\nauthor: \"y z\"\ntags: [a, b]"
    values = yamltext.load(header, texts=KEYS, lists=LISTS)
    assert values == {"title": "x", "author": "y z", "tags": ("a", "b")}


PARTS = [*"abé新~:-'\"#[{!|>%@\\", "null", "&x", "*x", "---", "..."]
PARTS += [": ", " ", " - ", " #", "\t", "\ufeff", "\n", "\nkey: ", "\nkey:", "\nother: 'x'", "\n - "]


@settings(max_examples=500)
@given(
    st.one_of(st.lists(st.sampled_from(PARTS), max_size=12).map("".join), st.text()).map(
        lambda text: "title: T" + text
    )
)
def test_simple_headers_are_read_as_yaml_reads_them(text: str) -> None:
    """What is cut at its lines is what YAML makes of it; all else is left to YAML."""
    text = yamltext._CONTROLS_BUT_LAYOUT.sub(" ", text)
    simple = yamltext._simple(text)
    assert simple is None or (
        simple == yamltext._mapping(text) and list(simple) == list(yamltext._mapping(text) or ())
    )


def test_headers_of_the_archive_are_simple() -> None:
    """The form that nearly all files have needs no YAML."""
    header = (
        "title: 'T: x'\ncategories: \n - 新媒体\n - A b\nheadimg: ''\ndate: Tue, 13 Sep 2022 09:28:50 GMT"
    )
    assert yamltext._simple(header) == yamltext._mapping(header)
    assert yamltext._simple(header) is not None
