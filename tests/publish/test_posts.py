"""Posts: names, headers and the way back."""

import dataclasses
import re
import unicodedata
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from publishing import article, provenance

from aggregator.model import Article, Enclosure, Entry, Origin, Provenance
from aggregator.options import Site
from aggregator.parse.frontmatter import read
from aggregator.publish.posts import MAX_NAME_BYTES, Flavour, post_path, render

HERE = Path(__file__).parent.parent
SAMPLES = HERE.parent.parent / "shared" / "samples"
ARCHIVE = sorted((HERE / "data" / "frontmatter").glob("*.md"))
CORPUS = sorted((SAMPLES / "corpus").glob("*.md"))
NOW = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
PROXIES = ("https://cors.zfour.workers.dev/?",)
PLAIN = Site(extra_keys=())
UID = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"


def header(data: bytes) -> list[str]:
    return data.decode().split("---\n", 2)[1].splitlines()


def stored(entry: Entry) -> Article:
    """The article that an entry becomes, as far as posts are concerned."""
    return article(
        uid=(entry.uid_prefix or "") + UID[len(entry.uid_prefix or "") :],
        title=entry.title.value,
        first_seen=NOW,
        published=entry.published,
        sources=(provenance("Archive", kind="seed", categories=entry.categories or ("Archive",)),),
        link=entry.link,
        guid=None,
        tags=entry.tags,
        body=entry.body.value.replace("&#10;", "\n").replace("&#13;", "\r"),
        image=entry.lead_image,
    )


def test_a_post_has_the_header_of_its_article() -> None:
    """Title, path, image, site, date and link, in that order."""
    data = render(article(image="https://img.example.net/a.jpg?x=1&y=2"), Site())
    assert header(data) == [
        "title: 'Title 1'",
        "categories: ",
        " - 新媒体",
        " - Aljazeera 半岛网",
        " - 新闻",
        "headimg: 'https://img.example.net/a.jpg?x=1&y=2'",
        "author: Aljazeera 半岛网",
        "comments: false",
        "date: Tue, 13 Sep 2022 08:28:50 GMT",
        "thumbnail: 'https://img.example.net/a.jpg?x=1&y=2'",
        "link: https://www.example.net/1",
    ]


def test_without_an_image_the_fallback_stands_in_or_the_keys_are_left_out() -> None:
    """Both keys or none."""
    keys = [line.split(":")[0] for line in header(render(article(), PLAIN))]
    assert keys == [
        "title",
        "categories",
        " - 新媒体",
        " - Aljazeera 半岛网",
        " - 新闻",
        "author",
        "comments",
        "date",
    ]
    lines = header(render(article(), Site(extra_keys=(), fallback_image="https://img.example.net/none.png")))
    assert lines[5] == "headimg: 'https://img.example.net/none.png'"
    assert lines[9] == "thumbnail: 'https://img.example.net/none.png'"


@pytest.mark.parametrize(("levels", "author"), [(1, "The feed"), (2, "B"), (3, "B"), (4, "B")])
def test_the_author_is_the_second_level_or_the_source(levels: int, author: str) -> None:
    """A path may have any number of levels."""
    names = ("A", "B", "C", "D")[:levels]
    lines = header(render(article(sources=(provenance("The feed", categories=names),)), PLAIN))
    assert lines[1 : levels + 4] == [
        "categories: ",
        *[f" - {name}" for name in names],
        f"author: {author}",
        "comments: false",
    ]


def test_an_article_without_a_date_has_that_of_its_first_sight() -> None:
    """In GMT, whatever zone it comes in."""
    seen = datetime(2023, 1, 1, 1, 0, tzinfo=timezone(timedelta(hours=8)))
    post = article(published=None, first_seen=seen)
    assert "date: Sat, 31 Dec 2022 17:00:00 GMT" in header(render(post, PLAIN))
    assert post_path(post).startswith("posts/2022/12/")


