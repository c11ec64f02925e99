from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from publishing import SITE

from aggregator.model import Node
from aggregator.publish.paths import SLUG_BYTES, address, feed_folders, folded, slug, slugs

ALL = Node("category", ())
NAMES = st.text(max_size=200) | st.sampled_from(
    ["a", "A", "a-2", "a 2", "all", "ALL", "archive", "?", "!", "..", "Con"]
)


def category(*names: str) -> Node:
    return Node("category", names)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("新闻", "新闻"),
        ("Aljazeera 半岛网", "Aljazeera-半岛网"),
        ("  two \t\n words\u3000here ", "two-words-here"),
        ("News & Views", "News--Views"),
        ("C++ / C#", "C--C"),
        ("../../etc/passwd", "etcpasswd"),
        (".hidden.", "hidden"),
        ("a%2e%2e", "a2e2e"),
        ("e\u0301te\u0301", "été"),
        ("x\u202egnp.exe\u0000", "xgnp.exe"),
        ("🎉 party", "🎉-party"),
    ],
)
def test_a_slug_is_the_name_less_what_is_unsafe(name: str, expected: str) -> None:
    """Blanks become hyphens, letters of every script stay, what is unsafe in a path or URL goes."""
    assert slug(name) == expected


def test_names_of_nothing_safe_have_different_slugs() -> None:
    """A name of punctuation alone still names a folder, and always the same one."""
    assert slug("???") == slug("???")
    assert slug("???") != slug("!!!")


def test_folders_follow_the_design() -> None:
    """Everything, a category path and a source have the folders that the design names."""
    deep, source = category("新媒体", "Aljazeera 半岛网", "新闻"), Node("source", ("My Feed",))
    assert feed_folders([ALL, deep, source]) == {
        ALL: "feeds/all",
        deep: "feeds/新媒体/Aljazeera-半岛网/新闻",
        source: "feeds/by-source/My-Feed",
    }


def test_reserved_names_are_kept_apart() -> None:
    """A category that is called like one of our own folders or files gets a number."""
    names = ["all", "By-Source", "ARCHIVE", "atom.xml", "index.html", "nul"]
    assert slugs(names) == {name: f"{name}-2" for name in names}


def test_clashes_get_numbers_by_name_order() -> None:
    """Names that share a slug but for case are numbered in name order, around natural owners."""
    assert slugs(["a b", "A-B", "a-b", "a b 2"]) == {
        "A-B": "A-B",
        "a b": "a-b-3",
        "a b 2": "a-b-2",
        "a-b": "a-b-4",
    }


def test_who_has_a_slug_keeps_it() -> None:
    """A name that comes later takes nobody's, whichever of the two is first in name order."""
    assert slugs(["News", "news"], {"news": "news"}) == {"news": "news", "News": "News-2"}
    assert slugs(["News"], {"News": "News-2"}) == {"News": "News-2"}
    assert slugs(["A", "a", "a 2"], {"a": "a", "A": "A-2"}) == {"a": "a", "A": "A-2", "a 2": "a-2-2"}
    old, new = category("news", "World"), category("News", "World")
    held = {category("news"): "news", old: "World"}
    assert feed_folders([old, new], held) == {new: "feeds/News-2/World", old: "feeds/news/World"}


def test_a_clash_stays_within_its_folder() -> None:
    """The same name under two parents needs no number."""
    nodes = [category("x", "News"), category("y", "News"), category("x", "news")]
    assert sorted(feed_folders(nodes).values()) == ["feeds/x/News", "feeds/x/news-2", "feeds/y/News"]


def test_sources_and_categories_do_not_clash() -> None:
    """A source may be called like a category."""
    nodes = [category("News"), Node("source", ("News",))]
    assert sorted(feed_folders(nodes).values()) == ["feeds/News", "feeds/by-source/News"]


@given(NAMES)
def test_a_slug_is_always_a_safe_segment(name: str) -> None:
    """Whatever the name: no separator, no dot file, no empty segment, never too long."""
    found = slug(name)
    assert found
    assert not found.startswith(".")
    assert not found.endswith(".")
    assert not set(found) & set('/\\:?*"<>|#%& \t\n\0')
    assert len(found.encode()) <= SLUG_BYTES


@given(st.sets(NAMES, max_size=12))
def test_no_two_names_share_a_folder(names: set[str]) -> None:
    """Whatever the names: each has a slug, all differ without case, none is reserved or too long."""
    found = slugs(names)
    assert set(found) == names
    assert all(folded(a) != folded(b) for a, b in combinations(found.values(), 2))
    assert not {folded(value) for value in found.values()} & {"all", "by-source", "archive", "atom.xml"}
    assert all(len(value.encode()) <= SLUG_BYTES for value in found.values())


def test_many_clashes_are_quick() -> None:
    """Thousands of names with one slug are numbered without quadratic work."""
    names = [f"a{chr(0xE000 + number)}" for number in range(5_000)]
    assert set(slugs(names).values()) == {"a"} | {f"a-{number}" for number in range(2, 5_001)}


def test_addresses_are_percent_encoded() -> None:
    """The public URL of a path is ASCII and begins with the site's."""
    assert address(SITE, "feeds/新 闻/a~b/atom.xml") == (
        "https://news.example.org/feeds/%E6%96%B0%20%E9%97%BB/a~b/atom.xml"
    )
    assert address(SITE, "") == "https://news.example.org/"
