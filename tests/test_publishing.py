"""Publishing through whole passes: what is ours and what is not, names that meet, takedowns, the hub."""

import hashlib
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from loopback import Reply, Route, Server
from world import World, source

from aggregator import pings
from aggregator.collect.ping import post
from aggregator.errors import FetchError, ForbiddenAddress
from aggregator.options import FetchPolicy
from aggregator.publishing import publish


def rss(*items: str) -> bytes:
    return f"<rss version='2.0'><channel><title>T</title>{''.join(items)}</channel></rss>".encode()


def item(number: int, title: str = "One", body: str = "words") -> str:
    link = f"https://e.example/{number}"
    return f"<item><title>{title}</title><link>{link}</link><description>{body} {number}</description></item>"


# --- what could not be written ----------------------------------------------------------------


def test_posts_that_could_not_be_written_are_not_forgotten(tmp_path: Path) -> None:
    """They stay out of date, also if the run is killed later on, and come when nothing is in the way."""
    with Server({"/f": Reply(rss(item(1), item(2)))}) as server:
        world = World(tmp_path, source("f", server.url("/f")))
        world.run()
    folder = world.outputs / "posts"
    shutil.rmtree(folder)
    folder.write_text("in the way", "utf-8")
    turns = iter((False,))

    def killed() -> bool:
        if next(turns, True):
            raise KeyboardInterrupt
        return False

    with world.store() as store:
        with pytest.raises(KeyboardInterrupt):
            publish(world.settings, store, everything=True, stop=killed)
        assert len(publish(world.settings, store).problems) == 2
        assert len(publish(world.settings, store).problems) == 2
        folder.unlink()
        assert publish(world.settings, store).problems == []
    assert len(world.posts()) == 2


def test_a_list_that_could_not_be_written_is_not_forgotten(tmp_path: Path) -> None:
    """It is tried, and reported, by each run until it is there."""
    with Server({"/f": Reply(rss(item(1)))}) as server:
        world = World(tmp_path, source("f", server.url("/f")))
        folder = world.outputs / "opml.xml"
        folder.mkdir(parents=True)
        assert len(world.run().publish.problems) == 1
        assert len(world.run().publish.problems) == 1
        folder.rmdir()
        assert world.run().publish.problems == []
        before = world.snapshot()
        assert world.run().publish.pages == 0
    assert "opml.xml" in before
    assert world.snapshot() == before


def test_outputs_may_move_and_come_back(tmp_path: Path) -> None:
    """What was written to a folder once is known there again: all is brought up to date but for edits."""
    with Server({"/f": [Reply(rss(item(1), item(2))), Reply(rss(item(2, body="new"), item(3)))]}) as server:
        world = World(tmp_path, source("f", server.url("/f")))
        world.run()
        here = source("f", server.url("/f"))
        (edited,) = [post for post in world.posts() if b"words 2" in post.read_bytes()]
        edited.write_text("mine", "utf-8")
        world.write(f'[outputs]\ndirectory = "there"\n{here}')
        world.run(everything=True, after=7200)
        with world.store() as store:
            store.take_down([1], "asked for", world.clock)
            publish(world.settings, store)
            world.write(here)
            assert len(publish(world.settings, store).kept) == 1
            found = {path: data for path, (_, data) in world.snapshot().items()}
            edited.unlink()
            publish(world.settings, store, everything=True)
    wanted = {path: data for path, (_, data) in world.snapshot().items()}
    assert len(world.posts()) == 2
    assert found.pop(edited.relative_to(world.outputs).as_posix()) == b"mine"
    assert found.items() <= wanted.items()
    assert len(found) == len(wanted) - 1


