import re
from dataclasses import replace
from typing import Any

import html5lib
from publishing import SITE, article, provenance

from aggregator.model import Article, Node
from aggregator.publish.pages import render_index
from aggregator.publish.paths import feed_folders

HTML = "{http://www.w3.org/1999/xhtml}"
NODES = [
    Node("category", ()),
    Node("category", ("新媒体",)),
    Node("category", ("新媒体", "<b>半岛</b> & 网")),
    Node("source", ("Feed one",)),
]


def page(*articles: Article, language: str = "zh") -> str:
    return render_index(feed_folders(NODES), articles, replace(SITE, language=language)).decode()


def parsed(text: str) -> Any:
    """The page as an xml.etree element; any parse error raises."""
    return html5lib.HTMLParser(strict=True).parse(text)


def test_the_page_is_valid_and_says_its_language() -> None:
    """The page parses without an error and its language is the site's."""
    root = parsed(page(article()))
    assert root.get("lang") == "zh"
    assert root.findtext(f"{HTML}head/{HTML}title") == "World news"


def test_every_feed_is_linked() -> None:
    """Each category and source has its three feeds; the newest articles' feeds are announced to browsers."""
    root = parsed(page())
    links = [link.get("href") for link in root.iter(f"{HTML}a")]
    assert len(links) == 4 * 3 + 1
    assert "https://news.example.org/opml.xml" in links
    assert "https://news.example.org/feeds/by-source/Feed-one/rss.xml" in links
    announced = [link.get("type") for link in root.iter(f"{HTML}link")]
    assert announced == ["application/atom+xml", "application/rss+xml", "application/feed+json"]


def test_articles_show_title_source_date_and_link() -> None:
    """The newest articles are listed; bodies are not."""
    text = page(article(title="Title & <i>more</i>", language="en", body="<p>SECRET</p>"))
    root = parsed(text)
    (line,) = [item for item in root.iter(f"{HTML}li") if item.find(f"{HTML}p") is not None]
    assert line.get("lang") == "en"
    assert line.findtext(f"{HTML}a") == "Title & <i>more</i>"
    assert line.find(f"{HTML}a").get("href") == "https://www.example.net/1"
    assert "".join(line.find(f"{HTML}p").itertext()) == "Aljazeera 半岛网 · 2022-09-13 08:28 UTC"
    assert "SECRET" not in text


def test_untitled_and_unlinked_articles_are_listed() -> None:
    """An article without a title has its first sentence, one without a link is plain text."""
    root = parsed(page(article(title="", body="<p>First. Second.</p>", link=None)))
    (line,) = [item for item in root.iter(f"{HTML}li") if item.find(f"{HTML}p") is not None]
    assert line.find(f"{HTML}a") is None
    assert (line.text or "").strip() == "First."


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
