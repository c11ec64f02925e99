"""Passes from end to end: real documents over loopback, a real database, real files."""

import os
import stat
import threading
from pathlib import Path

import pytest
import trustme
from loopback import Reply, Route, Server, redirect, server_tls
from world import CORPUS, EVERYTHING, SHARED, World, source

from aggregator import pipeline
from aggregator.errors import StoreError
from aggregator.reports import SourceReport

DATA = Path(__file__).parent / "data" / "pipeline"
ENTRIES = {"rss091.xml": 2, "rdf.xml": 1, "rss2.xml": 2, "atom03.xml": 1, "atom10.xml": 1, "feed.json": 2}
ARTICLE = "<p>" + "One article that says enough to be recognised by its text wherever it comes. " * 4 + "</p>"

needs_corpus = pytest.mark.skipif(
    not CORPUS.is_dir(), reason="the shared samples are not beside this checkout"
)


def rss(*items: str) -> bytes:
    return f"<rss version='2.0'><channel><title>T</title>{''.join(items)}</channel></rss>".encode()


def item(title: str, link: str, body: str = "words", more: str = "") -> str:
    return (
        f"<item><title>{title}</title><link>{link}</link>"
        f"<description><![CDATA[{body}]]></description>{more}</item>"
    )


def test_all_formats_arrive_and_are_asked_for_again_with_validators(tmp_path: Path) -> None:
    """Six kinds of feeds come in whole; the second pass sends the validators back and parses nothing."""
    routes = {
        f"/{name}": Reply(
            (DATA / name).read_bytes(), etag=f'"{name}"', last_modified="Mon, 02 Nov 2026 08:00:00 GMT"
        )
        for name in ENTRIES
    }
    with Server(routes) as server:
        world = World(tmp_path, "".join(source(name, server.url(f"/{name}")) for name in ENTRIES))
        first = world.run()
        assert {row.source: row.counts.new for row in first.sources} == ENTRIES
        assert len(world.feed()) == sum(ENTRIES.values())
        assert len(world.posts()) == sum(ENTRIES.values())
        before = world.snapshot()
        second = world.run(everything=True, after=60)
        assert {row.result for row in second.sources} == {"unchanged"}
        assert world.snapshot() == before
        for name in ENTRIES:
            bare, conditional = server.asked(f"/{name}")
            assert "if-none-match" not in bare.headers
            assert conditional.headers["if-none-match"] == f'"{name}"'
            assert conditional.headers["if-modified-since"] == "Mon, 02 Nov 2026 08:00:00 GMT"


def test_what_the_formats_say_reaches_the_outputs(tmp_path: Path) -> None:
    """Titles, links, bodies and dates come out as a reader expects them."""
    with Server({f"/{name}": Reply((DATA / name).read_bytes()) for name in ENTRIES}) as server:
        world = World(tmp_path, "".join(source(name, server.url(f"/{name}")) for name in ENTRIES))
        world.run()
        items = {item.get("title") or item["content_html"]: item for item in world.feed()}
    assert items["AT&T & friends"]["url"] == "https://atom.example/blog/post/1"
    assert 'href="https://atom.example/blog/post/0"' in items["AT&T & friends"]["content_html"]
    assert items["RSS 0.91 café"]["url"] == "http://old.example/cafe"
    assert "正文" in items["带附件的一条"]["content_html"]
    assert 'href="https://rss.example/more"' in items["带附件的一条"]["content_html"]
    assert items["RSS 1.0 is RDF"]["date_published"] == "2026-10-30T08:00:00+00:00"
    assert any("A note without a title" in title for title in items)