def test_no_page_lists_what_is_gone(tmp_path: Path) -> None:
    """A source without articles that leaves the settings, or moves, leaves no link to feeds of its own."""
    empty = Reply(rss())
    with Server({"/f": Reply(rss(item(1))), "/g": empty, "/h": empty}) as server:
        first = source("f", server.url("/f"), "A", "B")
        leaving, moving = source("g", server.url("/g"), "A", "C"), source("h", server.url("/h"), "A", "D")
        world = World(tmp_path, first + leaving + moving)
        world.run()
        world.write(first + source("h", server.url("/h"), "X"))
        world.run()
    before = world.snapshot()
    with world.store() as store:
        publish(world.settings, store, everything=True)
    assert world.snapshot() == before
    assert "A/D" not in (world.outputs / "index.html").read_text("utf-8")


def test_a_category_that_comes_later_takes_no_folder(tmp_path: Path) -> None:
    """Subscribers of a category keep its address when others come, or leave, that differ only in case."""
    with Server({"/f": Reply(rss(item(1))), "/g": Reply(rss(item(2))), "/h": Reply(rss(item(3)))}) as server:
        old, new = source("f", server.url("/f"), "news"), source("g", server.url("/g"), "News")
        world = World(tmp_path, old)
        world.run()
        before = (tmp_path / "outputs/feeds/news/atom.xml").read_bytes()
        world.write(old + new)
        world.run()
        assert (tmp_path / "outputs/feeds/news/atom.xml").read_bytes() == before
        assert [one["title"] for one in world.feed("News-2")] == ["One"]
        shutil.rmtree(world.outputs)
        world.write(source("f", server.url("/f"), "other") + new)
        world.run()
        assert {path.name for path in (world.outputs / "feeds").iterdir()} == {
            *("News-2", "all", "by-source", "other")
        }
        world.write(source("f", server.url("/f"), "other") + new + source("h", server.url("/h"), "NEWS"))
        world.run()
        assert {"News-2", "NEWS"} <= {path.name for path in (world.outputs / "feeds").iterdir()}


# --- files that are not ours ----------------------------------------------------------------


def test_a_post_edited_by_hand_is_kept_and_reported_once(tmp_path: Path) -> None:
    """Its article's next edit leaves it alone and says so; later passes are silent; --force replaces it."""
    with Server({"/f": [Reply(rss(item(1))), Reply(rss(item(1, body="edited")))]}) as server:
        world = World(tmp_path, source("f", server.url("/f")))
        world.run()
        (file,) = world.posts()
        ours = file.read_bytes()
        file.write_bytes(ours + b"a note of mine")
        report = world.run(everything=True, after=60).publish
        assert [line.split(" was edited")[0] for line in report.kept] == [
            file.relative_to(world.outputs).as_posix()
        ]
        assert report.problems == []
        assert world.run(after=60).publish.kept == []
    assert file.read_bytes() == ours + b"a note of mine"
    with world.store() as store:
        assert len(publish(world.settings, store, everything=True).kept) == 1
        assert publish(world.settings, store, force=True).kept == []
    assert b"edited 1" in file.read_bytes()
    assert b"a note of mine" not in file.read_bytes()


def test_what_we_did_not_write_is_never_touched(tmp_path: Path) -> None:
    """Files beside ours stay whatever is published or removed; one in our way is kept and reported."""
    world = World(tmp_path, "")
    foreign = ["README", "posts/mine.md", "feeds/f/notes.txt", "feeds/f/rss.xml", "CNAME"]
    for path in foreign:
        (world.outputs / path).parent.mkdir(parents=True, exist_ok=True)
        (world.outputs / path).write_text("not aggregator's")
    with Server({"/f": Reply(rss(item(1)))}) as server:
        world.write(source("f", server.url("/f")))
        report = world.run().publish
        assert [line.split(" ")[0] for line in report.kept] == ["feeds/f/rss.xml"]
        world.write(source("f", server.url("/f"), "Elsewhere"))
        world.run()
    assert not (world.outputs / "feeds/f/atom.xml").exists()
    assert {(world.outputs / path).read_text() for path in foreign} == {"not aggregator's"}


