"""Podcasts through whole passes: what subscribers get of an episode."""

import json
from pathlib import Path

from lxml import etree
from world import World

FEED = Path(__file__).parent / "data" / "parse" / "feeds" / "podcast20.xml"
NAMES = {
    "podcast": "https://podcastindex.org/namespace/1.0",
    "media": "http://search.yahoo.com/mrss/",
}
ATOM = "{http://www.w3.org/2005/Atom}"


def played(folder: Path, feed: str) -> World:
    (folder / "feed.xml").write_text(feed, "utf-8")
    world = World(folder, '[[sources]]\nname = "Garden"\npath = "feed.xml"\ncategories = ["A"]\n')
    world.run()
    return world


def roses(world: World) -> etree._Element:
    """The first episode in RSS."""
    items = etree.parse(world.outputs / "feeds" / "all" / "rss.xml").iter("item")
    return next(item for item in items if item.findtext("title") == "Roses")


def test_every_format_says_what_an_episode_has(tmp_path: Path) -> None:
    """Length, season, number, chapters, transcripts and who speaks are republished."""
    world = played(tmp_path, FEED.read_text("utf-8"))
    item = roses(world)
    assert [one.get("duration") for one in item.findall("media:content", NAMES)] == ["3723"]
    assert item.findtext("podcast:season", namespaces=NAMES) == "3"
    assert item.findtext("podcast:episode", namespaces=NAMES) == "7.5"
    assert [dict(one.attrib) for one in item.findall("podcast:transcript", NAMES)] == [
        {"url": "https://garden.example/7.vtt", "type": "text/vtt", "language": "en"},
        {"url": "https://garden.example/7.html", "type": "text/html"},
    ]
    items = json.loads((world.outputs / "feeds" / "all" / "feed.json").read_text("utf-8"))["items"]
    shown = next(entry for entry in items if entry["title"] == "Roses")
    assert shown["attachments"][0]["duration_in_seconds"] == 3723
    assert shown["_episode"]["chapters"] == "https://garden.example/7.json"
    assert [author["name"] for author in shown["authors"]] == ["Mia", "小林"]
    links = etree.parse(world.outputs / "feeds" / "all" / "atom.xml").iter(f"{ATOM}link")
    assert [one.get("href") for one in links if one.get("title") == "Transcript"] == [
        "https://garden.example/7.vtt",
        "https://garden.example/7.html",
    ]
    assert 'href="https://garden.example/7.vtt"' in (world.outputs / "index.html").read_text("utf-8")


def test_a_transcript_may_come_later(tmp_path: Path) -> None:
    """An episode that gets its transcript some hours after it was published is brought up to date."""
    text = FEED.read_text("utf-8")
    early = "".join(line for line in text.splitlines(keepends=True) if "<podcast:transcript" not in line)
    world = played(tmp_path, early)
    assert roses(world).find("podcast:transcript", NAMES) is None
    (tmp_path / "feed.xml").write_text(text, "utf-8")
    world.run(after=86_400)
    assert len(roses(world).findall("podcast:transcript", NAMES)) == 2
    before = world.snapshot()
    world.run(everything=True, after=86_400)
    assert world.snapshot() == before
