"""Bytes of a feed to a `Document`, whatever is in them.

    decode ─► JSON? ─► jsonfeed
       │
       ▼
    trim ─► page? DTD bomb? refuse ─► feedparser ─► fields ─► newest entries
                                        ▲    │
                                       mend ◄┘ not well-formed

Rules of this file: pure; `ParseError` is the only thing that comes out besides a Document.
"""

import io
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import feedparser
from lxml import etree

from aggregator.model import Document, Entry, ParseError
from aggregator.parse import fields, jsonfeed, prolog, repair, webpage
from aggregator.parse.encodings import decode
from aggregator.parse.sax import MalformedXmlError, TooDeepError, loose_parsing

_FEED_ELEMENT = ("<rss", "<feed", "<rdf", "<channel", "<item", "<entry", ":rss", ":feed", ":rdf", ":channel")
_ROOTS = frozenset(("rss", "feed", "rdf", "channel"))
_SPEAKING = (MalformedXmlError, etree.XMLSyntaxError)
"""Exceptions whose text says something to people."""
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
    result, notes = _found(text, url)
    known = start.root.rpartition(":")[2] in _ROOTS
    if not (known or result["entries"] or result.get("version")):
        raise _no_feed(start.root, text)
    return fields.document(result, text, url, notes)


def _no_feed(root: str, text: str) -> ParseError:
    named = f"its root element is <{root}>" if root else "it is not XML"
    return ParseError(f'no feed in this document: {named} and it begins "{webpage.snippet(text)}"')


def _found(text: str, url: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What feedparser finds, with a note if the text had to be repaired for it."""
    try:
        return _feedparser(text, url), ()
    except TooDeepError as error:
        raise ParseError("refused: its elements are nested too deep") from error
    except Exception as error:  # noqa: BLE001 - feedparser raises what its input makes it raise
        reason = str(error) if isinstance(error, _SPEAKING) else type(error).__name__
    note = (f"not well-formed XML ({reason}); repaired",)
    mended = repair.mend(text)
    for attempt in (_feedparser, _loosely, _recovered):
        try:
            result = attempt(mended, url)
        except Exception as error:  # noqa: BLE001 - as above
            reason = str(error) if isinstance(error, _SPEAKING) else type(error).__name__
            continue
        if result["entries"] or result.get("version"):
            return result, note
    raise ParseError(f"no feed can be read from this document: {reason}")


def _feedparser(text: str, url: str) -> dict[str, Any]:
    result: dict[str, Any] = feedparser.parse(
        io.BytesIO(text.encode("utf-8")),
        response_headers={"content-type": "application/xml; charset=utf-8", "content-location": url},
        sanitize_html=False,
        resolve_relative_uris=False,
    )
    return result


def _loosely(text: str, url: str) -> dict[str, Any]:
    with loose_parsing():
        return _feedparser(text, url)


def _recovered(text: str, url: str) -> dict[str, Any]:
    """What libxml2 makes of broken XML, read as if it had been written so."""
    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True, load_dtd=False)
    root = etree.fromstring(text.encode("utf-8"), parser)
    if root is None:
        raise MalformedXmlError("no element in it")
    return _feedparser(etree.tostring(root, encoding="unicode"), url)