def test_a_bad_source_harms_only_itself(tmp_path: Path) -> None:
    """HTML, nothing, no folder, no certificate, no server, a 500: one clear line each, the rest goes on."""
    authority = trustme.CA()
    routes = {
        "/good": Reply(rss(item("Good", "https://good.example/1"))),
        "/html": Reply(b"<!doctype html><title>Welcome</title><p>Hello", type="text/html"),
        "/empty": Reply(b""),
        "/broken": Reply(b"no", 500),
    }
    with Server(routes) as server, Server(routes, tls=server_tls(authority)) as secure, Server() as closed:
        unreachable = closed.url("/feed")
        closed.__exit__(None, None, None)
        addresses = {
            "good": server.url("/good"),
            "html": server.url("/html"),
            "empty": server.url("/empty"),
            "certificate": secure.url("/good"),
            "server": server.url("/broken"),
            "unreachable": unreachable,
        }
        tables = "".join(source(name, url) for name, url in addresses.items())
        world = World(tmp_path, tables + '[[seeds]]\npath = "nowhere"\n')
        report = world.run()
    rows = {row.source: row for row in report.sources}
    assert {name for name, row in rows.items() if row.result == "failed"} == {
        "html",
        "empty",
        "certificate",
        "server",
        "unreachable",
        "nowhere",
    }
    lines = {name: row.messages[0] for name, row in rows.items() if row.result == "failed"}
    assert all(
        len(row.messages) == 1 and "\n" not in row.messages[0] for row in rows.values() if row.messages
    )
    assert "web page" in lines["html"]
    assert "empty" in lines["empty"]
    assert "certificate" in lines["certificate"].lower()
    assert "500" in lines["server"]
    assert "nowhere" in lines["nowhere"]
    assert [entry["title"] for entry in world.feed()] == ["Good"]


def test_a_pass_that_fails_lets_its_threads_go(tmp_path: Path) -> None:
    """When the store refuses in the midst of a pass, nobody is asked any more and no thread stays."""

    def refuse(_row: SourceReport, _total: int) -> None:
        raise StoreError("the disk is full")

    count = pipeline.IN_HAND + 50
    with Server({"*": Reply(rss(item("A", "https://p.example/a")))}) as server:
        world = World(tmp_path, "".join(source(f"s{n}", server.url(f"/{n}"), "a") for n in range(count)))
        with world.store() as store, pipeline.tools(lambda: world.clock) as tools:
            with pytest.raises(StoreError, match="full"):
                pipeline.run_pass(world.settings, store, pipeline.Plan(seen=refuse), tools)
            for thread in threading.enumerate():
                if thread.name.startswith("collect"):
                    thread.join(10)
                    assert not thread.is_alive()
        assert len(server.requests) < count


def test_long_work_tells_that_it_goes_on(tmp_path: Path) -> None:
    """While seeds are read, and while outputs are written, the plan is told again and again."""
    (tmp_path / "seeds").mkdir()
    (tmp_path / "seeds" / "a.md").write_text("\n---\ntitle: 'A'\ncategories: \n - A\n---\n\nwords", "utf-8")
    world = World(tmp_path, '[[seeds]]\npath = "seeds"\n')
    told: list[bool] = []
    with world.store() as store, pipeline.tools(lambda: world.clock) as tools:
        plan = pipeline.Plan(alive=lambda: told.append((world.outputs / "posts").exists()))
        pipeline.run_pass(world.settings, store, plan, tools)
    assert told[0] is False
    assert told[-1] is True


def test_one_article_in_two_sources_is_stored_once_and_listed_under_both(tmp_path: Path) -> None:
    """The same link, or the same text under two links, is one article with two sightings."""
    routes = {
        "/a": Reply(
            rss(item("By link", "https://site.example/1"), item("By text", "https://a.example/x", ARTICLE))
        ),
        "/b": Reply(
            rss(
                item("By link", "http://www.site.example/1?utm_source=b"),
                item("By text", "https://b.example/y", ARTICLE),
            )
        ),
    }
    with Server(routes) as server:
        world = World(tmp_path, source("a", server.url("/a"), "A") + source("b", server.url("/b"), "B"))
        report = world.run()
        assert sum(row.counts.new for row in report.sources) == 2
        assert sum(row.counts.duplicate for row in report.sources) == 2
        titles = ["By link", "By text"]
        assert [sorted(entry["title"] for entry in world.feed(folder)) for folder in ("all", "A", "B")] == [
            titles
        ] * 3
        with world.store() as store:
            assert [len(article.sources) for article in store.articles(store.newest(EVERYTHING, 9))] == [2, 2]


