"""Atom 1.0 (RFC 4287), made by feedgen and completed through its extension interface."""

import html
from collections.abc import Sequence

from feedgen.entry import FeedEntry
from feedgen.ext.base import BaseEntryExtension, BaseExtension
from feedgen.feed import FeedGenerator
from lxml import etree

from aggregator.model import Tombstone
from aggregator.publish.entry import Facts, clean
from aggregator.publish.head import FEED_TYPES, GENERATOR, VERSION, Head

MEDIA_NS = "http://search.yahoo.com/mrss/"
HISTORY_NS = "http://purl.org/syndication/history/1.0"  # RFC 5005
TOMBSTONE_NS = "http://purl.org/atompub/tombstones/1.0"  # RFC 6721
INDEXING_NS = "urn:atom-extension:indexing"  # what search engines agreed on for feeds
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


class _Extras(BaseEntryExtension):  # type: ignore[misc]  # feedgen has no types
    """What feedgen does not write, or not in full: links, atom:source, xml:lang, the image."""

    facts: Facts

    def extend_atom(self, entry: etree._Element) -> etree._Element:
        facts = self.facts
        for name in ("title", "rights"):
            _declare(entry.find(name))
        _append_links(entry, facts)
        if facts.language:
            entry.set(_LANG, facts.language)
        if facts.image:
            etree.SubElement(entry, f"{{{MEDIA_NS}}}thumbnail", url=facts.image)
        _append_source(entry, facts)
        return entry


class _Document(BaseExtension):  # type: ignore[misc]  # feedgen has no types
    """What feedgen does not know of feeds, and the entries, which are rendered already."""

    head: Head
    entries: Sequence[etree._Element] = ()
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
        for tombstone in self.tombstones:
            _append_tombstone(feed, tombstone)
        feed[-1].tail = "\n"
        feed.extend(self.entries)
        return feed


def _append_tombstone(feed: etree._Element, tombstone: Tombstone) -> None:
    """at:deleted-entry (RFC 6721 section 3)."""
    name = f"{{{TOMBSTONE_NS}}}deleted-entry"
    element = etree.SubElement(feed, name, ref=tombstone.id, when=tombstone.when.isoformat())
    if tombstone.reason:
        etree.SubElement(element, f"{{{TOMBSTONE_NS}}}comment").text = clean(tombstone.reason)


def _declare(element: etree._Element | None) -> None:
    """Says that a text construct is HTML (RFC 4287 3.1.1) if readers that take it for HTML would go wrong."""
    if element is not None and element.text and ("<" in element.text or "&" in element.text):
        element.text = html.escape(element.text, quote=False)
        element.set("type", "html")


def _append_links(entry: etree._Element, facts: Facts) -> None:
    """The links with all their attributes, of which feedgen 1.0.0 writes the address alone."""
    if facts.link:
        etree.SubElement(entry, "link", rel="alternate", type="text/html", href=facts.link)
    if facts.source_feed:
        etree.SubElement(entry, "link", rel="via", href=facts.source_feed)
    for enclosure in facts.enclosures:
        link = etree.SubElement(entry, "link", rel="enclosure", type=enclosure.type or "", href=enclosure.url)
        if enclosure.length:
            link.set("length", str(enclosure.length))
        if enclosure.title:
            link.set("title", enclosure.title)
    for other in facts.also:
        etree.SubElement(entry, "link", rel="related", href=other.url, title=other.title)


def _append_source(entry: etree._Element, facts: Facts) -> None:
    """atom:source (RFC 4287 4.2.11) with the id, title and date that it requires, and its addresses.

    Its date is the entry's own: that of the source as it is now would change entries that did not.
    """
    element = etree.SubElement(entry, "source")
    etree.SubElement(element, "id").text = facts.source_id
    etree.SubElement(element, "title").text = facts.source_title
    _declare(element.find("title"))
    etree.SubElement(element, "updated").text = facts.updated.isoformat()
    for rel, href in (("self", facts.source_feed), ("alternate", facts.source_link)):
        if href:
            etree.SubElement(element, "link", rel=rel, href=href)


def render_entry(facts: Facts) -> etree._Element:
    """The `entry` element. Raises ValueError where lxml or feedgen refuses a text."""
    entry = FeedEntry()
    entry.id(facts.id)
    entry.title(facts.title)
    entry.updated(facts.updated)
    entry.published(facts.published)
    entry.author([{"name": name} for name in facts.authors])
    if facts.categories:
        entry.category([{"term": name} for name in facts.categories])
    if facts.html:
        entry.content(facts.html, type="html")
        if facts.summary:
            entry.summary(html.escape(facts.summary, quote=False), type="html")
    else:
        entry.content(html.escape(facts.summary or facts.title, quote=False), type="html")
    if facts.rights:
        entry.rights(facts.rights)
    entry.register_extension("extras", _Extras)
    entry.extras.facts = facts
    element: etree._Element = entry.atom_entry()
    element.tail = "\n"  # a line each, for people and for git
    return element


def render(head: Head, entries: Sequence[etree._Element], tombstones: Sequence[Tombstone] = ()) -> bytes:
    """The document; the elements are moved into it."""
    document = _Document()
    document.head, document.entries, document.tombstones = head, entries, tombstones
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
    return bytes(feed.atom_str())
