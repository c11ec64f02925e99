"""RSS 2.0 with content:encoded, dc:creator, Media RSS; made by feedgen, completed by its extensions."""

import html
import re
from collections.abc import Sequence
from email.utils import format_datetime

from feedgen.entry import FeedEntry
from feedgen.ext.base import BaseEntryExtension, BaseExtension
from feedgen.feed import FeedGenerator
from lxml import etree

from aggregator.publish.atom import INDEXING_NS, MEDIA_NS
from aggregator.publish.entry import Facts
from aggregator.publish.head import FEED_TYPES, GENERATOR, VERSION, Head

ATOM_NS = "http://www.w3.org/2005/Atom"
DC_NS = "http://purl.org/dc/elements/1.1/"

_TAG_LIKE = re.compile(r"<[A-Za-z/!?]")
# Elements of plain text; RSS does not say whether readers take them for HTML.
_PLAIN = re.compile(
    rb"(<(?:title|source|category|description|copyright|dc:rights)(?: [^<>]*)?>)([^<]*&[^<]*)(?=</)"
)


class _Extras(BaseEntryExtension):  # type: ignore[misc]  # feedgen has no types
    """What feedgen does not write, or writes by switching the locale of the whole process (dates)."""

    facts: Facts

    def extend_rss(self, item: etree._Element) -> etree._Element:
        facts = self.facts
        for name in facts.authors:
            etree.SubElement(item, f"{{{DC_NS}}}creator").text = name
        etree.SubElement(item, "pubDate").text = format_datetime(facts.published, usegmt=True)
        if facts.language:
            etree.SubElement(item, f"{{{DC_NS}}}language").text = facts.language
        if facts.rights:
            etree.SubElement(item, f"{{{DC_NS}}}rights").text = unambiguous(facts.rights)
        if facts.source_feed:
            etree.SubElement(item, "source", url=facts.source_feed).text = unambiguous(facts.source_title)
        for enclosure in facts.enclosures[1:]:
            element = etree.SubElement(item, f"{{{MEDIA_NS}}}content", url=enclosure.url)
            element.set("type", enclosure.type or "")
            if enclosure.length:
                element.set("fileSize", str(enclosure.length))
        if facts.image:
            etree.SubElement(item, f"{{{MEDIA_NS}}}thumbnail", url=facts.image)
        for other in facts.also:
            etree.SubElement(item, f"{{{ATOM_NS}}}link", rel="related", href=other.url, title=other.title)
        return item


class _Document(BaseExtension):  # type: ignore[misc]  # feedgen has no types
    """What feedgen does not know of channels, and the items, which are rendered already."""

    head: Head
    items: Sequence[etree._Element] = ()

    def extend_ns(self) -> dict[str, str]:
        namespaces = {"media": MEDIA_NS, "dc": DC_NS, "atom": ATOM_NS}
        if self.head.noindex:
            namespaces["idx"] = INDEXING_NS
        return namespaces

    def extend_rss(self, rss: etree._Element) -> etree._Element:
        channel = rss[0]
        built = format_datetime(self.head.updated.replace(microsecond=0), usegmt=True)
        etree.SubElement(channel, "lastBuildDate").text = built
        for rel, href in self.head.links:
            etree.SubElement(channel, f"{{{ATOM_NS}}}link", rel=rel, href=href)
        if self.head.noindex:
            channel.set(f"{{{INDEXING_NS}}}index", "no")
        channel[-1].tail = "\n"
        channel.extend(self.items)
        return rss


def unambiguous(text: str) -> str:
    """Plain text for an element that some readers take for HTML.

    Text in which they would see a tag or an entity is escaped once more: most do take it for
    HTML, and to lose words is worse than to show an escape.
    """
    if _TAG_LIKE.search(text) or ("&" in text and html.unescape(text) != text):
        return html.escape(text, quote=False)
    return text


def render_entry(facts: Facts) -> etree._Element:
    """The `item` element. Raises ValueError where lxml or feedgen refuses a text."""
    entry = FeedEntry()
    entry.guid(facts.id, permalink=facts.permalink)
    entry.title(unambiguous(facts.title))
    if facts.link:
        entry.link(href=facts.link)
    if facts.html:
        entry.content(facts.html)
    entry.description(html.escape(facts.summary or facts.title, quote=False))
    if facts.categories:
        entry.category([{"term": unambiguous(name)} for name in facts.categories])
    if facts.enclosures:
        first = facts.enclosures[0]
        entry.enclosure(first.url, str(first.length or 0), first.type)
    entry.register_extension("extras", _Extras)
    entry.extras.facts = facts
    element: etree._Element = entry.rss_entry()
    element.tail = "\n"  # a line each, for people and for git
    return element


def render(head: Head, items: Sequence[etree._Element]) -> bytes:
    """The document; the elements are moved into it."""
    document = _Document()
    document.head, document.items = head, items
    feed = FeedGenerator()
    feed.register_extension("document", lambda: document)
    feed.title(unambiguous(head.title))
    feed.description(unambiguous(head.title))
    # To write this date itself feedgen switches the locale of the whole process, other threads included.
    feed._FeedGenerator__rss_lastBuildDate = None  # noqa: SLF001 - it has no other way to leave it out
    feed.language(head.language)
    feed.link(href=head.self_url, rel="self", type=FEED_TYPES["rss"])
    feed.link(href=head.home_url, rel="alternate", type="text/html")
    if head.rights:
        feed.copyright(unambiguous(head.rights))
    feed.generator(f"{GENERATOR} {VERSION}")
    return _PLAIN.sub(_numeric, bytes(feed.rss_str()))


def _numeric(match: re.Match[bytes]) -> bytes:
    """`&` and `<` by number, as the RSS Advisory Board's profile asks for in plain text."""
    text = match[2].replace(b"&amp;", b"&#x26;").replace(b"&lt;", b"&#x3C;")
    return match[1] + text
