"""Reading and writing the front-matter format, rule by rule of docs/format.md."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from aggregator.errors import ParseError
from aggregator.model import Entry
from aggregator.parse.frontmatter import MAX_BYTES, read, title_text, write
from aggregator.parse.yamltext import Value

HERE = Path(__file__).parent.parent
DATA = HERE / "data" / "frontmatter"
CORPUS = HERE.parent.parent / "shared" / "samples" / "corpus"
MTIME = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
PROXIES = ("https://cors.zfour.workers.dev/?",)
FIELDS: dict[str, Value] = {
    "title": "A title",
    "categories": ("新媒体", "某站", "最新"),
    "headimg": "https://img.example.org/a.jpg",
    "author": "某站",
    "comments": "false",
    "date": "Tue, 13 Sep 2022 09:28:50 GMT",
    "thumbnail": "https://img.example.org/a.jpg",
}


def entry(data: bytes, path: str = "a.md", **settings: Any) -> Entry:
    return read(data, path=path, mtime=MTIME, **({"proxy_prefixes": PROXIES} | settings))


def header(data: bytes) -> str:
    return data.decode().split("---\n", 2)[1]


def as_json(value: object) -> object:
    """A field of an entry as the cases spell it."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        return list(value)
    return getattr(value, "value", value)


@pytest.mark.parametrize("case", sorted(DATA.glob("*.md")), ids=lambda case: case.stem)
def test_each_case_is_read_as_the_file_beside_it_says(case: Path) -> None:
    """Every oddity of the archive, and some of our own, gives the entry written down for it."""
    expected = json.loads(case.with_suffix(".json").read_text("utf-8"))
    del expected["shows"]
    found = entry(case.read_bytes(), case.name)
    assert {key: as_json(getattr(found, key)) for key in expected} == expected


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is empty"),
        (b"\n \r\n\t", "is empty"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "is binary"),
        (b"<p>Just HTML</p>", "has no front matter"),
        ("没有抬头的文章".encode("gbk"), "has no front matter"),
        (b"title: x\n---\ntext", "has no front matter"),
        (b"---\ntitle: x\n\nNever closed", "is not closed"),
        (b"---\nA text between two rules\n---\n", "no `key: value`"),
        (b"---\n" + b"x" * MAX_BYTES, "has 10.0 MB"),
    ],
)
def test_what_is_no_article_says_why(data: bytes, says: str) -> None:
    """A file that cannot be read costs itself and gives one clear line."""
    with pytest.raises(ParseError, match=re.escape(says)) as caught:
        entry(data)
    assert "\n" not in str(caught.value)


def test_bare_dates_are_taken_in_the_zone_of_the_settings() -> None:
    """12:10 in Shanghai is 04:10 in UTC, in winter and summer."""
    data = (DATA / "bare-date.md").read_bytes()
    assert entry(data, timezone="Asia/Shanghai").published == datetime(2021, 3, 30, 4, 10, 51, tzinfo=UTC)


def test_proxies_are_those_of_the_settings() -> None:
    """Without prefixes nothing is undone; several, and one put before itself, are."""
    data = (DATA / "proxy.md").read_bytes()
    proxied = "https://cors.zfour.workers.dev/?http://img.example.org/b.jpg"
    assert entry(data, proxy_prefixes=()).lead_image == proxied
    twice = data.replace(b"'https://cors", b"'https://p.example.net/https://cors")
    prefixes = ("https://p.example.net/", *PROXIES)
    assert entry(twice, proxy_prefixes=prefixes).lead_image == "http://img.example.org/b.jpg"


def test_the_fallback_image_of_the_settings_is_no_image() -> None:
    """What we write for want of an image is read back as none, quotes and blanks included."""
    fallback = "https://img.example.org/no image's.png"
    data = write(FIELDS | {"headimg": fallback, "thumbnail": fallback}, "<p>x</p>")
    assert entry(data, fallback_image=fallback).lead_image is None
    assert entry(data).lead_image == "https://img.example.org/no%20image%27s.png"


def test_our_own_file_keeps_its_digits() -> None:
    """The name must end in 8 hex digits and the header must be what we would write."""
    ours = write(FIELDS | {"link": "https://www.example.org/1"}, "<p>x</p>")
    assert entry(ours, "2022/09/A title-0a1b2c3d.md").uid_prefix == "0a1b2c3d"
    assert entry(ours, "2022/09/A title-0a1b2c3d.txt").uid_prefix is None
    assert entry(ours, "2022/09/A title-0A1B2C3D.md").uid_prefix is None
    assert entry(ours, "2022/09/A title.md").uid_prefix is None
    assert entry(ours.replace(b"'A title'", b"A title"), "x-0a1b2c3d.md").uid_prefix is None
    assert entry(ours.replace(b"link:", b"linked:"), "x-0a1b2c3d.md").uid_prefix is None
    assert entry(b"---\ntitle: 'x'\n---\n", "x-0a1b2c3d.md").uid_prefix is None


def test_an_image_of_our_own_file_has_no_entities() -> None:
    """What we wrote is an address, not an attribute: `&amp;` in it is `&amp;`."""
    url = "https://img.example.org/a?b&amp;c"
    ours = write(FIELDS | {"headimg": url, "thumbnail": url}, "<p>x</p>")
    assert entry(ours, "x-0a1b2c3d.md").lead_image == url


