"""What must hold of the format, through whole passes: feeds and archives in, posts out, posts in again."""

import difflib
import itertools
import os
import re
from pathlib import Path

import html5lib
import pytest
from world import CORPUS, SHARED, World

from aggregator.refine import policy

DATA = Path(__file__).parent.parent / "data"
ARCHIVES = [DATA / "frontmatter", *([CORPUS] if CORPUS.is_dir() else [])]
PROXY = "https://cors.zfour.workers.dev/?"
SEEDS = (
    '[posts]\nextra_keys = {keys}\n[[seeds]]\npath = "{path}"\nname = "Archive"\nproxy_prefixes = ["'
    + PROXY
    + '"]\n'
)
FEED = '[posts]\nextra_keys = []\n[[sources]]\nname = "{name}"\npath = "{path}"\ncategories = {categories}\n'
WRAPPER = re.compile(r"---\n\n<div>   \n(.*)  \n</div>\n            \Z", re.DOTALL)


def posts(world: World) -> dict[str, bytes]:
    return {str(file.relative_to(world.outputs)): file.read_bytes() for file in world.posts()}


def seeded(folder: Path, path: Path, keys: str = '["link"]') -> World:
    folder.mkdir()
    return World(folder, SEEDS.format(path=path, keys=keys))


def header(data: bytes) -> str:
    return data.decode().split("---\n", 2)[1]


def converted(tmp_path: Path, feed: Path, name: str, categories: tuple[str, ...]) -> bytes:
    """The one post of a feed file."""
    listed = "[" + ", ".join(f'"{one}"' for one in categories) + "]"
    world = World(tmp_path, FEED.format(name=name, path=feed, categories=listed))
    world.run()
    [data] = posts(world).values()
    return data


@pytest.mark.skipif(not SHARED.is_dir(), reason="the archive samples are not here")
def test_the_seed_comes_out_of_its_feed(tmp_path: Path) -> None:
    """The feed item that a file of the archive was made from gives that file's header, byte for byte."""
    path = ("新媒体", "Aljazeera 半岛网", "新闻")
    data = converted(tmp_path, SHARED / "samples" / "feeds" / "aljazeera.xml", path[1], path)
    assert header(data) == header((CORPUS / "seed.md").read_bytes())


def test_a_feed_becomes_a_post(tmp_path: Path) -> None:
    """The same of a feed of our own, whole."""
    data = converted(tmp_path, DATA / "posts" / "plain.xml", "某站", ("新媒体", "某站", "最新"))
    assert data.decode() == (
        "\n---\ntitle: '_稳定_边界_ a_b_'\ncategories: \n - 新媒体\n - 某站\n - 最新\n"
        "headimg: 'https://img.example.org/2022/2-19.jpg?w=770&resize=770%2C433'\n"
        "author: 某站\ncomments: false\ndate: Tue, 13 Sep 2022 09:28:50 GMT\n"
        "thumbnail: 'https://img.example.org/2022/2-19.jpg?w=770&resize=770%2C433'\n---\n\n"
        "<div>   \n<p>一段文字。</p>\n"
        '<figure><img src="https://img.example.org/2022/2-19.jpg?w=770&amp;resize=770%2C433"'
        ' referrerpolicy="no-referrer"><figcaption>图</figcaption></figure>&#10;\n'
        "<pre>&#10;\ntwo newlines first &#123;&#123; 7*7 &#125;&#125;\n</pre>  \n</div>\n            "
    )


@pytest.mark.parametrize("archive", ARCHIVES, ids=lambda path: path.name)
def test_posts_read_as_seeds_are_a_fixed_point(tmp_path: Path, archive: Path) -> None:
    """Posts of posts have the same names and bytes, and so have theirs; no file is lost on the way."""
    keys = '["link", "tags"]'
    first = seeded(tmp_path / "1", archive, keys)
    first.run()
    second = seeded(tmp_path / "2", first.outputs / "posts", keys)
    second.run()
    third = seeded(tmp_path / "3", second.outputs / "posts", keys)
    third.run(after=86_400)
    assert len(posts(first)) > 20
    assert posts(second) == posts(first)
    assert posts(third) == posts(first)


