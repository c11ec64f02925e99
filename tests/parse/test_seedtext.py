"""Bytes to text, and bodies into their wrapper and out of it."""

import re

import html5lib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.parse.seedtext import decode, escape_template, unescape_template, unwrap, wrap

BLANK_LINE = re.compile(r"\n[ \t\f\v]*\n")


def dom(html: str) -> str:
    """The tree that a browser makes of a fragment, as text."""
    tree = html5lib.parseFragment(html, treebuilder="etree", namespaceHTMLElements=False)
    return str(html5lib.serialize(tree, omit_optional_tags=False, quote_attr_values="always"))


def inside(written: str) -> str:
    """What stands between the lines of the wrapper."""
    match = re.fullmatch(r"<div>   \n(.*)  \n</div>", written, re.DOTALL)
    assert match
    return match[1]


@pytest.mark.parametrize(
    ("body", "written"),
    [
        ("<p>a</p>", "<p>a</p>"),
        ("a\n\nb", "a&#10;\nb"),
        ("a\n \t\nb", "a&#10; \t\nb"),
        ("a\n\n\nb", "a&#10;&#10;\nb"),
        ("a\n", "a&#10;"),
        ("a\n\n", "a&#10;&#10;"),
        ("\na", "&#10;a"),
        ("  \na", "  &#10;a"),
        ("\n\na", "&#10;\na"),
        ("<pre>a\n\nb</pre>", "<pre>a&#10;\nb</pre>"),
        ("", "&#10;"),
        (" \n ", "&#10;"),
        ("a\rb", "a&#13;b"),
    ],
)
def test_blank_lines_become_references(body: str, written: str) -> None:
    """A newline that begins a blank line is written `&#10;`, at both ends too."""
    assert inside(wrap(body)) == written


@given(
    st.text(st.sampled_from("ab \n\t{}"), max_size=20), st.sampled_from(["%s", "<pre>x%s</pre>", "<p>%s</p>"])
)
def test_no_blank_line_and_the_same_dom(text: str, around: str) -> None:
    """Whatever blanks and newlines a body has, it holds no blank line and means the same."""
    body = around % text
    written = wrap(body)
    assert not BLANK_LINE.search(f"\n{written}\n")
    back = unwrap(f"\n\n{written}\n            ")
    assert dom(back) == dom(body) if body.strip() else back == ""
    assert wrap(dom(back)) == wrap(dom(body))


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_template_characters_are_turned_back(text: str) -> None:
    """Once, and whatever else the text holds that is not already such a reference."""
    text = text.replace("&#123;", "").replace("&#125;", "")
    written = escape_template(text)
    assert "{" not in written
    assert "}" not in written
    assert unescape_template(written) == text


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\xef\xbb\xbfx", "x"),
        (b"\xff\xfex\x00", "x"),
        (b"\xfe\xff\x00x", "x"),
        (b"a\r\nb\rc\n", "a\nb\nc\n"),
        ("中文".encode("gbk"), "中文"),
        ("𠮷野家".encode("gb18030"), "𠮷野家"),
        ("中文中文中文中文中文".encode() + b"\xe4\xb8", "中文中文中文中文中文\ufffd"),
        (b"caf\xe9", "caf\ufffd"),
    ],
)
def test_encodings(data: bytes, text: str) -> None:
    """Marks decide, then UTF-8, then GB 18030; one bad character makes no file GBK."""
    assert decode(data) == text


@given(st.binary())
def test_any_bytes_are_text(data: bytes) -> None:
    """Decoding never fails and leaves no CR."""
    assert "\r" not in decode(data)
