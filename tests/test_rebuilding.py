"""Posts as a backup: the database that is made of them publishes what they were published from."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from loopback import Reply, Server
from world import CORPUS, NOON, World, source

from aggregator.errors import StoreError
from aggregator.publishing import publish
from aggregator.rebuilding import Rebuilt, rebuild

EXTRA = '[posts]\nextra_keys = ["link", "guid", "tags", "updated", "source", "also_in"]\n'


def rss(*items: str) -> bytes:
    return f"<rss version='2.0'><channel>{''.join(items)}</channel></rss>".encode()


def item(number: int, title: str = "", more: str = "") -> str:
    link = f"https://e.example/{number}"
    return (
        f"<item><title>{title or f'Title {number}'}</title><link>{link}</link><guid>{link}#id</guid>"
        f"<pubDate>Mon, {number:02d} Oct 2026 08:00:00 GMT</pubDate>"
        f"<description><![CDATA[<p>Words of <b>{number}</b> {{{{ x }}}}</p>]]></description>{more}</item>"
    )


def tree(folder: Path, part: str = "") -> Mapping[str, bytes]:
    files = (file for file in sorted((folder / part).rglob("*")) if file.is_file())
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


def again(world: World, folder: Path, settings: str) -> tuple[World, Rebuilt]:
    """Another installation with the same settings, made of the posts of the first."""
    folder.mkdir()
    other = World(folder, settings)
    with other.store() as store:
        report = rebuild(other.settings, store, world.outputs / "posts", NOON)
        published = publish(other.settings, store)
    assert published.problems == []
    return other, report


def test_a_database_made_of_posts_publishes_the_same(tmp_path: Path) -> None:
    """With all extra keys set, every post, feed, page and list comes out as before, byte for byte."""
    (tmp_path / "one").mkdir()
    routes = {
        "/a": Reply(rss(*(item(n, more="<category>tag</category>") for n in range(1, 7)))),
        "/b": Reply(rss(item(3), item(8), item(9, "A title with 'quotes' &amp; more"))),
    }
    with Server(routes) as server:
        settings = EXTRA + source("a", server.url("/a"), "News", "A")
        settings += source("b", server.url("/b"), "News", "B 新闻")
        world = World(tmp_path / "one", settings)
        world.run()
        other, report = again(world, tmp_path / "two", settings)
        assert (report.posts, report.articles, report.problems) == (8, 8, [])
        assert tree(other.outputs) == tree(world.outputs)
        other.run(everything=True, after=60)
    with other.store() as store:
        assert sum(row.articles for row in store.nodes() if not row.node.path) == 8


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the shared samples are not beside this checkout")
def test_the_archive_survives_as_posts(tmp_path: Path) -> None:
    """The posts of the archive's 38 files make a database whose outputs are the same, byte for byte."""
    (tmp_path / "one").mkdir()
    settings = f'[[seeds]]\nname = "Archive"\npath = "{CORPUS}"\n'
    world = World(tmp_path / "one", settings)
    world.run()
    other, report = again(world, tmp_path / "two", settings)
    assert (report.articles, report.problems) == (38, [])
    assert tree(other.outputs, "posts") == tree(world.outputs, "posts")
    assert tree(other.outputs).keys() == tree(world.outputs).keys()


def test_seed_files_without_a_date_are_no_new_articles_after_it(tmp_path: Path) -> None:
    """Posts have the moment when they were first seen for a date, and keep it when their files come again."""
    (tmp_path / "one").mkdir()
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    for name in ("a", "b"):
        (seeds / f"{name}.md").write_text(
            f"---\ntitle: {name}\ncategories: [N, S]\ndate: Invalid Date\n---\n<p>few words {name}</p>"
        )
    settings = f'[[seeds]]\nname = "Archive"\npath = "{seeds}"\n'
    world = World(tmp_path / "one", settings)
    world.run()
    other, _ = again(world, tmp_path / "two", settings)
    other.run(after=86_400)
    other.run(after=86_400)
    assert tree(other.outputs, "posts") == tree(world.outputs, "posts")
    assert sorted(one["id"] for one in other.feed()) == sorted(one["id"] for one in world.feed())


def test_posts_of_no_known_source_are_kept_under_a_name_of_their_own(tmp_path: Path) -> None:
    """Without the settings of their sources posts come back as they are, in their categories."""
    (tmp_path / "one").mkdir()
    with Server({"/a": Reply(rss(item(1), item(2)))}) as server:
        world = World(tmp_path / "one", source("a", server.url("/a"), "News", "A"))
        world.run()
    other, report = again(world, tmp_path / "two", "")
    assert report.articles == 2
    assert tree(other.outputs, "posts") == tree(world.outputs, "posts")
    assert (other.outputs / "feeds/News/A/atom.xml").exists()
    assert (other.outputs / "feeds/by-source/Posts/atom.xml").exists()


def test_a_database_with_articles_is_not_built_over(tmp_path: Path) -> None:
    """It is refused, and with `force` nothing is doubled."""
    with Server({"/a": Reply(rss(item(1)))}) as server:
        world = World(tmp_path, EXTRA + source("a", server.url("/a")))
        world.run()
    with world.store() as store:
        with pytest.raises(StoreError, match="holds articles already"):
            rebuild(world.settings, store, world.outputs / "posts", NOON)
        assert rebuild(world.settings, store, world.outputs / "posts", NOON, force=True).articles == 0


def test_a_bad_post_costs_only_itself(tmp_path: Path) -> None:
    """What is no post is reported with its name; the others are made articles."""
    (tmp_path / "one").mkdir()
    with Server({"/a": Reply(rss(item(1)))}) as server:
        world = World(tmp_path / "one", source("a", server.url("/a")))
        world.run()
    (world.outputs / "posts/broken.md").write_text("no front matter")
    _, report = again(world, tmp_path / "two", "")
    assert report.articles == 1
    assert [problem.split(":")[0] for problem in report.problems] == ["broken.md"]
