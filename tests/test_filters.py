"""Rules, excerpts, terms and players: whole passes with the settings that ask for them."""

from pathlib import Path

from loopback import Reply, Server
from world import World, source

from aggregator.drops import LeftOut, read
from aggregator.explaining import nothing_found
from aggregator.health import health
from aggregator.model import Counts
from aggregator.trial import try_sources

BODY = "<p>" + "Words of an article that goes on for a while. " * 20 + "</p>"


def item(title: str, number: int, more: str = "", body: str = BODY) -> str:
    return (
        f"<item><title>{title}</title><link>https://a.example/{number}</link>"
        f"<description><![CDATA[{body}]]></description>{more}</item>"
    )


def rss(*items: str) -> Reply:
    copyright_ = "<copyright>CC BY 4.0, A</copyright>"
    return Reply(
        f"<rss version='2.0'><channel><title>T</title>{copyright_}{''.join(items)}</channel></rss>".encode()
    )


RULES = """
[[rules]]
drop = { title = ["advert", "广告"] }
[[rules]]
source = "F"
rewrite = { title = { regex = '^(?:LIVE|直播)[:：] *', with = "" } }
[[rules]]
when = { tags = { regex = "(?i)^football$" } }
categories = ["Sports", "Football"]
"""
ENTRIES = (
    item("LIVE: Harbour", 1),
    item("Advert: buy", 2),
    item("今日广告", 3),
    item("Goal", 4, "<category>FOOTBALL</category>"),
)


def test_rules_decide_what_is_stored_and_where(tmp_path: Path) -> None:
    """Dropped entries are counted in the pass and in `sources`, stored nowhere, and are never new."""
    with Server({"/f": [rss(*ENTRIES), rss(*ENTRIES, item("New", 5)), rss(item("New", 5))]}) as server:
        world = World(tmp_path, source("F", server.url("/f"), "News", "F") + RULES)
        (first,) = world.run().sources
        (second,) = world.run(everything=True, after=60).sources
        assert (first.counts.new, first.dropped) == (2, 2)
        assert (second.counts.new, second.dropped) == (1, 2)
        assert {entry["title"] for entry in world.feed()} == {"Harbour", "Goal", "New"}
        assert [entry["title"] for entry in world.feed("Sports/Football")] == ["Goal"]
        assert {entry["title"] for entry in world.feed("News")} == {"Harbour", "New"}
        with world.store() as store:
            (row,) = health(world.settings, store, world.clock)
        assert (row.dropped, row.messages) == (2, ("rules dropped 2 entries of its last document",))
        world.run(everything=True, after=60)
        with world.store() as store:
            assert read(store) == {}


def test_what_keep_leaves_out_is_counted(tmp_path: Path) -> None:
    """Nobody wonders where the old entries of a new source are: the pass, `sources` and `explain` say it."""
    old = [
        item(f"Old {number}", number, "<pubDate>Mon, 02 Mar 2020 08:00:00 GMT</pubDate>") for number in (1, 2)
    ]
    with Server({"/f": Reply(rss(*old, item("New", 5)).body, etag='"1"')}) as server:
        world = World(tmp_path, '[storage]\nkeep = "365d"\n' + source("F", server.url("/f")))
        report = world.run()
        world.run(everything=True, after=60)
    assert report.sources[0].counts == Counts(new=1, expired=2)
    with world.store() as store:
        assert read(store) == {"F": LeftOut(expired=2)}
        (row,) = health(world.settings, store, world.clock)
        said = nothing_found("https://a.example/1", world.settings, store)
    assert row.messages == ("2 entries of its last document are older than `keep` allows",)
    assert said.endswith("; F showed entries older than `keep` allows")


def test_rules_hold_for_files_too(tmp_path: Path) -> None:
    """Files that are dropped are not articles, and are not read again until they change."""
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    for name in ("Advert", "Harbour"):
        header = f"title: '{name}'\ndate: Mon, 02 Nov 2026 08:00:00 GMT\n"
        (seeds / f"{name}.md").write_text(f"---\n{header}---\n\n<p>{name}</p>\n", encoding="utf-8")
    world = World(tmp_path, '[[seeds]]\npath = "seeds"\n[[rules]]\ndrop = { title = "advert" }\n')
    (first,) = world.run().sources
    (second,) = world.run(after=60).sources
    assert (first.counts.new, first.dropped, second.result) == (1, 1, "unchanged")
    assert [entry["title"] for entry in world.feed()] == ["Harbour"]


def test_check_shows_what_each_rule_would_do(tmp_path: Path) -> None:
    """Counts and samples for every rule of every source, idle ones too; nothing is stored."""
    with Server({"/f": rss(*ENTRIES), "/g": rss(item("Sky", 9))}) as server:
        world = World(tmp_path, source("F", server.url("/f")) + source("G", server.url("/g")) + RULES)
        trials = {trial.source: trial for trial in try_sources(world.settings, world.clock)}
    shown = {
        name: [(one.rule, one.count, one.samples) for one in trial.rules] for name, trial in trials.items()
    }
    assert shown == {
        "F": [
            ("[[rules]] 1 (drop)", 2, ("Advert: buy", "今日广告")),
            ("[[rules]] 2 (rewrite)", 1, ("LIVE: Harbour",)),
            ("[[rules]] 3 (categories)", 1, ("Goal",)),
        ],
        "G": [("[[rules]] 1 (drop)", 0, ()), ("[[rules]] 3 (categories)", 0, ())],
    }
    assert trials["F"].entries == 2
    assert not (tmp_path / "storage").exists()


