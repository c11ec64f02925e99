"""`parse.feed` on documents that are no well-formed XML: what can be saved is, with a note."""

import json

import pytest

from aggregator.model import Document
from aggregator.parse.feed import parse
from aggregator.parse.prolog import scan
from aggregator.parse.repair import mend

URL = "http://feeds.example/feed"


def _item(number: int, text: str = "x") -> str:
    link = f"<link>http://feeds.example/{number}</link>"
    return (
        f"<item><title>n{number}</title>{link}<guid>g{number}</guid><description>{text}</description></item>"
    )


def _rss(inside: str, attributes: str = "") -> str:
    channel = f"<channel><title>t</title>{inside}</channel>"
    return f'<?xml version="1.0"?>\n<rss version="2.0"{attributes}>{channel}</rss>'


def _parse(text: str) -> Document:
    return parse(text.encode("utf-8", "surrogatepass"), url=URL)


def _body(text: str) -> str:
    (entry,) = _parse(text).entries
    return entry.body.value


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("a&nbsp;b &eacute;&hellip; &lang;x&rang; &check;", "a\N{NO-BREAK SPACE}b é… \u2329x\u232a ✓"),
        ("Tom & Jerry & co.; a&b", "Tom & Jerry & co.; a&b"),
        ("?a=1&b=2&copy=3&amp;d", "?a=1&b=2&copy=3&d"),
        ("&unknown; &", "&unknown; &"),
        ("&#x110000;&#0;&#31;&#xD800;&#xFFFE;|", "\ufffd\ufffd\ufffd\ufffd\ufffd|"),
        ("a\x00b\x08c\x1bd\ufffee\tf", "abcde\tf"),
        ("<![CDATA[&nbsp; & <b>x</b>]]> &nbsp;|", "&nbsp; & <b>x</b> \N{NO-BREAK SPACE}|"),
        ("1<!-- a -- b -->2", "12"),
        ("<![CDATA[a \x0b &eacute; b]]>", "a  &eacute; b"),
    ],
)
def test_text(written: str, read: str) -> None:
    """What is wrong in a text is mended, what is right in it stays."""
    assert _body(_rss(_item(1, written))) == read


@pytest.mark.parametrize(
    "junk",
    [
        "\n\n  ",
        "\ufeff\n",
        "<br />\n<b>Warning</b>: include(): failed in <b>/var/www/x.php</b> on line <b>3</b><br />\n",
        "HTTP/1.1 200 OK\r\nServer: x\r\n\r\n",
        "\x00\x01",
        "<!-- cached -->\n",
        "* & < >",
    ],
)
def test_junk_before_the_prolog(junk: str) -> None:
    """What a server printed before the feed costs nothing."""
    assert _body(junk + _rss(_item(1))) == "x"


@pytest.mark.parametrize(
    "junk", ["\x00\x00", "<script>var x = '&';</script>", "<!-- 0.1 s -->", "</html>", "\n<?php", "<"]
)
def test_junk_after_the_feed(junk: str) -> None:
    """What a server printed after the feed costs nothing."""
    assert _body(_rss(_item(1)) + junk) == "x"


def test_cut_off_anywhere() -> None:
    """A feed that was cut off keeps every entry that was whole, wherever it was cut."""
    text = _rss("".join(_item(number, f"<![CDATA[<p>b{number} & c</p>]]>") for number in range(4)))
    ends = [text.index(f"<title>n{number}") for number in range(1, 4)] + [len(text)]
    for cut in range(text.index("<channel>"), len(text), 3):
        found = {entry.guid: entry.body.value for entry in _parse(text[:cut]).entries}
        whole = sum(1 for end in ends if cut >= end)
        assert all(found[f"g{number}"] == f"<p>b{number} & c</p>" for number in range(whole)), cut


def test_unfinished_entry_without_a_name_waits() -> None:
    """The entry that a feed was cut off in is left for the next time unless it has a guid or link."""
    text = _rss(_item(0) + _item(1))
    document = _parse(text[: text.index("n1</title>") + 4])
    assert [entry.guid for entry in document.entries] == ["g0"]
    assert any("cut off" in note for note in document.notes)


def test_prefixes_without_a_namespace() -> None:
    """Prefixes that were never declared mean what they always mean."""
    extras = (
        "<dc:creator>Ana</dc:creator><content:encoded><![CDATA[<p>long text</p>]]></content:encoded>"
        '<media:thumbnail url="http://feeds.example/1.jpg"/><odd:thing>z</odd:thing>'
    )
    item = f"<item><guid>1</guid><description>short</description>{extras}</item>"
    (entry,) = _parse(f'<rss version="2.0"><channel>{item}</channel></rss>').entries
    assert (entry.authors, entry.body.value, entry.images) == (
        ("Ana",),
        "<p>long text</p>",
        ("http://feeds.example/1.jpg",),
    )


