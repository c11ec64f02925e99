"""Full text: whole passes over loopback, in which the pages of new entries are fetched."""

import tracemalloc
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from loopback import Reply, Server
from world import World, source

from aggregator.collect.allowance import LARGE_BYTES
from aggregator.collect.hosts import HostQueue, Turns
from aggregator.digested import Digested
from aggregator.fulltext import AT_ONCE, Linked, Pages, _as_source
from aggregator.gathering import Harvest
from aggregator.model import Document, Refined, SourceState
from aggregator.options import FetchPolicy, Source
from aggregator.pipeline import Plan, run_pass, tools
from aggregator.refine.results import RefinedDocument


def text(about: str, paragraphs: int = 6) -> str:
    return "".join(
        f"<p>Paragraph {number} on {about} says enough words to be taken for text, and goes on a while.</p>"
        for number in range(paragraphs)
    )


def page(about: str, head: str = "", charset: str = "") -> Reply:
    body = (
        f'<!doctype html><html lang="en"><head><title>{about}</title>{head}</head>'
        '<body><nav><a href="/">Home</a></nav>'
        f"<article><h1>{about}</h1>{text(about)}</article><footer>Imprint</footer></body></html>"
    )
    return Reply(body.encode(charset or "utf-8", "xmlcharrefreplace"), type="text/html")


def feed(server: Server, *names: str, host: str | None = None, extra: str = "") -> Reply:
    items = "".join(
        f"<item><title>{name}</title><link>{server.url(f'/{name}', host=host)}</link>"
        f"<description>About {name}.{extra}</description></item>"
        for name in names
    )
    return Reply(f"<rss version='2.0'><channel><title>T</title>{items}</channel></rss>".encode())


def full(name: str, url: str) -> str:
    return source(name, url) + "full_text = true\n"


def bodies(world: World) -> dict[str, str]:
    return {item["title"]: item["content_html"] for item in world.feed()}


def test_new_entries_get_the_text_of_their_pages_once(tmp_path: Path) -> None:
    """A page that fails costs only itself; known entries are never asked again, and edits keep the text."""
    with Server() as server:
        server.routes = {
            "/feed": [
                feed(server, "one", "two", "gone"),
                feed(server, "one", "two", "gone", extra=" Edited."),
            ],
            "/one": page("one", '<meta property="og:image" content="/one.jpg">'),
            "/two": page("zwei Bäume", '<meta charset="iso-8859-1">', charset="latin-1"),
        }
        world = World(tmp_path, full("F", server.url("/feed")))
        (first,) = world.run().sources
        before = bodies(world)
        images = {item["title"]: item.get("image") for item in world.feed()}
        (second,) = world.run(everything=True, after=60).sources
        asked = [request.path for request in server.requests]
    assert "Paragraph 5 on one" in before["one"]
    assert "Imprint" not in before["one"]
    assert "Paragraph 5 on zwei Bäume" in before["two"]
    assert before["gone"] == "<p>About gone.</p>"
    assert images["one"] == server.url("/one.jpg")
    assert first.counts.new == 3
    assert "1 pages could not be had for full text" in first.messages[0]
    assert "404" in first.messages[0]
    assert (second.counts.new, second.counts.changed) == (0, 3)
    after = bodies(world)
    assert (after["one"], after["two"]) == (before["one"], before["two"])
    assert after["gone"] == "<p>About gone. Edited.</p>"
    assert sorted(asked) == ["/feed", "/feed", "/gone", "/one", "/two"]


def test_pages_that_are_none_are_left(tmp_path: Path) -> None:
    """A wall before every page, a PDF, a server that has enough: the feed's text stays, with a reason."""
    with Server() as server:
        busy = tuple(f"busy{number}" for number in range(8))
        server.routes = {
            "/wall": feed(server, "w1", "w2"),
            "/w1": page("cookies"),
            "/w2": page("cookies"),
            "/pdf": feed(server, "p1"),
            "/p1": Reply(b"%PDF-1.7", type="application/pdf"),
            "/busy": feed(server, *busy, host="localhost"),
            "*": Reply(b"", 429),
        }
        tables = full("Wall", server.url("/wall")) + full("Pdf", server.url("/pdf"))
        world = World(tmp_path, "")
        world.write(tables + full("Busy", server.url("/busy", host="localhost")) + "per_host = 1\n")
        rows = {row.source: row for row in world.run().sources}
        asked = [request.path for request in server.requests if request.path[1:] in busy]
    assert bodies(world) == {name: f"<p>About {name}.</p>" for name in ("w1", "w2", "p1", *busy)}
    assert "2 pages say no more than the feed" in rows["Wall"].messages[0]
    assert "application/pdf" in rows["Pdf"].messages[0]
    assert "8 pages could not be had" in rows["Busy"].messages[0]
    assert len(asked) == 1
    assert all(row.result == "updated" for row in rows.values())


def test_a_source_whose_pages_flood_is_left_in_peace(tmp_path: Path) -> None:
    """After three pages over the limit the others are not asked for; its feed's text is stored."""
    names = tuple(f"p{number}" for number in range(9))
    with Server({"*": Reply(b"x" * 20_000, type="text/html")}) as server:
        server.routes["/feed"] = feed(server, *names)
        world = World(tmp_path, full("F", server.url("/feed")) + 'max_bytes = "10KB"\nper_host = 1\n')
        (row,) = world.run().sources
        asked = [request.path for request in server.requests]
    assert len(asked) == 4
    assert row.counts.new == 9
    assert "9 pages could not be had" in row.messages[0]