@pytest.mark.parametrize(
    ("name", "hexo", "hugo"),
    [
        ("标" * 190, "标" * 66, "标" * 66),
        ("..", "..", "__"),
        ("a/../../b", "a/../../b", "a/__/__/b"),
        ("..\u200b!", "..\u200b!", "__\u200b!"),
        ("index.html", "index.html", "index_html"),
        ("index.html/a", "index.html/a", "index_html/a"),
        ("a..", "a..", "a.."),
        ("v1.2/.NET", "v1.2/.NET", "v1.2/.NET"),
        ("...", "...", "..."),
        ("/..", "/..", "/__"),
        ("/../etc", "/../etc", "/../etc"),
    ],
)
def test_a_strangers_tag_ends_no_build(name: str, hexo: str, hugo: str) -> None:
    """Engines make folders of tags and categories; a name that can be none stops them for all posts."""
    path = article(tags=(name,), sources=(provenance(categories=("A", name)),))
    for flavour, expected in (("hexo", hexo), ("jekyll", hexo), ("hugo", hugo)):
        post = render(path, Site(extra_keys=("tags",), flavour=flavour))  # type: ignore[arg-type]  # is one
        entry = read(post, path="a.md", mtime=NOW)
        assert (entry.tags, entry.categories) == ((expected,), ("A", expected))


def test_extra_keys_are_written_as_asked_in_one_order() -> None:
    """Only what the settings name and the article has."""
    post = article(
        guid="tag:example.net,2022:1",
        tags=("News", "12:30"),
        updated=NOW,
        sources=(provenance("One"), provenance("Two"), provenance("One"), provenance("Three, four")),
    )
    site = Site(extra_keys=("also_in", "source", "updated", "tags", "guid", "link"))
    assert header(render(post, site))[8:] == [
        "link: https://www.example.net/1",
        "guid: tag:example.net,2022:1",
        "tags: ",
        " - News",
        " - '12:30'",
        "updated: Mon, 06 May 2024 07:08:09 GMT",
        "source: One",
        "also_in: ",
        " - Two",
        " - Three, four",
    ]
    bare = article(link=None, guid=None, sources=(provenance("One"),), origin=Origin(title="The Origin"))
    assert header(render(bare, site))[8:] == [
        "updated: " + header(render(bare, site))[8][9:],
        "source: The Origin",
    ]


def test_the_path_of_a_seed_file_is_no_guid() -> None:
    """Only what a feed called its entry is written."""
    site = Site(extra_keys=("guid",))
    assert "guid: a/b.md" not in header(
        render(article(guid="a/b.md", sources=(provenance(kind="seed"),)), site)
    )
    assert "guid: a/b.md" in header(render(article(guid="a/b.md"), site))


@pytest.mark.parametrize(
    ("flavour", "day", "keys"),
    [("jekyll", "2022-09-13-", ["layout: post"]), ("hugo", "", ["draft: false", "markup: html"])],
)
def test_other_engines(flavour: Flavour, day: str, keys: list[str]) -> None:
    """ISO dates, what the engine must be told, no empty line first, and braces kept in the header alone."""
    post = article(title="{{ x }}", body="<p>{{ y }}</p>", uid=UID)
    data = render(post, Site(flavour=flavour, extra_keys=("updated",)))
    assert data.startswith(b"---\ntitle: '{{ x }}'\n")
    assert header(data)[-3 - len(keys) :] == [
        "comments: false",
        "date: 2022-09-13T08:28:50Z",
        *keys,
        "updated: 2022-09-13T08:28:50Z",
    ]
    assert b"<p>&#123;&#123; y &#125;&#125;</p>" in data
    path = post_path(post, flavour)
    assert path == f"posts/2022/09/{day}{{{{ x }}}}-0a1b2c3d.md"
    entry = read(data, path=path.removeprefix("posts/"), mtime=NOW)
    assert (entry.uid_prefix, entry.title.value, entry.body.value) == (UID[:8], post.title, post.body)
    assert len(post_path(article(title="x" * 300), flavour).rsplit("/", 1)[1].encode()) == MAX_NAME_BYTES


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("A plain title", "A plain title"),
        ("a/b\\c: d?", "a_b_c_ d_"),
        ("../../etc/passwd", "etc_passwd"),
        ("..", ""),
        ("[图] 漏洞", "图_ 漏洞"),
        ("_._a_", "a_"),
        (".NET", "NET"),
        ("# Heading #2", " Heading 2"),
        ("a\nb\x00c", "a b c"),
        ("CON", "CON"),
        ("con.txt", "con_.txt"),
        ("NUL. x", "NUL_. x"),
        ("Aux .md", "Aux_ .md"),
        ("COM1.", "COM1_."),
        ("lpt¹.a", "lpt¹_.a"),
        ("CONIN$.x", "CONIN$_.x"),
        ("Console.log", "Console.log"),
        ("e\u0301", "\u00e9"),
        ("{x}", "{x}"),
        ("🏆" * 300, "🏆" * 47),
        ("汉" * 300, "汉" * 62),
        ("👨\u200d👩\u200d👧" * 50, "👨\u200d👩\u200d👧" * 10),
    ],
)
def test_file_names_are_harmless(title: str, name: str) -> None:
    """Points, separators, reserved names, length and composition."""
    path = post_path(article(title=title, uid=UID))
    assert path == f"posts/2022/09/{name}-0a1b2c3d.md"
    assert len(path.removeprefix("posts/2022/09/").encode()) <= MAX_NAME_BYTES