def test_one_guid_for_all_and_one_link_for_all_lose_nothing(tmp_path: Path) -> None:
    """Feeds whose guids or links identify nothing keep every article apart, in every pass."""
    same_guid = [
        item(f"Guid {n}", f"https://g.example/{n}", more="<guid isPermaLink='false'>same</guid>")
        for n in range(3)
    ]
    same_link = [
        item(f"Link {n}", "https://l.example/", more=f"<guid isPermaLink='false'>l{n}</guid>")
        for n in range(3)
    ]
    routes = {
        "/g": [Reply(rss(*same_guid)), Reply(rss(same_guid[2]))],
        "/l": [Reply(rss(*same_link)), Reply(rss(same_link[0]))],
    }
    with Server(routes) as server:
        world = World(tmp_path, source("g", server.url("/g")) + source("l", server.url("/l")))
        first = world.run()
        second = world.run(everything=True, after=60)
    assert [row.counts.new for row in first.sources] == [3, 3]
    assert [(row.counts.new, row.counts.changed) for row in second.sources] == [(0, 0), (0, 0)]
    assert len(world.feed()) == 6


def test_a_server_that_asks_for_peace_gets_it_for_all_its_sources(tmp_path: Path) -> None:
    """After a 429 no other source of the site is asked, not even by `--all`, until the time is over."""
    busy = Reply(b"", 429, headers={"Retry-After": "7200"})
    routes: dict[str, Route] = {
        "/a": [busy, Reply(rss(item("A", "https://p.example/a")))],
        "/b": Reply(rss()),
    }
    with Server(routes) as server:
        one_at_a_time = "per_host = 1\n"
        tables = source("a", server.url("/a")) + one_at_a_time + source("b", server.url("/b")) + one_at_a_time
        world = World(tmp_path, tables)
        assert [row.source for row in world.run().sources] == ["a"]
        assert world.run(everything=True, after=7000).sources == ()
        assert {row.source for row in world.run(everything=True, after=300).sources} == {"a", "b"}
        assert (len(server.asked("/a")), len(server.asked("/b"))) == (2, 1)


def test_the_server_that_asked_for_peace_gets_it_and_not_who_led_there(tmp_path: Path) -> None:
    """Its feeds wait, those beside the redirect that led there do not."""
    with Server(host="0.0.0.0") as server:
        server.routes = {
            "/a": redirect(server.url("/busy", host="127.0.0.2")),
            "/busy": Reply(b"", 429, headers={"Retry-After": "7200"}),
            "*": Reply(rss()),
        }
        places = {"a": "127.0.0.1", "beside": "127.0.0.1", "there": "127.0.0.2"}
        tables = [source(name, server.url(f"/{name}", host=host)) for name, host in places.items()]
        world = World(tmp_path, "".join(tables))
        world.run()
        assert [row.source for row in world.run(everything=True, after=60).sources] == ["beside"]


def test_an_edit_rewrites_the_post_and_moves_it_with_its_title(tmp_path: Path) -> None:
    """The post keeps its eight digits; the file of the old title goes."""
    guid = "<guid isPermaLink='false'>1</guid>"
    routes = {
        "/f": [
            Reply(rss(item("Old title", "https://e.example/1", more=guid))),
            Reply(rss(item("New title", "https://e.example/1", more=guid))),
        ]
    }
    with Server(routes) as server:
        world = World(tmp_path, source("f", server.url("/f")))
        world.run()
        (old,) = world.posts()
        report = world.run(everything=True, after=60)
    (new,) = world.posts()
    assert [row.counts.changed for row in report.sources] == [1]
    assert old.name.startswith("Old title-")
    assert new.name == old.name.replace("Old", "New")


@pytest.mark.sqlite
def test_outputs_are_for_everybody_and_the_database_is_not(tmp_path: Path) -> None:
    """Whatever the umask, a web server may read what is published, and nobody else the store."""
    before = os.umask(0o077)
    try:
        with Server({"/f": Reply(rss(item("One", "https://e.example/1")))}) as server:
            world = World(tmp_path, source("f", server.url("/f")))
            world.run()
    finally:
        os.umask(before)
    for path in [world.outputs, *world.outputs.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o755 if path.is_dir() else 0o644), path
    storage = tmp_path / "storage"
    for path in [storage, *storage.iterdir()]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_a_lost_output_is_written_again(tmp_path: Path) -> None:
    """Outputs are derived: without them, the next pass makes the same bytes."""
    with Server({"/f": Reply(rss(item("One", "https://e.example/1")), etag='"1"')}) as server:
        world = World(tmp_path, source("f", server.url("/f")))
        world.run()
        before = {path: data for path, (_, data) in world.snapshot().items()}
        for file in world.outputs.rglob("*.*"):
            file.unlink()
        world.run(everything=True, after=60)
    assert {path: data for path, (_, data) in world.snapshot().items()} == before


