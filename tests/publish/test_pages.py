import re
from dataclasses import replace
from typing import Any
from urllib.parse import quote, unquote, urljoin, urlsplit

import html5lib
import pytest
from publishing import SITE, article, provenance, render_page

from aggregator.model import Article, Node, Related
from aggregator.options import Terms
from aggregator.publish.paths import FEED_FILES, feed_folders, page_path

HTML = "{http://www.w3.org/1999/xhtml}"
NODES = [
    Node("category", ()),
    Node("category", ("新媒体",)),
    Node("category", ("新媒体", "<b>半岛</b> & 网")),
    Node("source", ("Feed one",)),
]


def page(*articles: Article, language: str = "zh") -> str:
    return render_page(NODES[0], feed_folders(NODES), articles, replace(SITE, language=language)).decode()


def parsed(text: str) -> Any:
    """The page as an xml.etree element; any parse error raises."""
    return html5lib.HTMLParser(strict=True).parse(text)


def test_the_page_is_valid_and_says_its_language() -> None:
    """The page parses without an error and its language is the site's."""
    root = parsed(page(article()))
    assert root.get("lang") == "zh"
    assert root.findtext(f"{HTML}head/{HTML}title") == "World news"


@pytest.mark.parametrize(
    ("language", "direction"),
    [("zh", None), ("ar", "rtl"), ("he-IL", "rtl"), ("uz-Arab-AF", "rtl"), ("ug-Latn", None), ("arn", None)],
)
def test_the_page_runs_as_its_language_does(language: str, direction: str | None) -> None:
    """Sites in Arabic or Hebrew begin at the right; in another script the same language does not."""
    root = parsed(page(article(), language=language))
    assert (root.get("lang"), root.get("dir")) == (language, direction)


def test_no_title_turns_what_stands_beside_it() -> None:
    """A title that runs the other way, or holds an override, is apart from the text around it."""
    turned = "\u202eevil"
    other = Related(uid="0" * 32, title=turned, link="https://other.example/1", source="S")
    told = article(1, title=turned, sources=(provenance(turned),), related=(other,))
    root = parsed(page(told, article(2, title=turned, link=None)))
    holders = [one for one in root.iter() if turned in (one.text or "")]
    assert len(holders) == 4
    assert all(one.tag == f"{HTML}bdi" or one.get("dir") == "auto" for one in holders)
    assert not any(turned in (one.tail or "") for one in root.iter())


def hrefs(root: Any, element: str = "a") -> list[str]:
    return [link.get("href") for link in root.iter(f"{HTML}{element}")]


def test_every_feed_and_page_is_linked() -> None:
    """Each category and source has its page and three feeds; browsers are told of the newest's."""
    root = parsed(page())
    links = hrefs(root)
    assert len(links) == len(set(links)) == 3 + 2 + 3 * (1 + 3)
    assert "./opml.xml" in links
    assert "./feeds/by-source/Feed-one/rss.xml" in links
    assert "./feeds/by-source/Feed-one/index.html" in links
    announced = [link.get("type") for link in root.iter(f"{HTML}link")]
    assert announced == ["application/atom+xml", "application/rss+xml", "application/feed+json"]


def test_the_page_of_a_category_lists_what_is_below() -> None:
    """A category has its own feeds, its subcategories and the way back, all relative to its folder."""
    root = parsed(render_page(NODES[1], feed_folders(NODES), [article()], SITE).decode())
    quoted = "b%E5%8D%8A%E5%B2%9Bb--%E7%BD%91"
    assert hrefs(root) == [
        "../../index.html",
        *("./atom.xml", "./rss.xml", "./feed.json"),
        f"./{quoted}/index.html",
        *(f"./{quoted}/{name}" for name in ("atom.xml", "rss.xml", "feed.json")),
        "https://www.example.net/1",
    ]
    assert root.findtext(f".//{HTML}h1") == "新媒体"


def test_the_page_of_a_subcategory_names_those_above() -> None:
    """The way back leads over each category above; a page without anything below has no list of it."""
    root = parsed(render_page(NODES[2], feed_folders(NODES), [], SITE).decode())
    assert hrefs(root)[:2] == ["../../../index.html", "../index.html"]
    assert root.find(f".//{HTML}nav") is None