@given(st.text(max_size=300))
def test_any_title_makes_a_name(title: str) -> None:
    """At most 200 bytes, NFC, one component, no hidden file, and nothing that Windows keeps."""
    folder, year, month, name = post_path(article(title=title, uid=UID)).split("/")
    assert (folder, year, month) == ("posts", "2022", "09")
    assert name.endswith("-0a1b2c3d.md")
    assert len(name.encode()) <= MAX_NAME_BYTES
    assert unicodedata.is_normalized("NFC", name)
    assert not name.startswith((".", "_"))
    assert not set(name) & set("#/\\:*?<>|\n\r\t\x00")
    assert not re.match(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])\s*\.", name)


def test_an_untitled_article_is_named_after_its_text() -> None:
    """Its first sentence, else its source and day; the article itself stays untitled."""
    post = article(title="", body="<p>今天下雨。明天不下。</p>")
    assert header(render(post, PLAIN))[0] == "title: '今天下雨。'"
    assert post_path(post).startswith("posts/2022/09/今天下雨。-")
    empty = article(title="", body='<img src="https://img.example.net/a.jpg">')
    assert "Aljazeera 半岛网" in header(render(empty, PLAIN))[0]
    assert "2022" in post_path(empty).rsplit("/", 1)[1]


def test_a_title_is_never_replaced() -> None:
    """A title of one blank is a title too: the archive has it."""
    assert header(render(article(title=" "), PLAIN))[0] == "title: ' '"


def test_what_posts_do_not_carry_changes_no_byte() -> None:
    """Enclosures, summary, language and the like belong to feeds."""
    plain = article()
    rich = dataclasses.replace(
        plain,
        enclosures=(Enclosure("https://www.example.net/a.mp3"),),
        summary="x",
        language="zh",
        rights="all",
    )
    assert render(rich, Site()) == render(plain, Site())


@pytest.mark.parametrize("file", ARCHIVE + CORPUS, ids=lambda file: file.stem)
def test_posts_are_a_fixed_point(file: Path) -> None:
    """A post that is read and written again is the same post under the same name."""
    first = stored(read(file.read_bytes(), path=file.name, mtime=NOW, proxy_prefixes=PROXIES))
    data, path = render(first, Site()), post_path(first)
    entry = read(data, path=path.removeprefix("posts/"), mtime=NOW + timedelta(days=1))
    again = stored(entry)
    assert entry.uid_prefix == UID[:8]
    assert render(again, Site()) == data
    assert post_path(again) == path


def excused(line: str) -> bool:
    """Whether the format excuses a line of the archive's header from being written again as it stands."""
    return bool(
        re.match(r"date: (Invalid Date|\d{4}-)", line)
        or re.match(r"(headimg|thumbnail): 'https://(picsum\.photos|cors\.zfour\.workers\.dev)/", line)
    )


@pytest.mark.skipif(not CORPUS, reason="the archive samples are not here")
@pytest.mark.parametrize("file", CORPUS, ids=lambda file: file.stem)
def test_the_archive_gets_its_own_headers_back(file: Path) -> None:
    """Byte for byte, but for the dates and images that the format excuses."""
    archive = header(file.read_bytes())
    ours = header(
        render(stored(read(file.read_bytes(), path=file.name, mtime=NOW, proxy_prefixes=PROXIES)), PLAIN)
    )
    kept = [line for line in archive if not excused(line)]
    keys = {line.split(":")[0] for line in archive if excused(line)}
    assert [line for line in ours if line.split(":")[0] not in keys] == kept


def test_our_own_archive_file_is_written_byte_by_byte() -> None:
    """The header of an ordinary file of the archive, whole."""
    [file] = [file for file in ARCHIVE if file.stem == "plain"]
    assert render(stored(read(file.read_bytes(), path="plain.md", mtime=NOW)), PLAIN) == file.read_bytes()


def test_provenance_is_that_of_the_origin() -> None:
    """The first source decides path and author."""
    first: Provenance = provenance("One", categories=("a", "b"))
    lines = header(render(article(sources=(first, provenance("Two", categories=("c", "d")))), PLAIN))
    assert lines[1:5] == ["categories: ", " - a", " - b", "author: b"]
