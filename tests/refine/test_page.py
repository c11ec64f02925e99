"""The article in a web page."""

import time

import pytest

from aggregator.model import Refined
from aggregator.refine.page import Page, read_page, with_page

URL = "https://www.a.example/news/1"
PARAGRAPHS = "".join(
    f"<p>Paragraph {number} of the page says enough words to be taken for text, and goes on a while.</p>"
    for number in range(6)
)
ARTICLE = Refined(
    key="g:1", uid="0" * 32, title="Ships", body="<p>Teaser</p>", canonical_link="https://a.example/news/1"
)


def page(body: str = "", head: str = "", lang: str = "") -> Page:
    markup = f"""<!doctype html><html {lang}><head><title>Ships - A</title>{head}</head><body>
    <nav><a href="/">Home</a> <a href="/about">About us</a></nav>
    <article><h1>Ships</h1>{body or PARAGRAPHS}</article>
    <footer>All rights reserved. <a href="/imprint">Imprint</a></footer></body></html>"""
    return read_page(markup, URL, title="Ships")


def test_the_text_is_found_and_what_stands_around_it_is_not() -> None:
    """Navigation, footer and the heading that repeats the title stay away."""
    body = page().body
    assert "Paragraph 0" in body
    assert "Paragraph 5" in body
    assert not any(word in body for word in ("Home", "Imprint", "<h1"))


def test_what_a_page_holds_is_cleaned_like_any_body() -> None:
    """Scripts go, addresses become absolute, links get their rel."""
    body = page(
        PARAGRAPHS
        + '<p>More, with <a href="/x?utm_source=a" onclick="evil()">a link</a><script>evil()</script>.</p>'
        '<p><a href="javascript:evil()">bad</a> words follow here, so that this is a paragraph too.</p>'
    ).body
    assert 'href="https://www.a.example/x"' in body
    assert "noopener" in body
    assert "evil" not in body


def test_what_the_head_says() -> None:
    """og:image and rel=canonical are made absolute, the language is a tag."""
    found = page(
        head='<meta property="og:image" content="/i.jpg"><link rel="canonical" href="/news/1?utm_source=x">',
        lang='lang="en_GB"',
    )
    assert (found.image, found.canonical_link, found.language) == (
        "https://www.a.example/i.jpg",
        "https://a.example/news/1",
        "en-GB",
    )


@pytest.mark.parametrize("markup", ["", " ", "<", "\x00", "<!-- ", "<html>", "plain", "<div>" * 50_000])
def test_no_page_breaks_anything(markup: str) -> None:
    """What holds no article gives next to nothing."""
    assert len(read_page(markup, URL).body) < 20


@pytest.mark.parametrize(
    "markup",
    [
        "<div>" * 200_000,
        "<div " + " ".join(f"a{number}=1" for number in range(200_000)) + ">",
        "<!-- x" * 200_000,
        "<table><tr><td>" * 100_000,
    ],
    ids=["deep", "attributes", "comments", "tables"],
)
def test_what_holds_parsers_up_is_cut_before(markup: str) -> None:
    """libxml2 takes minutes for 200,000 attributes of one element; a page with them takes no second."""
    begun = time.process_time()
    read_page(markup, URL)
    assert time.process_time() - begun < 5


def test_an_article_takes_the_text_and_keeps_what_it_is_known_by() -> None:
    """Hashes are of what the feed said: its next word on the entry is compared with that."""
    whole = with_page(ARTICLE, page(head='<meta property="og:image" content="/i.jpg">', lang='lang="en"'))
    assert whole is not None
    assert "Paragraph 5" in whole.body
    assert (whole.image, whole.image_from, whole.language) == ("https://www.a.example/i.jpg", "page", "en")
    assert "full-text" in whole.notes
    assert (whole.key, whole.uid, whole.text_hash) == (ARTICLE.key, ARTICLE.uid, ARTICLE.text_hash)


def test_a_page_that_says_less_is_not_taken() -> None:
    """A wall in front of the text is shorter than the feed's own."""
    long = Refined(key="g:1", uid="0" * 32, body=f"<div>{PARAGRAPHS * 3}</div>")
    assert with_page(long, page()) is None
    assert with_page(ARTICLE, Page()) is None


@pytest.mark.parametrize(
    ("image_from", "expected"),
    [("media", "media"), ("enclosure", "enclosure"), ("body", "page"), ("", "page")],
)
def test_what_the_feed_names_as_its_picture_goes_before_the_page_s(image_from: str, expected: str) -> None:
    """The feed's own choice, then the first image of the text, then og:image."""
    article = Refined(
        key="g:1",
        uid="0" * 32,
        image="https://a.example/feed.jpg" if image_from else None,
        image_from=image_from,
    )
    whole = with_page(article, Page(body=PARAGRAPHS, image="https://a.example/og.jpg"))
    assert whole is not None
    assert whole.image_from == expected
    first = with_page(article, Page(body=f'<img src="https://a.example/1.jpg">{PARAGRAPHS}'))
    assert first is not None
    assert first.image_from == (image_from if image_from in {"media", "enclosure"} else "body")


@pytest.mark.parametrize(
    ("claimed", "expected"),
    [
        ("https://m.a.example/news/one", "https://m.a.example/news/one"),
        ("https://evil.example/news/1", "https://a.example/news/1"),
        ("https://b.a.example/news/1", "https://a.example/news/1"),
        ("https://a.example/", "https://a.example/news/1"),
        (None, "https://a.example/news/1"),
    ],
)
def test_a_page_may_name_another_address_of_its_own_site_only(claimed: str | None, expected: str) -> None:
    """Else a page could pass for an article of somebody else, or all pages for one."""
    whole = with_page(ARTICLE, Page(body=PARAGRAPHS, canonical_link=claimed))
    assert whole is not None
    assert whole.canonical_link == expected


def test_pre_keeps_its_lines() -> None:
    """Code is one block with its line ends."""
    body = page(PARAGRAPHS + "<pre><code>x = 1\ny = 2</code></pre>" + PARAGRAPHS).body
    assert "x = 1\ny = 2" in body
    assert body.count("<pre") == 1