def test_pages_wait_for_their_turn_and_the_budget_is_shared(tmp_path: Path) -> None:
    """One request at a time with a pause between two, the feed's included; each source gets its share."""
    with Server() as server:
        names = {name: tuple(f"{name}{number}" for number in range(4)) for name in ("a", "b")}
        server.routes = {f"/{name}": feed(server, *pages) for name, pages in names.items()}
        server.routes |= {f"/{one}": page(one) for pages in names.values() for one in pages}
        world = World(tmp_path, "")
        fetch = '[fetch]\nallow_private_networks = true\nper_host_delay = "0.1s"\nfull_text_budget = 3\n'
        tables = full("A", server.url("/a")) + full("B", server.url("/b"))
        (tmp_path / "feeds.toml").write_text(fetch + tables, encoding="utf-8")
        rows = {row.source: row for row in world.run().sources}
        times = [request.time for request in server.requests]
        asked = sorted(request.path for request in server.requests)
    assert len(asked) == 5
    assert all(later - earlier >= 0.09 for earlier, later in pairwise(times))
    assert {path[1] for path in asked[2:]} == {"a", "b"}
    assert (
        sum("kept the feed's text; raise full_text_budget" in row.messages[-1] for row in rows.values()) == 2
    )
    assert sum("Paragraph 5" in body for body in bodies(world).values()) == 3


def test_a_server_that_refuses_a_page_is_left_alone(tmp_path: Path) -> None:
    """No other page in this pass, and none of its feeds for as long as it said, `--all` or not."""
    with Server() as server:
        busy = Reply(b"", 429, headers={"Retry-After": "7200"})
        server.routes = {f"/{name}": feed(server, f"{name}1", f"{name}2") for name in "ab"}
        server.routes |= {"*": busy}
        names = full("A", server.url("/a")) + full("B", server.url("/b"))
        world = World(tmp_path, names.replace("full_text", "per_host = 1\nfull_text"))
        assert {row.result for row in world.run().sources} == {"updated"}
        asked = [request.path for request in server.requests]
        assert sorted(asked[:2]) == ["/a", "/b"]
        assert len(asked) == 3
        assert len(world.feed()) == 4
        assert world.run(everything=True, after=7000).sources == ()
        assert len(world.run(everything=True, after=300).sources) == 2


def test_large_pages_leave_room_for_large_feeds(tmp_path: Path) -> None:
    """The fetcher of a daemon lives on: what pages of a mebibyte took of it is given back."""
    with Server() as server:
        names = [f"page{number}" for number in range(8)]
        large = page("large")
        server.routes = {"/feed": feed(server, *names)}
        server.routes |= {
            f"/{name}": Reply(large.body + b" " * LARGE_BYTES, type="text/html") for name in names
        }
        world = World(tmp_path, full("F", server.url("/feed")))
        with world.store() as store, tools(lambda: world.clock) as with_:
            run_pass(world.settings, store, Plan(), with_)
            (one,) = world.settings.sources
            policy = replace(one.fetch, timeout=1.0)
            again = replace(one, url=server.url("/page0"), fetch=policy)
            assert len(with_.fetcher.fetch(again, SourceState()).body or b"") > LARGE_BYTES
    assert len(bodies(world)) == 8


def test_what_waits_for_pages_takes_no_memory(tmp_path: Path) -> None:
    """However many feeds there are: their texts are put away until it is their turn to be stored."""
    world = World(tmp_path, full("F", "http://feed.example/"))
    (one,) = world.settings.sources
    with world.store() as store, tools(lambda: world.clock) as with_:
        store.reconcile(world.settings.sources, world.clock)
        pages = Pages(1, store, with_, Turns(HostQueue(())))
        tracemalloc.start()
        for number in range(50):
            articles = tuple(
                Refined(key=f"{number} {entry}", uid="0" * 32, body="x" * 50_000) for entry in range(4)
            )
            digested = Digested(Document(entries=()), RefinedDocument(articles=articles))
            assert pages.take_in(Harvest(source=one, state=SourceState(), digested=digested))
        held, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        came = list(pages.complete((), lambda: False, 60))
        pages.close()
    assert held < 2_000_000
    assert max(map(len, came)) <= AT_ONCE
    assert sum(map(len, came)) == 50


def test_a_pass_that_is_stopped_leaves_its_feed_to_the_next(tmp_path: Path) -> None:
    """Nothing is stored half: the feed is read again, pages and all."""
    with Server() as server:
        server.routes = {"/feed": feed(server, "one"), "/one": page("one")}
        world = World(tmp_path, full("F", server.url("/feed")))
        with world.store() as store, tools(lambda: world.clock) as with_:
            run_pass(world.settings, store, Plan(stop=lambda: bool(server.requests)), with_)
            assert store.find(server.url("/one")) == []
        world.run()
    assert "Paragraph 5 on one" in bodies(world)["one"]


def test_secrets_and_private_networks_are_for_the_feed_s_own_origin() -> None:
    """A feed names the pages, so they must not come by what the operator trusts the feed with."""
    policy = FetchPolicy(
        headers={"Cookie": "c"}, auth="bearer:env:T", allow_private_networks=True, max_bytes=10**9
    )
    origin = Source(name="F", kind="feed", categories=("F",), url="http://rss.lan:1200/feed", fetch=policy)

    def fetched(link: str) -> FetchPolicy:
        return _as_source(origin, Linked("k", "", link)).fetch

    own = fetched("http://rss.lan:1200/page")
    assert (own.headers["Cookie"], own.auth, own.allow_private_networks) == ("c", "bearer:env:T", True)
    assert own.max_bytes == 4 * 1024 * 1024
    for link in (
        "http://rss.lan/page",
        "https://rss.lan:1200/page",
        "http://10.0.0.1/",
        "https://x.example/",
    ):
        other = fetched(link)
        assert ("Cookie" in other.headers, other.auth, other.allow_private_networks) == (False, None, False)
