from dataclasses import replace

from lxml import etree
from publishing import SITE

from aggregator.model import Node, Site
from aggregator.publish.opml import render_opml
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
        assert outline.get("htmlUrl") == "https://news.example.org/index.html"


def test_the_format_follows_the_settings() -> None:
    """Without Atom the list names RSS, without both JSON Feed."""
    assert "rss.xml" in str(shape(body(replace(SITE, formats=("json", "rss")))))
    assert "feed.json" in str(shape(body(replace(SITE, formats=("json",)))))
