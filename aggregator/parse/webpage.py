"""Web pages where a feed was expected: what they are, and which feeds they name."""

import re
from html import unescape
from urllib.parse import urljoin

_ELEMENTS = frozenset(("html", "head", "body", "title", "meta", "script", "style", "div", "p", "table"))
_DOCTYPE = re.compile(r"<!doctype\s+html", re.IGNORECASE)
_LINK = re.compile(r"<link\b([^<>]{0,2000})>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""([a-z-]{1,20})\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
_BASE = re.compile(r"""<base\b[^<>]{0,500}?\bhref\s*=\s*["']?([^\s"'>]+)""", re.IGNORECASE)
_TITLE = re.compile(r"<title\b[^<>]{0,500}>([^<]{0,2000})", re.IGNORECASE)
_UNSEEN = re.compile(r"<(script|style)\b.{0,20000}?</\1\s*>|<[^<>]{0,5000}>", re.IGNORECASE | re.DOTALL)
_TYPES = frozenset(
    ("application/rss+xml", "application/atom+xml", "application/feed+json", "application/rdf+xml")
)
_HEAD = 200_000
"""Characters; links to feeds stand in the head of a page."""
_SNIPPET = 80


def is_webpage(root: str, doctype: str) -> bool:
    """Whether a document with this root element and DTD is a web page.

    A feed may stand behind a page's DTD; only a document without a root element is judged by it.
    """
    return root in _ELEMENTS or (not root and _DOCTYPE.match(doctype) is not None)


def advertised(text: str, url: str) -> tuple[str, ...]:
    """The absolute addresses of the feeds that a page names in `link rel="alternate"`."""
    head = text[:_HEAD]
    base = _BASE.search(head)
    start = _join(url, unescape(base[1])) if base else url
    found = []
    for link in _LINK.finditer(head):
        values = {
            name.lower(): unescape(double or single or bare)
            for name, double, single, bare in _ATTRIBUTE.findall(link[1])
        }
        kind = values.get("type", "").split(";")[0].strip().lower()
        if "alternate" in values.get("rel", "").lower().split() and kind in _TYPES and values.get("href"):
            found.append(_join(start, values["href"].strip()))
    return tuple(dict.fromkeys(filter(None, found)))


def _join(base: str, reference: str) -> str:
    try:
        return urljoin(base, reference)
    except ValueError:
        return ""


def snippet(text: str) -> str:
    """The title of a page, or the first words of any text, on one line."""
    head = text[:_HEAD]
    title = _TITLE.search(head)
    words = " ".join(unescape(title[1]).split()) if title else ""
    if not words:
        words = " ".join(unescape(_UNSEEN.sub(" ", head[:20_000])).split())
    words = "".join(
        sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in words[: _SNIPPET + 1]
    )
    return words if len(words) <= _SNIPPET else words[: _SNIPPET - 1] + "…"


def complaint(text: str, url: str) -> str:
    """The sentence that says a page is no feed, what it begins with, and where its feeds are."""
    sentence = f'this is a web page, not a feed: "{snippet(text)}"'
    feeds = advertised(text, url)
    if not feeds:
        return f"{sentence}; it names no feed"
    shown = ", ".join(feeds[:5]) + (f" and {len(feeds) - 5} more" if len(feeds) > 5 else "")
    return f"{sentence}; the feeds it names: {shown}"
