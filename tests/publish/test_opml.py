from dataclasses import replace
from pathlib import Path

from lxml import etree
from publishing import SITE

from aggregator.model import Node
from aggregator.options import FetchPolicy, Site, Source
from aggregator.publish.opml import render_opml, render_sources_opml
from aggregator.publish.paths import feed_folders

NODES = [
    Node("category", ()),
    Node("category", ("新媒体",)),
    Node("category", ("新媒体", "半岛 网")),
    Node("category", ("A & <b>B</b>",)),
    Node("source", ("Feed \x00one",)),
]


def body(site: Site = SITE) -> etree._Element:
    root = etree.fromstring(render_opml(feed_folders(NODES), site))
    assert (root.tag, root.get("version")) == ("opml", "2.0")
    assert root.findtext("head/title") == "World news"
    found = root.find("body")
    assert found is not None
    return found


def shape(element: etree._Element) -> list[object]:
    """The outlines below: a folder as (name, what is in it), a feed as the end of its address."""
    return [
        (child.get("text"), shape(child))
        if child.get("xmlUrl") is None
        else str(child.get("xmlUrl")).split("/feeds/")[1]
        for child in element
    ]


def test_every_feed_is_listed_in_its_folder() -> None:
    """The outlines nest as the category paths do, and each feed is there once."""
    assert shape(body()) == [
        "all/atom.xml",
        "A--bBb/atom.xml",
        (
            "新媒体",
            [
                "%E6%96%B0%E5%AA%92%E4%BD%93/atom.xml",
                "%E6%96%B0%E5%AA%92%E4%BD%93/%E5%8D%8A%E5%B2%9B-%E7%BD%91/atom.xml",
            ],
        ),
        ("by source", ["by-source/Feed-one/atom.xml"]),
    ]


def test_outlines_have_what_readers_need() -> None:
    """A subscription has type, text, title, address and page, as OPML 2.0 asks for."""
    for outline in body().iterfind(".//outline[@xmlUrl]"):
        assert outline.get("type") == "rss"
        assert outline.get("text") == outline.get("title") != ""
        assert str(outline.get("xmlUrl")).replace("feeds/all/", "").replace(
            "atom.xml", "index.html"
        ) == outline.get("htmlUrl")


def test_sources_are_listed_without_secrets() -> None:
    """The list of what is collected names public feeds alone, in the folders of their categories."""
    sources = [
        Source(name="B & b", kind="feed", categories=("新媒体", "x"), url="https://b.example/feed?a=1&b=2"),
        Source(name="A", kind="feed", categories=("新媒体", "x"), url="https://a.example/feed"),
        Source(name="top", kind="feed", categories=(), url="https://top.example/feed"),
        Source(name="file", kind="feed", categories=("x",), path=Path("/home/me/feed.xml")),
        Source(name="seeds", kind="seed", categories=(), path=Path("/home/me/seeds")),
        Source(name="user", kind="feed", categories=(), url="https://me:secret@a.example/feed"),
        Source(
            name="auth",
            kind="feed",
            categories=(),
            url="https://c.example/",
            fetch=FetchPolicy(auth="secret"),
        ),
        Source(
            name="header",
            kind="feed",
            categories=(),
            url="https://d.example/",
            fetch=FetchPolicy(headers={"X": "secret"}),
        ),
    ]
    data = render_sources_opml(sources, SITE)
    root = etree.fromstring(data)
    parents = {line: parent for parent in root.iter() for line in parent}
    found = [
        (parents[line].get("text"), line.get("text"), line.get("xmlUrl"))
        for line in root.iterfind(".//outline[@type]")
    ]
    assert found == [
        (None, "top", "https://top.example/feed"),
        ("x", "A", "https://a.example/feed"),
        ("x", "B & b", "https://b.example/feed?a=1&b=2"),
    ]
    assert b"secret" not in data
    assert b"/home" not in data


def test_the_format_follows_the_settings() -> None:
    """Without Atom the list names RSS, without both JSON Feed."""
    assert "rss.xml" in str(shape(body(replace(SITE, formats=("json", "rss")))))
    assert "feed.json" in str(shape(body(replace(SITE, formats=("json",)))))