@pytest.mark.parametrize("header_lines", ["", "author: Jane\n", "source: Elsewhere\n"])
@pytest.mark.parametrize("keys", ["[]", '["updated"]', '["updated", "source"]'])
def test_posts_of_one_category_and_no_date_are_a_fixed_point(
    tmp_path: Path, header_lines: str, keys: str
) -> None:
    """Their author is the source that they came from first, whatever their folder is called later on."""
    folder = tmp_path / "seeds"
    folder.mkdir()
    (folder / "a.md").write_text(f"---\ntitle: A\ncategories: [News]\n{header_lines}---\n<p>a</p>")
    os.utime(folder / "a.md", (1_600_000_000, 1_600_000_000))
    first = seeded(tmp_path / "1", folder, keys)
    first.run()
    second = World(
        tmp_path, SEEDS.format(path=first.outputs / "posts", keys=keys).replace("Archive", "Other")
    )
    second.run(after=86_400)
    assert len(posts(first)) == 1
    assert posts(second) == posts(first)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the archive samples are not here")
def test_no_sample_is_lost_and_none_is_doubled(tmp_path: Path) -> None:
    """38 files, 38 posts, each with the title of its file."""
    world = seeded(tmp_path / "1", CORPUS)
    world.run()
    titles = sorted(header(file.read_bytes()).splitlines()[0] for file in CORPUS.glob("*.md"))
    assert sorted(header(data).splitlines()[0] for data in posts(world).values()) == titles


@pytest.mark.skipif(not SHARED.is_dir(), reason="the archive samples are not here")
def test_bodies_keep_their_dom(tmp_path: Path) -> None:
    """Less what the policy takes and adds, every body of the samples is the same tree as before."""
    world = seeded(tmp_path / "1", CORPUS)
    world.run()
    written = {header(data).splitlines()[0]: data for data in posts(world).values()}
    for file in sorted(CORPUS.glob("*.md")):
        before = safe(events(body(file.read_bytes())))
        after = safe(events(body(written[header(file.read_bytes()).splitlines()[0]])))
        assert "\n".join(difflib.unified_diff([*map(repr, before)], [*map(repr, after)], n=0)) == "", (
            file.name
        )


def body(data: bytes) -> str:
    found = WRAPPER.search(data.decode().replace("&#123;", "{").replace("&#125;", "}"))
    assert found
    return found[1]


def events(html: str) -> list[tuple[str, str, dict[str, str]]]:
    """The tree of a fragment as what begins, ends and is said in it; adjoining texts are one."""
    tree = html5lib.parseFragment(html, treebuilder="etree", namespaceHTMLElements=False)
    found: list[tuple[str, str, dict[str, str]]] = []
    for token in html5lib.getTreeWalker("etree")(tree):
        if token["type"] in {"StartTag", "EmptyTag"}:
            found.append(
                ("start", token["name"], {name: value for (_, name), value in token["data"].items()})
            )
        elif token["type"] == "EndTag":
            found.append(("end", token["name"], {}))
        elif token["type"] in {"Characters", "SpaceCharacters"}:
            found.append(("text", token["data"], {}))
    texts = itertools.groupby(found, key=lambda event: event[0] == "text")
    return [
        event
        for is_text, group in texts
        for event in ([("text", "".join(event[1] for event in group), {})] if is_text else group)
    ]


def safe(tree: list[tuple[str, str, dict[str, str]]]) -> list[tuple[str, str, dict[str, str]]]:
    """What the format lets a body be compared by."""
    return [(kind, name, attributes(name, values)) for kind, name, values in tree]


def attributes(tag: str, values: dict[str, str]) -> dict[str, str]:
    """Those that are allowed and not added, proxies undone, lazy images as the repair makes them."""
    allowed = policy.EVERYWHERE.keys() | policy.ATTRIBUTES.get(tag, {}).keys()
    real = {name: values[f"data-{name}"] for name in ("src", "srcset") if f"data-{name}" in values}
    values = {name: value for name, value in values.items() if name.removeprefix("data-") not in real} | real
    return {
        name: declarations(value) if name == "style" else value.replace(PROXY, "")
        for name, value in sorted(values.items())
        if name in allowed or name.startswith("data-")
    }


def declarations(style: str) -> str:
    """The declarations of a style, sorted, without blanks."""
    return ";".join(sorted(re.sub(r"\s+", "", one) for one in style.split(";") if one.strip()))