def test_an_edited_post_whose_article_was_renamed_stays(tmp_path: Path) -> None:
    """The new name gets a post of ours; the edited file is left under the old one, and is forgotten."""
    with Server({"/f": [Reply(rss(item(1))), Reply(rss(item(1, "Two")))]}) as server:
        world = World(tmp_path, source("f", server.url("/f")))
        world.run()
        (old,) = world.posts()
        old.write_text("by hand")
        assert len(world.run(everything=True, after=60).publish.kept) == 1
        assert world.run(everything=True, after=60).publish.kept == []
    assert old.read_text() == "by hand"
    assert len(world.posts()) == 2


# --- names that meet ------------------------------------------------------------------------

POST = """
---
title: 'Same'
categories: 
 - A
author: A
comments: false
date: Tue, 13 Sep 2022 09:28:50 GMT
---

<div>   
<p>%s</p>  
</div>
            """  # noqa: W291 - as the format has it


def seeds(world: World, **texts: str) -> None:
    for name, text in texts.items():
        file = world.folder / "seeds" / name / "Same-12345678.md"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(POST % text, "utf-8")


def test_two_articles_that_want_one_name_have_a_post_each(tmp_path: Path) -> None:
    """Equal digits, titles and months: the first stored has the name, the other's holds more of its uid."""
    world = World(tmp_path, '[[seeds]]\nname = "S"\npath = "seeds"\n')
    seeds(world, a="First text")
    world.run()
    seeds(world, b="Second text")
    report = world.run(after=60).publish
    assert (report.problems, report.kept) == ([], [])
    first, second = sorted(world.posts(), key=lambda file: len(file.name))
    assert first.name == "Same-12345678.md"
    assert second.name.endswith("-12345678.md")
    assert b"First text" in first.read_bytes()
    assert b"Second text" in second.read_bytes()
    before = world.snapshot()
    with world.store() as store:
        publish(world.settings, store, everything=True)
    assert world.snapshot() == before


def test_the_other_takes_the_name_when_the_first_leaves_it(tmp_path: Path) -> None:
    """Whether by a new title or a takedown: the outputs are those of a store without the first."""
    world = World(tmp_path, '[[seeds]]\nname = "S"\npath = "seeds"\n')
    seeds(world, a="First text", b="Second text")
    world.run()
    assert len(world.posts()) == 2
    with world.store() as store:
        first = min(store.with_digits(["12345678"]))
        store.take_down([first], "asked for", world.clock)
    world.run(after=60)
    (left,) = world.posts()
    assert left.name == "Same-12345678.md"
    assert b"Second text" in left.read_bytes()


def showing(world: World) -> list[str]:
    """The outputs that have article 5."""
    return [
        path for path, (_, data) in world.snapshot().items() if b">Number 5<" in data or b"'Number 5'" in data
    ]


def test_a_taken_down_article_leaves_every_file(tmp_path: Path) -> None:
    """Post, feeds, pages and archives lose it at the next publishing; Atom says that it is gone."""
    items = [
        f"<item><title>Number {n}</title><link>https://e.example/{n}</link><guid>https://e.example/{n}</guid>"
        f"<pubDate>{datetime(2026, 10, n, tzinfo=UTC):%d %b %Y} 08:00 GMT</pubDate></item>"
        for n in range(1, 20)
    ]
    with Server({"/f": Reply(rss(*items))}) as server:
        world = World(tmp_path, "[outputs]\nentries_per_feed = 3\n" + source("f", server.url("/f")))
        world.run()
        with world.store() as store:
            gone = [one.id for one in store.find("https://e.example/5")]
            assert len(showing(world)) >= 5
            store.take_down(gone, "a secret reason", world.clock)
        world.run(everything=True, after=60)
    assert showing(world) == []
    atom = (world.outputs / "feeds/all/atom.xml").read_bytes()
    first = (world.outputs / "feeds/all/archive/2026-10.atom").read_bytes()
    for data in (atom, first):
        assert b'deleted-entry ref="https://e.example/5"' in data
        assert b"secret" not in data


# --- the hub --------------------------------------------------------------------------------