def test_a_file_is_written_byte_by_byte() -> None:
    """The whole layout, its odd blanks included."""
    data = write(
        FIELDS | {"link": "https://www.example.org/1", "tags": ("x", "yes")}, "<p>a</p>\n\n<p>{b}</p>"
    )
    assert data.decode() == (
        "\n---\ntitle: 'A title'\ncategories: \n - 新媒体\n - 某站\n - 最新\n"
        "headimg: 'https://img.example.org/a.jpg'\nauthor: 某站\ncomments: false\n"
        "date: Tue, 13 Sep 2022 09:28:50 GMT\nthumbnail: 'https://img.example.org/a.jpg'\n"
        "link: https://www.example.org/1\ntags: \n - x\n - 'yes'\n---\n\n"
        "<div>   \n<p>a</p>&#10;\n<p>&#123;b&#125;</p>  \n</div>\n            "
    )


@pytest.mark.parametrize(
    ("title", "written"),
    [
        ("a: b / c \\ d ? e * f “g” <h> | [i]", "'a_ b _ c _ d _ e _ f _g_ _h_ _ _i_'"),
        ("https://x", "'https___x'"),
        ('"x"', "'\"x\"'"),
        ("Don't", '"Don\'t"'),
        ('Don\'t say "no"', '"Don\'t say \\"no\\""'),
        ("curly ’ and ：？｜《》【】# . % & ; $ @ ! 🏆", "'curly ’ and ：？｜《》【】# . % & ; $ @ ! 🏆'"),
        ("a\nb\r\nc\td\x00e\x7ff\x85g\u2028h\u2029i", "'a b  c d e f g h i'"),
        (" ", "' '"),
        ("  two  ", "'  two  '"),
        ("{{ 7*7 }}", "'&#123;&#123; 7_7 &#125;&#125;'"),
        ("lone \ud800 surrogate", "'lone   surrogate'"),
    ],
)
def test_titles_are_written_by_the_rules(title: str, written: str) -> None:
    """Twelve marks become `_`, controls become blanks, quotes are chosen."""
    data = write(FIELDS | {"title": title}, "")
    assert header(data).splitlines()[0] == f"title: {written}"


def test_images_are_percent_encoded_where_yaml_or_templates_would_stumble() -> None:
    """A quote, blank, brace or newline in an address."""
    data = write(FIELDS | {"headimg": "https://i.example.org/it's {a}\nb.jpg?x=1&y=%20"}, "")
    assert "headimg: 'https://i.example.org/it%27s%20%7Ba%7D%20b.jpg?x=1&y=%20'" in header(data)


def test_category_paths_can_be_folders() -> None:
    """A name of a thousand emoji and a path of many levels are cut: no blog could be built of them."""
    data = write(FIELDS | {"categories": ("🏆" * 1000, *"abcdefghijklmnop")}, "")
    assert entry(data).categories == ("🏆" * 50, *"abcdefghijk")


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the archive samples are not here")
@pytest.mark.parametrize("file", sorted(CORPUS.glob("*.md")), ids=lambda file: file.stem)
def test_every_sample_of_the_archive_is_read_whole(file: Path) -> None:
    """Title, path and author are what stands in the header, the body is what stands in the wrapper."""
    text = file.read_bytes().decode()
    found = entry(file.read_bytes())
    lines = header(file.read_bytes()).splitlines()
    assert found.title.value == lines[0].removeprefix("title: ")[1:-1]
    assert found.categories == tuple(line.removeprefix(" - ") for line in lines[2:5])
    assert found.authors == (lines[6].removeprefix("author: "),)
    start, end = "\n---\n\n<div>   \n", "  \n</div>\n            "
    assert found.body.value == text[text.index(start) + len(start) : -len(end)]
    assert (found.published is None) == ("date: Invalid Date" in lines)
    assert (found.lead_image is None) == ("picsum" in lines[5])


TEXTS = st.text(st.characters(), max_size=40) | st.text(
    st.sampled_from("a1 '\"\\:-#&*!|>%@`{}[],?~=._0xeE\n\t\u2028\x85\ufeff是"), max_size=12
)


@given(title=TEXTS, names=st.lists(TEXTS, max_size=4), author=TEXTS, body=TEXTS)
def test_yaml_reads_what_was_written(title: str, names: list[str], author: str, body: str) -> None:
    """Whatever the strings: PyYAML reads the very same values, and so do we; the bytes are a fixed point."""
    blanks = dict.fromkeys(
        [*range(32), *range(127, 160), 0x2028, 0x2029, 0xFFFE, 0xFFFF, *range(0xD800, 0xE000)], " "
    )
    names = [name for name in names if name.translate(blanks).strip()]
    data = write(
        FIELDS | {"title": title, "categories": tuple(names), "author": author, "tags": tuple(names)}, body
    )
    text = header(data).replace("&#123;", "{").replace("&#125;", "}")
    loaded = yaml.load(text, Loader=yaml.CSafeLoader)
    assert loaded["title"] == title_text(title)
    assert (loaded["categories"] or []) == [name.translate(blanks) for name in names]
    assert loaded["author"] == author.translate(blanks)
    again = entry(data, "x-0a1b2c3d.md")
    assert again.title.value == title_text(title).replace("&#123;", "{").replace("&#125;", "}")
    assert again.tags == tuple(name.translate(blanks) for name in names)


@given(
    data=st.binary(max_size=60)
    | TEXTS.map(lambda text: f"---\n{text}\n---\n{text}".encode("utf-8", "replace"))
)
def test_reading_fails_only_in_words(data: bytes) -> None:
    """Any bytes give an entry or a ParseError."""
    try:
        found = entry(data)
    except ParseError:
        return
    else:
        assert found.guid == "a.md"