def test_an_excerpt_is_all_that_is_republished(tmp_path: Path) -> None:
    """So many characters and a link, in feeds and posts; the source's rights go with it."""
    picture = '<p><img src="https://a.example/i.png"></p>'
    with Server({"/f": rss(item("One", 1, body=BODY + picture))}) as server:
        world = World(tmp_path, source("F", server.url("/f")) + "excerpt = 60\n")
        world.run()
        (second,) = world.run(everything=True, after=60).sources
    (entry,) = world.feed()
    (post,) = world.posts()
    start = "Words of an article that goes on for a while. Words of an…"
    assert entry["content_html"].startswith(f"<p>{start}</p>")
    assert 'href="https://a.example/1"' in entry["content_html"]
    assert start in post.read_text("utf-8")
    assert "i.png" not in post.read_text("utf-8")
    assert second.result == "unchanged"
    assert "CC BY 4.0, A" in (world.outputs / "feeds/all/atom.xml").read_text("utf-8")


def test_terms_hold_for_site_category_and_source(tmp_path: Path) -> None:
    """noindex, excerpts and a licence note reach the feeds and pages that they are for, and no others."""
    routes = {"/f": rss(item("One", 1)), "/g": rss(item("Two", 2, body=BODY.replace("Words", "Terms")))}
    with Server(routes) as server:
        tables = source("F", server.url("/f"), "News", "F") + source("G", server.url("/g"), "Arts")
        terms = 'licence = "CC0, https://cc.example/zero"\n'
        terms += '[[categories]]\npath = ["News"]\nnoindex = true\nexcerpt_only = true\n'
        world = World(tmp_path, tables + terms)
        world.run()
    news = (world.outputs / "feeds/News/atom.xml").read_text("utf-8")
    arts = (world.outputs / "feeds/Arts/atom.xml").read_text("utf-8")
    page = {
        name: next((world.outputs / "feeds" / name).glob("*.html")).read_text("utf-8")
        for name in ("News", "Arts")
    }
    assert (news.count("goes on") < 20, "for a while.…" in news) == (True, True)
    assert arts.count("goes on") >= 20
    assert ("noindex" in page["News"], "noindex" in page["Arts"]) == (True, False)
    posts = {path.name[:3]: path.read_text("utf-8").count("goes on") for path in world.posts()}
    assert (posts["One"] < 20, posts["Two"]) == (True, 20)
    assert "https://cc.example/zero" in (world.outputs / "feeds/by-source/G/atom.xml").read_text("utf-8")


def test_players_and_tracking_are_the_operator_s_choice(tmp_path: Path) -> None:
    """A list of players takes the place of the usual ones; a source may keep its tracking parameters."""
    body = (
        '<iframe src="https://tube.example/1"></iframe><iframe src="https://www.youtube.com/embed/1"></iframe>'
        '<p><a href="https://b.example/?utm_source=x&amp;id=1">link</a></p>'
    )
    with Server(
        {"/f": rss(item("One", 1, body=body)), "/g": rss(item("Two", 2, body=body + "<p>G</p>"))}
    ) as server:
        tables = (
            '[clean]\nplayers = ["tube.example"]\n'
            + source("F", server.url("/f"))
            + source("G", server.url("/g"))
        )
        world = World(tmp_path, tables + "keep_tracking = true\n")
        world.run()
    found = {entry["title"]: entry["content_html"] for entry in world.feed()}
    assert found["One"].count("<iframe") == 1
    assert 'src="https://tube.example/1"' in found["One"]
    assert 'href="https://b.example/?id=1"' in found["One"]
    assert "utm_source=x" in found["Two"]


def test_an_expression_that_hangs_holds_nobody_up(tmp_path: Path) -> None:
    """The entries stay, and the summary says which rule is to be made simpler."""
    rule = "[[rules]]\ndrop = { title = { regex = '^(x|xx)+$' } }\n"
    with Server({"/f": rss(*(item("x" * 60 + str(n), n) for n in range(9)))}) as server:
        world = World(tmp_path, source("F", server.url("/f")) + rule)
        (row,) = world.run().sources
    assert (row.counts.new, row.dropped) == (9, 0)
    assert "[[rules]] 1 (drop) took longer than 0.1 s for 5 entries" in row.messages[0]


def test_what_nothing_leaves_out_any_more_is_not_counted(tmp_path: Path) -> None:
    """Rules and `keep` are gone from the settings, and with them what was said of their counts."""
    old = item("Old", 1, "<pubDate>Mon, 02 Mar 2020 08:00:00 GMT</pubDate>")
    with Server({"/f": Reply(rss(old, item("Goal", 2)).body)}) as server:
        plain = source("F", server.url("/f"))
        world = World(tmp_path, '[storage]\nkeep = "365d"\n[[rules]]\ndrop = { title = "goal" }\n' + plain)
        world.run()
        with world.store() as store:
            assert read(store) == {"F": LeftOut(1, 1)}
        world.write(plain)
        with world.store() as store:
            store.read_anew(["F"])
        world.run(everything=True, after=60)
    with world.store() as store:
        assert read(store) == {}