def test_outputs_follow_the_settings(tmp_path: Path) -> None:
    """A format that is switched off goes, a renamed category moves, and nothing else is left behind."""
    with Server({"/f": Reply(rss(item("One", "https://e.example/1")), etag='"1"')}) as server:
        world = World(tmp_path, source("f", server.url("/f"), "Old", "Site"))
        world.run()
        assert (world.outputs / "feeds/Old/Site/rss.xml").exists()
        world.write('[outputs]\nformats = ["json"]\n' + source("f", server.url("/f"), "New", "Site"))
        world.run()
    files = set(world.snapshot())
    names = ("feed.json", "index.html")
    assert {path for path in files if path.startswith("feeds/")} == {
        "feeds/all/feed.json",
        *(f"feeds/{folder}/{name}" for folder in ("New", "New/Site", "by-source/f") for name in names),
    }
    assert " - New\n" in world.posts()[0].read_text("utf-8")


@needs_corpus
def test_every_file_of_the_archive_becomes_an_article(tmp_path: Path) -> None:
    """38 files, 38 articles, and a second pass reads none of them again."""
    world = World(tmp_path, f'[[seeds]]\nname = "Archive"\npath = "{CORPUS}"\n')
    (row,) = world.run().sources
    assert (row.counts.new, row.messages) == (38, ())
    before = world.snapshot()
    (row,) = world.run(after=60).sources
    assert row.result == "unchanged"
    assert world.snapshot() == before


@needs_corpus
def test_a_feed_item_becomes_the_archives_header_byte_for_byte(tmp_path: Path) -> None:
    """The feed item that the seed file came from gives a post with the seed's header."""
    feed = SHARED / "samples" / "feeds" / "aljazeera.xml"
    table = (
        f'[posts]\nextra_keys = []\n[[sources]]\nname = "Aljazeera"\npath = "{feed}"\n'
        'categories = ["新媒体", "Aljazeera 半岛网", "新闻"]\n'
    )
    world = World(tmp_path, table)
    world.run()
    (post,) = world.posts()
    written, seed = post.read_bytes(), (CORPUS / "seed.md").read_bytes()
    assert written.split(b"\n---\n")[:2][0] == seed.split(b"\n---\n")[:2][0]
    assert written.split(b"\n---\n")[1] == seed.split(b"\n---\n")[1]


@needs_corpus
def test_the_archive_and_its_feed_are_one(tmp_path: Path) -> None:
    """With the archive and the feed as sources, the article has two sightings and stands once in a feed."""
    feed = SHARED / "samples" / "feeds" / "aljazeera.xml"
    table = (
        f'[[seeds]]\nname = "Archive"\npath = "{CORPUS}"\n'
        f'[[sources]]\nname = "Aljazeera"\npath = "{feed}"\n'
        'categories = ["新媒体", "Aljazeera 半岛网", "新闻"]\n'
    )
    world = World(tmp_path, table)
    world.run()
    with world.store() as store:
        articles = store.articles(store.newest(EVERYTHING, 100))
    assert len(articles) == 38
    assert [len(article.sources) for article in articles if article.title.startswith("亚美尼亚")] == [2]
    for folder in ("all", "新媒体/Aljazeera-半岛网/新闻"):
        titles = [entry["title"] for entry in world.feed(folder)]
        assert len([title for title in titles if title.startswith("亚美尼亚")]) == 1


def test_our_own_outputs_are_no_seeds(tmp_path: Path) -> None:
    """Where the outputs lie in a seed directory, what was published does not come in as something new."""
    items = "<item><title>Odd: one?</title><guid>1</guid><description>words</description></item>"
    (tmp_path / "feed.xml").write_text(f"<rss version='2.0'><channel>{items}</channel></rss>")
    seeds = '[[seeds]]\npath = "."\nname = "Here"\n'
    world = World(tmp_path, seeds + '[[sources]]\npath = "feed.xml"\ncategories = ["News"]\n')
    world.run()
    world.run(after=60)
    assert len(world.posts()) == 1
