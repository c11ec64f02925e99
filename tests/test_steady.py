"""What must not move outputs: who is asked first, and what changes in a feed by itself."""

from collections.abc import Sequence
from itertools import permutations
from pathlib import Path

from entries import NOON, OTHER, STORY, WIRE
from loopback import Reply, Server
from world import World, source

from aggregator import publishing
from aggregator.model import Document, Entry, SourceState, Text
from aggregator.refine.entries import Context, refine
from aggregator.refine.results import RefinedDocument

STORM = 100
Row = tuple[str, int | None, str, int | None]
"""An entry: title, number of its link, words, age in days."""

SHOWN: dict[str, Sequence[Row]] = {
    # One writing under two links that others split and undated echoes, near duplicates, one text twice.
    "A": [("Bridge", 1, STORY, 1), ("Choir", None, OTHER, None), ("Note", 4, "<p>Short.</p>", 3)],
    "B": [("Bridge", 2, STORY, 2), ("Choir sings", 3, OTHER, 0), ("Again", 5, STORY + OTHER, 0)],
    "C": [("The bridge", 1, WIRE, 0), ("Choir", None, OTHER, None), ("Choir", 6, OTHER, 9)],
}


def refined(name: str, rows: Sequence[Row]) -> RefinedDocument:
    entries = tuple(
        Entry(
            guid=f"{name}{number}",
            link=None if link is None else f"https://x.example/{link}",
            title=Text(title),
            body=Text(words),
            published=None if age is None else NOON.replace(day=NOON.day + 10 - age),
        )
        for number, (title, link, words, age) in enumerate(rows)
    )
    moment = NOON.replace(day=NOON.day + 10)
    return refine(Document(entries=entries), Context(url=f"https://{name}.example/f", now=moment))


def outputs(world: World) -> dict[str, bytes]:
    return {name: data for name, (_, data) in world.snapshot().items()}


def test_outputs_are_the_same_whoever_is_asked_first(tmp_path: Path) -> None:
    """Every byte of every file, for all orders."""
    settings = "".join(source(name, f"https://{name}.example/f", "news", name) for name in SHOWN)
    documents = {name: refined(name, rows) for name, rows in SHOWN.items()}
    moment = NOON.replace(day=NOON.day + 10)
    found = []
    for number, order in enumerate(permutations(SHOWN)):
        (tmp_path / str(number)).mkdir()
        world = World(tmp_path / str(number), settings)
        with world.store() as store:
            store.reconcile(world.settings.sources, moment)
            known = {one.name: one for one in world.settings.sources}
            for name in order:
                one = documents[name]
                void = {"void_guids": one.void_guids, "void_links": one.void_links}
                store.record(known[name], one.articles, SourceState(), moment, **void)  # type: ignore[arg-type]  # two
            publishing.publish(world.settings, store)
        found.append(outputs(world))
    assert len(found[0]) > 20
    assert all(each == found[0] for each in found)


def noisy(turn: int) -> Reply:
    """A feed in which nothing was edited, as it comes at this turn."""
    order = 'class="a" title="b"' if turn % 2 else 'title="b" class="a"'
    items = "".join(
        f"<item><title>Story  {number}</title><guid>s-{number}</guid>"
        f"<link>https://s.example/{number}?utm_source=feed&amp;utm_id={turn}</link>"
        "<pubDate>Mon, 02 Nov 2026 08:00:00 GMT</pubDate><description><![CDATA["
        f"<p {order}>What was said of {number}.{' ' * (turn % 3)}</p>\n<p>{turn + 12} views</p>"
        f'<p><a href="https://s.example/more?fbclid={turn}">more</a> | {turn} comments</p>'
        f'<img src="https://ads.example/pixel.gif?turn={turn}" width="1" height="1">'
        "]]></description></item>"
        for number in range(5)
    )
    return Reply(f"<rss version='2.0'><channel><title>T</title>{items}</channel></rss>".encode())


def test_an_edit_storm_moves_no_byte(tmp_path: Path) -> None:
    """Counters, tracking, an ad's address, blanks and the order of attributes are no edits."""
    with Server({"/f": [noisy(turn) for turn in range(STORM + 1)]}) as server:
        world = World(tmp_path, source("f", server.url("/f")))
        world.run()
        before = world.snapshot()
        for _ in range(STORM):
            report = world.run(everything=True, after=3600)
            assert report.sources[0].result == "updated"
            assert (report.sources[0].counts.changed, report.sources[0].counts.new) == (0, 0)
        assert world.snapshot() == before