@pytest.mark.parametrize(
    "wrong",
    [
        "<b>bold <i>both</b> italic</i>",
        "</p>",
        "<p>one<p>two",
        '<a href="x" href="y">z</a>',
        "<img src=x.png>",
        "a < b",
        "<br>",
        '<a title="a<b">z</a>',
    ],
)
def test_markup_that_does_not_fit(wrong: str) -> None:
    """Wrong markup in one entry costs no other entry."""
    document = _parse(_rss(_item(1) + _item(2, wrong) + _item(3)))
    assert [entry.guid for entry in document.entries] == ["g1", "g2", "g3"]
    assert [document.entries[0].body.value, document.entries[2].body.value] == ["x", "x"]
    assert "not well-formed XML" in document.notes[0]


@pytest.mark.parametrize(
    "element",
    [
        "<gml:posList xmlns:gml='http://www.opengis.net/gml'>1 2</gml:posList>",
        "<links>x</links><link>http://feeds.example/y</link>",
        "<authors>x</authors><author>y</author>",
        "<tags a='1'/><category>x</category>",
        "<title_detail>x</title_detail>",
        "<media_content>x</media_content>",
        "<media:player xmlns:media='http://search.yahoo.com/mrss/'/>",
        "<source><links>1</links><link>x</link></source>",
        "<image/><image a='b'/>",
    ],
)
def test_elements_that_upset_feedparser(element: str) -> None:
    """An element that feedparser stumbles over costs only itself."""
    document = _parse(_rss(_item(1) + _item(2, "y").replace("</item>", f"{element}</item>") + _item(3)))
    assert [entry.guid for entry in document.entries] == ["g1", "g2", "g3"]
    assert document.entries[1].body.value == "y"


def test_well_formed_documents_have_no_note() -> None:
    """A note is only for what was repaired."""
    assert _parse(_rss(_item(1))).notes == ()


@pytest.mark.parametrize("whole", [0, 1, 2])
def test_broken_json(whole: int) -> None:
    """A JSON Feed that breaks off keeps its items before that."""
    items = [{"id": str(number), "content_text": "a [ } b"} for number in range(3)]
    text = json.dumps({"title": "T", "items": items})
    at = text.index(f'"id": "{whole}"') + 4
    if whole == 0:
        with pytest.raises(Exception, match="not valid JSON"):
            _parse(text[:at])
        return
    document = _parse(text[:at])
    assert (document.title, len(document.entries)) == ("T", whole)
    assert "not valid JSON" in document.notes[0]


@pytest.mark.parametrize("words", ['<?xml version="1.0"?>', "<rss >", "<feed xmlns='x'>", "<html><body>"])
def test_json_that_speaks_of_feeds(words: str) -> None:
    """A JSON Feed whose text holds what XML feeds begin with is read as JSON."""
    body = json.dumps({"title": words, "items": [{"id": "1", "content_html": words}]})
    (entry,) = parse(body.encode(), url=URL).entries
    assert entry.body.value == words


def test_mending_leaves_well_formed_xml_alone() -> None:
    """What is well-formed is not changed by the repairs."""
    text = _rss(_item(1, "<![CDATA[a & b <br>]]> &amp; &#233; &lt;p&gt; ü"), ' xmlns:a="urn:a"')
    assert mend(text).text == text


@pytest.mark.parametrize(
    ("text", "root", "doctype"),
    [
        ("<rss>", "rss", ""),
        ("<?xml version='1.0'?><!-- <x> --><?y <z>?>\n<Feed a='b'>", "feed", ""),
        ('<!DOCTYPE rss PUBLIC "a" "b">\n<rss>', "rss", '<!DOCTYPE rss PUBLIC "a" "b">'),
        (
            "<!doctype x [<!ELEMENT a (b)> <!-- > -->]><x:y>",
            "x:y",
            "<!doctype x [<!ELEMENT a (b)> <!-- > -->]>",
        ),
        ("<!DOCTYPE x [<!ENTITY", "", "<!DOCTYPE x [<!ENTITY"),
        ("<!-- <rss>", "", ""),
        ("plain", "", ""),
        ("", "", ""),
    ],
)
def test_prolog(text: str, root: str, doctype: str) -> None:
    """The root element is found behind whatever may stand before it, and the DTD is known."""
    found = scan(text)
    assert (found.root, found.doctype) == (root, doctype)
