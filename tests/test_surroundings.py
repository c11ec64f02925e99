"""What surrounds an article, through a whole pass: comments, what it answers, where it is."""

import json
from pathlib import Path

import pytest
from lxml import etree
from world import World

from aggregator.model import Beside
from aggregator.parse.surroundings import beside

ATOM = "{http://www.w3.org/2005/Atom}"
THREAD = "{http://purl.org/syndication/thread/1.0}"
POINT = "{http://www.georss.org/georss}point"
FEED = """<feed xmlns="http://www.w3.org/2005/Atom" xmlns:thr="http://purl.org/syndication/thread/1.0"
 xmlns:georss="http://www.georss.org/georss"><title>T</title><id>urn:x:f</id><link href="https://a.example/"/>
<entry><id>urn:x:1</id><title>Here</title><updated>2026-11-01T00:00:00Z</updated><content>Text</content>
<link rel="replies" type="application/atom+xml" href="/1/comments.atom"/><link rel="replies" href="/1#talk"/>
<thr:in-reply-to ref="tag:b.example,2026:0" href="https://b.example/0"/>
<georss:point>45.256 -71.92</georss:point></entry>
<entry><id>urn:x:2</id><title>There</title><updated>2026-11-01T00:00:00Z</updated><content>Text</content>
<link rel="replies" href="javascript:alert(1)"/><thr:in-reply-to ref="tag:b.example,2026:0"/>
<georss:point>95 7</georss:point></entry></feed>"""


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    (tmp_path / "feed.xml").write_text(FEED, "utf-8")
    world = World(tmp_path, '[[sources]]\nname = "S"\npath = "feed.xml"\ncategories = ["A"]\n')
    world.run()
    return world.outputs / "feeds" / "all"


def test_every_format_says_it(outputs: Path) -> None:
    """Comments, what it answers and where it is are republished; what is no address is not."""
    here, there = sorted(
        etree.parse(outputs / "rss.xml").iter("item"), key=lambda item: item.findtext("title")
    )
    assert here.findtext("comments") == "https://a.example/1#talk"
    assert here.findtext(POINT) == "45.256 -71.92"
    assert [there.find(name) for name in ("comments", POINT)] == [None, None]
    entry = next(
        one for one in etree.parse(outputs / "atom.xml").iter(f"{ATOM}entry") if one.find(POINT) is not None
    )
    replies = [link.get("href") for link in entry.iter(f"{ATOM}link") if link.get("rel") == "replies"]
    assert replies == ["https://a.example/1#talk"]
    assert [one.get("href") for one in entry.iter(f"{THREAD}in-reply-to")] == ["https://b.example/0"]
    items = json.loads((outputs / "feed.json").read_text("utf-8"))["items"]
    assert sorted(item["title"] for item in items if "_beside" in item) == ["Here"]


@pytest.mark.parametrize(
    "found",
    [
        {},
        {"comments": 7, "where": {"type": "Point", "coordinates": ()}},
        {"where": {"type": "Polygon", "coordinates": (1.0, 2.0)}},
        {"where": {"type": "Point", "coordinates": (1.0, float("nan"))}},
        {"thr_in-reply-to": "text", "links": None},
    ],
)
def test_nothing_is_made_of_nothing(found: dict[str, object]) -> None:
    """Values that feedparser has under these names without being what they say."""
    assert beside(found) is None


def test_longitude_comes_first_in_feedparser() -> None:
    """Points are latitude and longitude, without digits that say nothing."""
    found = {"where": {"type": "Point", "coordinates": (-71.92, 45.0)}}
    assert beside(found) == Beside(point="45 -71.92")
