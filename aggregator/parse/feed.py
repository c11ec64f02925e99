"""Bytes of a feed to a `Document`, whatever is in them.

    decode ─► JSON? ─► jsonfeed
       │
       ▼
    trim ─► page? DTD bomb? refuse ─► thin ─► reader (feedparser) ─► fields ─► newest entries
                                               ▲    │
                                              mend ◄┘ not well-formed

Rules of this file: pure; `ParseError` is the only thing that comes out besides a Document.
"""

from dataclasses import replace

from aggregator.errors import ParseError
from aggregator.model import Document
from aggregator.parse import fields, jsonfeed, prolog, reader, webpage
from aggregator.parse.encodings import Decoded, decode
from aggregator.parse.newest import newest, thin

_FEED_ELEMENT = ("<rss", "<feed", "<rdf", "<channel", "<item", "<entry", ":rss", ":feed", ":rdf", ":channel")
_BLANK = b"\0\t\n\r \xef\xbb\xbf\xfe\xff"
_ROOTS = frozenset(("rss", "feed", "rdf", "channel"))


def parse(
    body: bytes,
    *,
    url: str,
    content_type: str | None = None,
    max_entries: int = 5000,
    decoded: Decoded | None = None,
) -> Document:
    """The feed in `body`, fetched from `url`: RSS, RDF, Atom, CDF or JSON Feed.

    `content_type` is the header as it came; `decoded` what `decode` made of the two, if that was
    done before. Of more than `max_entries` entries the newest are kept (0: all) and `Document.cut`
    counts the rest. Raises ParseError, with a sentence on what was found instead, if there is no feed.
    """
    if not body[:1].strip(_BLANK) and not body.strip(_BLANK):
        raise ParseError("the document is empty")
    decoded = decoded or decode(body, content_type)
    text = prolog.trim(decoded.text)
    document = jsonfeed.read(text) if text.startswith(("{", "[")) else _xml(text, url, max_entries)
    kept = tuple(newest(document.entries, max_entries, lambda entry: entry.published or entry.updated))
    cut = document.cut + len(document.entries) - len(kept)
    notes = (decoded.note, *document.notes, _left_out(cut, max_entries))
    return replace(document, entries=kept, cut=cut, notes=tuple(filter(None, notes)))


def _left_out(cut: int, most: int) -> str:
    return f"{cut} older entries were left out: max_entries is {most}" if cut else ""


def _xml(text: str, url: str, most: int) -> Document:
    start = prolog.scan(text)
    if start.defines_entities:
        raise ParseError("refused: its DTD defines entities, which feeds do not need and bombs do")
    if webpage.is_webpage(start.root, start.doctype):
        raise ParseError(webpage.complaint(text, url))
    if not (_names_feed(text) or _names_feed(text.lower())):
        raise _no_feed(start.root, text)
    thinned, cut = thin(text, most)
    reading = reader.read(thinned, url)
    known = start.root.rpartition(":")[2] in _ROOTS
    if not (known or reading.result["entries"] or reading.result.get("version")):
        raise _no_feed(start.root, text)
    return replace(fields.document(reading.result, text, url, reading.notes), cut=cut)


def _names_feed(text: str) -> bool:
    return any(name in text for name in _FEED_ELEMENT)


def _no_feed(root: str, text: str) -> ParseError:
    named = f"its root element is <{root}>" if root else "it is not XML"
    words = webpage.snippet(text)
    begins = f' and it begins "{words}"' if words else ""
    return ParseError(f"no feed in this document: {named}{begins}")
