"""RSS 2.0 with content:encoded, dc:creator, Media RSS: heads made by feedgen; items."""

import html
import re
from collections.abc import Iterator
from email.utils import format_datetime

from feedgen.ext.base import BaseExtension
from feedgen.feed import FeedGenerator
from lxml import etree

from aggregator.publish import beside, episodes
from aggregator.publish.atom import INDEXING_NS, MEDIA_NS
from aggregator.publish.entry import Facts
from aggregator.publish.head import FEED_TYPES, GENERATOR, VERSION, Head
from aggregator.publish.xmltext import attribute, element, empty, escaped

ATOM_NS = "http://www.w3.org/2005/Atom"
DC_NS = "http://purl.org/dc/elements/1.1/"

_TAG_LIKE = re.compile(r"<[A-Za-z/!?]")
# Elements of plain text; RSS does not say whether readers take them for HTML.
_PLAIN = re.compile(rb"(<(?:title|description|copyright)>)([^<]*&[^<]*)(?=</)")
_END = b"</channel></rss>"


class _Document(BaseExtension):  # type: ignore[misc]  # feedgen has no types
    """What feedgen does not know of channels."""

    head: Head

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
        return rss


def unambiguous(text: str) -> str:
    """Plain text for an element that some readers take for HTML.

    Text in which they would see a tag or an entity is escaped once more: most do take it for
    HTML, and to lose words is worse than to show an escape.
    """
    if _TAG_LIKE.search(text) or ("&" in text and html.unescape(text) != text):
        return html.escape(text, quote=False)
    return text


def _plain(text: str) -> str:
    """Plain text as the content of an element."""
    return _numbered(unambiguous(text)) if "&" in text or "<" in text else escaped(text)


def _numbered(text: str) -> str:
    """The content of an element with `&` and `<` by number, as the RSS Advisory Board's profile asks for."""
    return escaped(text).replace("&amp;", "&#x26;").replace("&lt;", "&#x3C;")


def render_entry(facts: Facts) -> bytes:
    """The `item` element as UTF-8: a line each, for people and for git."""
    parts = [f"<item><title>{_plain(facts.title)}</title>"]
    if facts.link:
        parts.append(f"<link>{escaped(facts.link)}</link>")
    summary = html.escape(facts.summary or facts.title, quote=False)
    parts.append(f"<description>{_numbered(summary)}</description>")
    if facts.html:
        parts.append(f"<content:encoded>{escaped(facts.html)}</content:encoded>")
    permalink = "true" if facts.permalink else "false"
    parts.append(f'<guid isPermaLink="{permalink}">{escaped(facts.id)}</guid>')
    parts += [f"<category>{_plain(name)}</category>" for name in facts.categories]
    for first in facts.enclosures[:1]:
        parts.append(empty("enclosure", url=first.url, length=str(first.length or 0), type=first.type))
    parts += [f"<dc:creator>{escaped(name)}</dc:creator>" for name in facts.authors]
    parts.append(f"<pubDate>{format_datetime(facts.published, usegmt=True)}</pubDate>")
    if facts.language:
        parts.append(element("dc:language", facts.language))
    if facts.rights:
        parts.append(f"<dc:rights>{_plain(facts.rights)}</dc:rights>")
    if facts.whence.feed:
        parts.append(f'<source url="{attribute(facts.whence.feed)}">{_plain(facts.whence.title)}</source>')
    return "".join((*parts, *_more(facts), "</item>\n")).encode()


def _more(facts: Facts) -> Iterator[str]:
    """What episodes have; other enclosures and the image by Media RSS; other addresses of the article."""
    yield from beside.in_rss(facts.beside)
    yield from episodes.in_rss(facts.episode)
    for number, enclosure in enumerate(facts.enclosures):
        if number or enclosure.duration:  # an `enclosure` has no word for how long it is
            yield empty(
                "media:content",
                url=enclosure.url,
                type=enclosure.type or "",
                fileSize=str(enclosure.length) if enclosure.length else None,
                duration=str(enclosure.duration) if enclosure.duration else None,
            )
    if facts.image:
        yield f'<media:thumbnail url="{attribute(facts.image)}"/>'
    for other in (*facts.also, *facts.covered):
        yield empty("atom:link", rel="related", href=other.url, title=other.title)


def frame(head: Head) -> tuple[bytes, bytes]:
    """What stands before the items, by feedgen, and what stands behind them."""
    document = _Document()
    document.head = head
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
    top = bytes(feed.rss_str()).removesuffix(_END)
    return _PLAIN.sub(_in_numbers, top), _END


def _in_numbers(match: re.Match[bytes]) -> bytes:
    return match[1] + match[2].replace(b"&amp;", b"&#x26;").replace(b"&lt;", b"&#x3C;")
