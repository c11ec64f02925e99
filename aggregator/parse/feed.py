"""Bytes of a feed to a `Document`, whatever is in them.

    decode ─► JSON? ─► jsonfeed
       │
       ▼
    trim ─► page? DTD bomb? refuse ─► reader (feedparser) ─► fields ─► newest entries
                                        ▲    │
                                       mend ◄┘ not well-formed

Rules of this file: pure; `ParseError` is the only thing that comes out besides a Document.
"""

from dataclasses import replace
from datetime import UTC, datetime

from aggregator.errors import ParseError
from aggregator.model import Document, Entry
from aggregator.parse import fields, jsonfeed, prolog, reader, webpage
from aggregator.parse.encodings import decode

_FEED_ELEMENT = ("<rss", "<feed", "<rdf", "<channel", "<item", "<entry", ":rss", ":feed", ":rdf", ":channel")
_ROOTS = frozenset(("rss", "feed", "rdf", "channel"))
_LAST = datetime.max.replace(tzinfo=UTC)


def parse(body: bytes, *, url: str, content_type: str | None = None, max_entries: int = 5000) -> Document:
    """The feed in `body`, fetched from `url`: RSS, RDF, Atom, CDF or JSON Feed.

    `content_type` is the header as it came. Of more than `max_entries` entries the newest are
    kept (0: all) and `Document.cut` counts the rest. Raises ParseError, with a sentence on what
    was found instead, if there is no feed.
    """
    if not body.strip(b"\0\t\n\r \xef\xbb\xbf\xfe\xff"):
        raise ParseError("the document is empty")
    decoded = decode(body, content_type)
    text = prolog.trim(decoded.text)
    notes = (decoded.note,) if decoded.note else ()
    document = jsonfeed.read(text) if text.startswith(("{", "[")) else _xml(text, url)
    return _newest(replace(document, notes=(*notes, *document.notes)), max_entries)


def _newest(document: Document, most: int) -> Document:
    """The document with its `most` newest entries, still in document order.

    An entry without a date counts as old as the one before it.
    """
    cut = len(document.entries) - most
    if most <= 0 or cut <= 0:
        return document
    moments: list[datetime] = []
    for entry in document.entries:
        moments.append(entry.published or entry.updated or (moments[-1] if moments else _LAST))
    order = sorted(range(len(moments)), key=lambda index: (moments[index], -index), reverse=True)
    kept: tuple[Entry, ...] = tuple(document.entries[index] for index in sorted(order[:most]))
    note = f"{cut} older entries were left out: max_entries is {most}"
    return replace(document, entries=kept, cut=cut, notes=(*document.notes, note))


def _xml(text: str, url: str) -> Document:
    start = prolog.scan(text)
    if start.defines_entities:
        raise ParseError("refused: its DTD defines entities, which feeds do not need and bombs do")
    if webpage.is_webpage(start.root, start.doctype):
        raise ParseError(webpage.complaint(text, url))
    if not any(name in text.lower() for name in _FEED_ELEMENT):
        raise _no_feed(start.root, text)
    reading = reader.read(text, url)
    known = start.root.rpartition(":")[2] in _ROOTS
    if not (known or reading.result["entries"] or reading.result.get("version")):
        raise _no_feed(start.root, text)
    return fields.document(reading.result, text, url, reading.notes)


def _no_feed(root: str, text: str) -> ParseError:
    named = f"its root element is <{root}>" if root else "it is not XML"
    return ParseError(f'no feed in this document: {named} and it begins "{webpage.snippet(text)}"')
