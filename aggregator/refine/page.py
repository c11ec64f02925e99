"""The article in a web page: what `full_text = true` brings. Pure; the page is a stranger's.

    page ─► bound ─► trafilatura ─► sanitize ─► body
               └───► head ─► og:image, rel=canonical, language

Meant for a worker process: trafilatura takes some seconds for the largest pages.
"""

import html
import logging
import re
from dataclasses import dataclass, replace
from typing import Any

from aggregator.model import Refined
from aggregator.refine import language, policy
from aggregator.refine.bounds import bound
from aggregator.refine.html import sanitize
from aggregator.refine.identity import identifies
from aggregator.refine.images import body_images
from aggregator.refine.text import collapse, label, lines, scrub
from aggregator.refine.urls import absolute, canonical

_NESTED_PRE = re.compile(r"<(/?)pre>\s*<\1pre>")
_FIRST_HEADING = re.compile(r"\s*<h([1-6])>(.*?)</h\1>", re.DOTALL)
_SAME_SITE = re.compile(r"(?:www|m|mobile|amp)\.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What a page holds: its article as sanitised HTML, and what its head says."""

    body: str = ""
    image: str | None = None
    canonical_link: str | None = None
    language: str | None = None
    notes: tuple[str, ...] = ()


def read_page(
    markup: str,
    url: str,
    *,
    title: str = "",
    players: frozenset[str] = frozenset(policy.PLAYERS),
    tracking: bool = False,
) -> Page:
    """The article of a page at `url`; empty where none is found. A heading that repeats `title` goes."""
    # Heavy, and most programs never need them.
    import trafilatura
    from lxml import html as lxml_html
    from lxml.etree import LxmlError

    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
    bounded, cut = bound(scrub(markup))
    try:
        parser = lxml_html.HTMLParser(
            encoding="utf-8", remove_comments=True, no_network=True, huge_tree=False
        )
        tree = lxml_html.document_fromstring(bounded.encode("utf-8", "replace"), parser=parser)
    except (LxmlError, ValueError):
        return Page()
    head = _head(tree, url)
    found = trafilatura.extract(
        tree,
        url=url,
        output_format="html",
        include_links=True,
        include_images=True,
        include_formatting=True,
        include_comments=False,
    )
    cleaned = sanitize(
        _without_title(_NESTED_PRE.sub(r"<\1pre>", found or ""), title),
        base=url,
        players=players,
        tracking=tracking,
    )
    return replace(head, body=cleaned.html.strip(), notes=(*cut, *cleaned.notes))


def with_page(article: Refined, page: Page) -> Refined | None:
    """`article` with the text of its page; None where the page says less than the feed did.

    What it is known by stays, but for the canonical link: an edit in the feed is one of the feed's text.
    """
    before, after = collapse(lines(article.body)), collapse(lines(page.body))
    if len(after) <= len(before):
        return None
    image, image_from = article.image, article.image_from
    if image_from not in {"media", "enclosure"}:
        first = next(body_images(page.body), None)
        image, image_from = (
            (first, "body") if first else (page.image or image, "page" if page.image else image_from)
        )
    return replace(
        article,
        body=page.body,
        image=image,
        image_from=image_from if image else "",
        canonical_link=_agreed(article.canonical_link, page.canonical_link),
        language=article.language or page.language,
        notes=tuple(dict.fromkeys((*page.notes, "full-text"))),
    )


def _agreed(ours: str | None, theirs: str | None) -> str | None:
    """The page's canonical link where it is one of the same site: others might name anything."""
    if ours is None or theirs is None or not identifies(theirs) or _site(ours) != _site(theirs):
        return ours
    return theirs


def _site(link: str) -> str:
    return _SAME_SITE.sub("", link.partition("://")[2].partition("/")[0], count=1)


def _head(tree: Any, url: str) -> Page:  # noqa: ANN401 - an lxml element
    images = tree.xpath('//meta[@property="og:image" or @name="og:image"]/@content')
    links = tree.xpath('//link[contains(concat(" ", normalize-space(@rel), " "), " canonical ")]/@href')
    image = absolute(str(images[0]), url) if images else None
    return Page(
        image=image if image and image.startswith("http") else None,
        canonical_link=canonical(absolute(str(links[0]), url)) if links else None,
        language=language.tag(tree.get("lang")),
    )


def _without_title(found: str, title: str) -> str:
    """The extracted HTML without a first heading that says what the title says."""
    start = found.find("<body>") + len("<body>") if "<body>" in found else 0
    heading = _FIRST_HEADING.match(found, start)
    if heading and title and html.unescape(label(heading[2])) == collapse(title):
        return found[heading.end() :]
    return found
