"""Atom 1.0 (RFC 4287): heads made by feedgen and completed through its extension interface; entries."""

import html
from collections.abc import Iterator, Sequence
from functools import lru_cache

from feedgen.ext.base import BaseExtension
from feedgen.feed import FeedGenerator
from lxml import etree

from aggregator.model import Tombstone
from aggregator.publish import beside, episodes
from aggregator.publish.entry import Facts, Whence
from aggregator.publish.head import FEED_TYPES, GENERATOR, VERSION, Head
from aggregator.publish.xmltext import attribute, element, empty, escaped

MEDIA_NS = "http://search.yahoo.com/mrss/"
HISTORY_NS = "http://purl.org/syndication/history/1.0"  # RFC 5005
TOMBSTONE_NS = "http://purl.org/atompub/tombstones/1.0"  # RFC 6721
INDEXING_NS = "urn:atom-extension:indexing"  # what search engines agreed on for feeds
_END = b"</feed>"


class _Document(BaseExtension):  # type: ignore[misc]  # feedgen has no types
    """What feedgen does not know of feeds."""

    head: Head
    tombstones: Sequence[Tombstone] = ()

    def extend_ns(self) -> dict[str, str]:
        namespaces = {"media": MEDIA_NS}
        if self.head.archive:
            namespaces["fh"] = HISTORY_NS
        if self.tombstones:
            namespaces["at"] = TOMBSTONE_NS
        if self.head.noindex:
            namespaces["idx"] = INDEXING_NS
        return namespaces

    def extend_atom(self, feed: etree._Element) -> etree._Element:
        for name in ("title", "rights"):
            _declare(feed.find(name))
        if self.head.noindex:
            feed.set(f"{{{INDEXING_NS}}}index", "no")
        if self.head.archive:
            etree.SubElement(feed, f"{{{HISTORY_NS}}}archive")
        for grave in self.tombstones:  # RFC 6721 section 3
            name = f"{{{TOMBSTONE_NS}}}deleted-entry"
            etree.SubElement(feed, name, ref=grave.id, when=grave.when.isoformat())
        feed[-1].tail = "\n"
        return feed


def _declare(construct: etree._Element | None) -> None:
    """Says that a text construct is HTML (RFC 4287 3.1.1) if readers that take it for HTML would go wrong."""
    if construct is not None and construct.text and _looks_like_html(construct.text):
        construct.text = html.escape(construct.text, quote=False)
        construct.set("type", "html")


def _looks_like_html(text: str) -> bool:
    return "<" in text or "&" in text


def _plain(name: str, text: str) -> str:
    """A text construct; `_declare` for elements that are written as text."""
    return _html(name, text) if _looks_like_html(text) else element(name, text)


def _html(name: str, text: str) -> str:
    """Plain text as a text construct of type HTML."""
    return f'<{name} type="html">{escaped(html.escape(text, quote=False))}</{name}>'


def render_entry(facts: Facts) -> bytes:
    """The `entry` element as UTF-8: a line each, for people and for git."""
    language = f' xml:lang="{facts.language}"' if facts.language else ""
    updated = f"<updated>{facts.updated.isoformat()}</updated>"
    parts = [
        f"<entry{language}><id>{escaped(facts.id)}</id>",
        _plain("title", facts.title),
        updated,
        *[f"<author><name>{escaped(name)}</name></author>" for name in facts.authors],
        *_content(facts),
        *[f'<category term="{attribute(name)}"/>' for name in facts.categories],
        f"<published>{facts.published.isoformat()}</published>",
    ]
    if facts.rights:
        parts.append(_plain("rights", facts.rights))
    parts += _links(facts)
    if facts.image:
        parts.append(f'<media:thumbnail url="{attribute(facts.image)}"/>')
    # The date of the source is the entry's own: its own as it is now would change entries that did not.
    begin, end = _source(facts.whence)
    return "".join((*parts, begin, updated, end, "</entry>\n")).encode()


def _content(facts: Facts) -> Iterator[str]:
    if not facts.html:
        yield _html("content", facts.summary or facts.title)
        return
    yield f'<content type="html">{escaped(facts.html)}</content>'
    if facts.summary:
        yield _html("summary", facts.summary)


def _links(facts: Facts) -> Iterator[str]:
    if facts.link:
        yield f'<link rel="alternate" type="text/html" href="{attribute(facts.link)}"/>'
    if facts.whence.feed:
        yield f'<link rel="via" href="{attribute(facts.whence.feed)}"/>'
    for enclosure in facts.enclosures:
        length = str(enclosure.length) if enclosure.length else None
        yield empty(
            "link",
            rel="enclosure",
            type=enclosure.type or "",
            href=enclosure.url,
            length=length,
            title=enclosure.title or None,
        )
    yield from episodes.in_atom(facts.episode)
    yield from beside.in_atom(facts.beside)
    for other in (*facts.also, *facts.covered):
        yield empty("link", rel="related", href=other.url, title=other.title)


@lru_cache(maxsize=256)
def _source(whence: Whence) -> tuple[str, str]:
    """atom:source (RFC 4287 4.2.11) with id, title and addresses, what stands before and behind its date."""
    begin = f"<source>{element('id', whence.id)}{_plain('title', whence.title)}"
    links = [
        empty("link", rel=rel, href=href)
        for rel, href in (("self", whence.feed), ("alternate", whence.link))
        if href
    ]
    return begin, "".join((*links, "</source>"))


def frame(head: Head, tombstones: Sequence[Tombstone] = ()) -> tuple[bytes, bytes]:
    """What stands before the entries, by feedgen, and what stands behind them."""
    document = _Document()
    document.head, document.tombstones = head, tombstones
    feed = FeedGenerator()
    feed.register_extension("document", lambda: document)
    feed.id(head.id)
    feed.title(head.title)
    feed.updated(head.updated)
    feed.language(head.language)
    feed.link(href=head.self_url, rel="self", type=FEED_TYPES["atom"])
    feed.link(href=head.home_url, rel="alternate", type="text/html")
    for rel, href in head.links:
        feed.link(href=href, rel=rel)
    if head.rights:
        feed.rights(head.rights)
    feed.generator(GENERATOR, version=VERSION)
    return bytes(feed.atom_str()).removesuffix(_END), _END