def test_links_between_pages_lead_to_files() -> None:
    """Every relative link of every page names a file that a publishing run writes."""
    folders = feed_folders(NODES)
    pages = {
        page_path(node, folder): render_page(node, folders, [], SITE) for node, folder in folders.items()
    }
    feeds = {f"{folder}/{name}" for folder in folders.values() for name in FEED_FILES.values()}
    known = {*pages, *feeds, "opml.xml", "sources.opml"}
    for path, data in pages.items():
        for href in hrefs(parsed(data.decode())) + hrefs(parsed(data.decode()), "link"):
            assert unquote(urlsplit(urljoin(f"http://x/{quote(path)}", href)).path)[1:] in known


def test_terms_show() -> None:
    """A page that is not to be indexed says so to search engines; a licence note is shown and linked."""
    terms = Terms(noindex=True, licence="CC BY 4.0 https://creativecommons.org/licenses/by/4.0/ <b>")
    site = replace(SITE, terms=((NODES[1], terms),))
    folders = feed_folders(NODES)
    inside = parsed(render_page(NODES[2], folders, [], site).decode())
    outside = parsed(render_page(NODES[0], folders, [], site).decode())
    assert [meta.get("content") for meta in inside.iter(f"{HTML}meta") if meta.get("name") == "robots"] == [
        "noindex"
    ]
    assert [
        (link.get("href"), link.text) for link in inside.iter(f"{HTML}a") if link.get("rel") == "license"
    ] == [("https://creativecommons.org/licenses/by/4.0/", terms.licence)]
    assert not [meta for meta in outside.iter(f"{HTML}meta") if meta.get("name") == "robots"]
    assert outside.find(f".//{HTML}footer") is None


def test_other_sources_are_named() -> None:
    """An article that several sources carried links to each of them, once."""
    elsewhere = [
        provenance("Other", link="https://other.example/1"),
        provenance("Same", link="https://www.example.net/1"),
    ]
    root = parsed(page(article(sources=(provenance(), *elsewhere, elsewhere[0]))))
    assert [link for link in hrefs(root) if "example/" in link] == ["https://other.example/1"]


def test_articles_show_title_source_date_and_link() -> None:
    """The newest articles are listed; bodies are not."""
    text = page(article(title="Title & <i>more</i>", language="en", body="<p>SECRET</p>"))
    root = parsed(text)
    (line,) = [item for item in root.iter(f"{HTML}li") if item.find(f"{HTML}p") is not None]
    assert line.get("lang") == "en"
    assert line.findtext(f"{HTML}a") == "Title & <i>more</i>"
    assert line.find(f"{HTML}a").get("href") == "https://www.example.net/1"
    assert "".join(line.find(f"{HTML}p").itertext()).strip() == "Aljazeera 半岛网 · 2022-09-13 08:28 UTC"
    assert "SECRET" not in text


def test_untitled_and_unlinked_articles_are_listed() -> None:
    """An article without a title has its first sentence, one without a link is plain text."""
    root = parsed(page(article(title="", body="<p>First. Second.</p>", link=None)))
    (line,) = [item for item in root.iter(f"{HTML}li") if item.find(f"{HTML}p") is not None]
    assert line.find(f"{HTML}a") is None
    assert line.findtext(f"{HTML}bdi") == "First."


def test_hostile_names_stay_text() -> None:
    """No markup, script or style of a stranger gets into the page, and no address but the web's."""
    bad = "</title><script>alert(1)</script>\"' onload=x <style>"
    text = page(
        article(title=bad, link="javascript:alert(1)", language='x" onload="y', sources=(provenance(bad),)),
    )
    assert "<script" not in text
    assert text.count("<style>") == 1
    assert "javascript:" not in text
    assert 'onload="' not in text


def test_nothing_is_fetched_from_elsewhere() -> None:
    """The page has no script, image, font or style sheet from anywhere."""
    text = page(article())
    assert not re.search(
        r"<(script|img|iframe|object|embed|audio|video)\b|@import|url\(|rel=.stylesheet", text
    )


def test_an_empty_site_says_so() -> None:
    """Before the first article the page is there and says that there is none."""
    assert "No articles yet." in page()
    assert 'lang="en"' in page(language="not a language!")[:60]