def told(server: Server) -> list[str]:
    """The topics that the hub heard of, less the start of their addresses."""
    fields = [parse_qsl(request.body.decode()) for request in server.asked("/hub")]
    assert all(form[0] == ("hub.mode", "publish") for form in fields)
    return sorted(
        value.removeprefix("http://localhost:8080/feeds/")
        for form in fields
        for name, value in form
        if name == "hub.url"
    )


def test_the_hub_is_told_of_feeds_that_changed_and_of_no_other(tmp_path: Path) -> None:
    """One request for a pass; nothing while nothing changes; then what one new article changed."""
    routes: dict[str, Route] = {
        "/hub": Reply(b"", 202),
        "/a": [Reply(rss(item(1)))],
        "/b": [Reply(rss(item(2))), Reply(rss(item(2), item(3)))],
    }
    with Server(routes) as server:
        hub = f'[publish]\nhub = "{server.url("/hub")}"\n'
        world = World(tmp_path, hub + source("a", server.url("/a")) + source("b", server.url("/b")))
        world.run()
        assert send(world) == 15
        first = told(server)
        assert len(first) == len(set(first)) == 15
        assert send(world) == 0
        world.run(everything=True, after=60)
        assert send(world) == 9
        more = list(first)
        news = told(server)
        for topic in more:
            news.remove(topic)
        assert {topic.split("/")[0] for topic in news} == {"all", "b", "by-source"}
        assert len(server.asked("/hub")) == 2
        assert {request.method for request in server.asked("/hub")} == {"POST"}
    assert b'rel="hub"' in (world.outputs / "feeds/all/atom.xml").read_bytes()


def send(world: World, after: float = 0) -> int:
    with world.store() as store:
        return pings.send(world.settings, store, lambda: world.clock + timedelta(seconds=after))


def test_a_hub_that_fails_is_told_later(tmp_path: Path) -> None:
    """A 503 and a dead hub cost no pass anything; the pings stay and go out when their time comes."""
    routes: dict[str, Route] = {"/hub": [Reply(b"", 503), Reply(b"", 204)], "/a": Reply(rss(item(1)))}
    with Server(routes) as server:
        world = World(tmp_path, f'[publish]\nhub = "{server.url("/hub")}"\n' + source("a", server.url("/a")))
        report = world.run()
        assert report.publish.problems == []
        assert send(world) == 0
        assert send(world, after=30) == 0
        assert len(server.asked("/hub")) == 1
        assert send(world, after=61) == 9
    with world.store() as store:
        assert pings.pending(store) == ()


def test_a_killed_run_tells_the_hub_too_much_rather_than_too_little(tmp_path: Path) -> None:
    """Feeds that were about to be written when the run ended count as changed."""
    with Server({"/hub": Reply(b"", 204), "/a": Reply(rss(item(1)))}) as server:
        world = World(tmp_path, f'[publish]\nhub = "{server.url("/hub")}"\n' + source("a", server.url("/a")))
        world.run()
        send(world)
        with world.store() as store:
            pings.expect(store, ["http://localhost:8080/feeds/all/atom.xml"])
        world.run(after=60)
        assert send(world) == 1


def test_a_hub_is_reached_under_the_guard_of_feeds(tmp_path: Path) -> None:
    """No hub on this machine unless private networks are allowed; a hub that hangs is given up in time."""
    with Server({"/hub": Reply(b"", 204)}) as server:
        with pytest.raises(ForbiddenAddress):
            post(server.url("/hub"), b"a=b", "text/plain", FetchPolicy())
        assert server.connections == 0
        policy = FetchPolicy(allow_private_networks=True, user_agent="aggregator/1 测试")
        assert post(server.url("/hub"), b"a=b", "text/plain", policy) == 204
        (request,) = server.requests
        assert (request.method, request.body, request.headers["content-type"]) == (
            "POST",
            b"a=b",
            "text/plain",
        )
        url = server.url("/hub")
    with pytest.raises(FetchError):
        post(url, b"", "text/plain", policy)


def test_keys_of_files_are_their_digests(tmp_path: Path) -> None:
    """The manifest holds the SHA-256 of every file in the outputs, and no other file."""
    with Server({"/f": Reply(rss(*(item(n) for n in range(9))))}) as server:
        world = World(tmp_path, "[outputs]\nentries_per_feed = 2\n" + source("f", server.url("/f"), "A", "B"))
        world.run()
    with world.store() as store:
        recorded = {path: row.sha256 for path, row in store.outputs().items()}
    found = {path: hashlib.sha256(data).digest() for path, (_, data) in world.snapshot().items()}
    assert recorded == found


# --- entries that are copied ------------------------------------------------------------------


def test_nothing_is_copied_from_a_file_that_somebody_edited(tmp_path: Path) -> None:
    """What an operator wrote into the feed of a source does not spread into other feeds."""
    with Server({"/f": [Reply(rss(item(1))), Reply(rss(item(1), item(2)))]}) as server:
        world = World(tmp_path, source("f", server.url("/f"), "News"))
        world.run()
        for name in ("by-source/f", "News"):
            file = world.outputs / "feeds" / name / "rss.xml"
            file.write_bytes(file.read_bytes().replace(b"words 1", b"spoilt"))
        world.run(everything=True, after=60)
        with world.store() as store:
            publish(world.settings, store, force=True)
    feeds = [file.read_bytes() for file in sorted((world.outputs / "feeds").rglob("rss.xml"))]
    assert [b"words 1" in data and b"words 2" in data for data in feeds] == [True] * 3
    assert not any(b"spoilt" in data for data in feeds)


def test_an_edit_reaches_every_feed_though_the_rest_is_copied(tmp_path: Path) -> None:
    """Of two entries one is edited: all feeds and pages show its new words, and the other as before."""
    with Server({"/f": [Reply(rss(item(1), item(2))), Reply(rss(item(1, "Two", "new"), item(2)))]}) as server:
        world = World(tmp_path, source("f", server.url("/f"), "News"))
        world.run()
        world.run(everything=True, after=60)
    names = ("rss.xml", "atom.xml", "feed.json", "index.html")
    files = [file.read_bytes() for name in names for file in (world.outputs / "feeds").rglob(name)]
    assert len(files) == 11
    for data in files:
        assert data.count(b"Two") >= 1
        assert data.count(b"One") >= 1
        assert b"words 1" not in data


def test_no_output_holds_a_secret_of_an_address(tmp_path: Path) -> None:
    """Passwords and tokens in a source's url are not published, nor in the name of a source that has none."""
    own = b"<feed xmlns='http://www.w3.org/2005/Atom'><title>T</title><id>%s</id>"
    own += b"<entry><id>urn:uuid:1225c695-cfb8-4ebb-aaaa-80da344efa01</id><title>A</title></entry></feed>"
    with Server({"/a": Reply(rss(item(1))), "/b?key=S3CRET": Reply(rss(item(2)))}) as server:
        url = server.url("/a").replace("://", "://me:S3CRET@")
        token = server.url("/b?key=S3CRET")
        server.routes["/c?api_key=S3CRET"] = Reply(own % token.encode())
        unnamed = f'[[sources]]\nurl = "{server.url("/c?api_key=S3CRET")}"\ncategories = ["C"]\n'
        world = World(tmp_path, source("a", url) + source("b", token) + unnamed)
        report = world.run()
    assert [row.result for row in report.sources] == ["updated"] * 3
    files = world.snapshot()
    assert [path for path, (_, data) in files.items() if b"S3CRET" in data or "S3CRET" in path] == []
    assert len(world.posts()) == 3


def test_a_first_pass_without_sources_publishes_empty_feeds(tmp_path: Path) -> None:
    """Somebody who begins with an empty file gets the page and the feeds of everything, which grow later."""
    world = World(tmp_path, "")
    world.run()
    assert (world.feed(), (world.outputs / "index.html").exists()) == ([], True)
