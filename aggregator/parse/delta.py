"""Only the entries of a changed feed that are new: the others are cut out before it is parsed.

    bytes ─► split ─► entries seen before ─► cut out ─► the rest in its envelope ─► feedparser
               │                                                                       │
               └─ malformed or unusual ─► the whole ◄─ something says the cut mattered ┘

Rules of this file: pure. What comes out for an entry is what parsing the whole document gives for
it; wherever that is not certain, the whole document is parsed.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import reduce
from hashlib import blake2b
from urllib.parse import urljoin

from aggregator import __version__
from aggregator.model import Document
from aggregator.parse import feed, fields, prolog, reader
from aggregator.parse.encodings import decode
from aggregator.parse.newest import without
from aggregator.parse.split import Piece, Split, split
from aggregator.parse.strict_tools import stays

Canonical = Callable[[str], str | None]

_SIZE = 8
"""Bytes of a hash: two of 10,000 entries look alike once in 4 * 10^11 feeds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """What is new in a document.

    document  all that the feed says of itself; of its entries those not seen before
    seen      hashes to hand in with the next document from the same address
    cut_out   how many entries were left out because they had been seen
    pieces    the hashes of all entries in document order; none where it could not be split
    context   the hash of what is around them, one of `seen`
    """

    document: Document
    seen: frozenset[bytes]
    cut_out: int = 0
    pieces: tuple[bytes, ...] = ()
    context: bytes = b""


def parse_changes(
    body: bytes,
    *,
    url: str,
    canonical: Canonical,
    seen: Iterable[bytes] = (),
    content_type: str | None = None,
    max_entries: int = 5000,
) -> Delta:
    """The entries of `body` that are not in `seen`, the hashes that came with the last document.

    The hashes are of the entries' bytes and of everything in the feed that may bear on them. An
    entry that was cut out says what it said before. `canonical` gives an absolute address as an
    identity: a new entry that shares one, or a guid, with an old one takes the whole document,
    since such names name nothing. Raises ParseError as `feed.parse` does.
    """
    decoded = decode(body, content_type)
    text = prolog.trim(decoded.text)
    same = decoded.encoding == "utf-8" and decoded.note is None and body.startswith(b"<")
    data = body if same else text.encode("utf-8", "replace")
    parts = split(data) if text.startswith("<") and not prolog.scan(text).doctype else None
    if parts is None or 0 < max_entries < len(parts.pieces):
        document = feed.parse(body, url=url, max_entries=max_entries, decoded=decoded)
        return Delta(document=document, seen=frozenset())
    hashes = [_hash(data[piece.start : piece.end]) for piece in parts.pieces]
    known = frozenset(seen)
    if known.intersection(hashes):
        delta = _changes(data, parts, hashes, known, url, canonical)
        if delta is not None:
            notes = (decoded.note,) if decoded.note else ()
            return replace(delta, document=replace(delta.document, notes=notes))
    document = feed.parse(body, url=url, max_entries=max_entries, decoded=decoded)
    return _delta(document, hashes, _context(document, parts, url))


def _changes(
    data: bytes, parts: Split, hashes: list[bytes], known: frozenset[bytes], url: str, canonical: Canonical
) -> Delta | None:
    """What is new, or None if that takes the whole document."""
    cut = {piece for piece, digest in zip(parts.pieces, hashes, strict=True) if digest in known}
    text = without(data, cut)
    try:
        result = reader.strictly(text, url)
    except Exception:  # noqa: BLE001 - whatever it is, parsing the whole deals with it
        return None
    document = fields.document(result, text, url, ())
    context = _context(document, parts, url)
    if context not in known or len(document.entries) != len(parts.pieces) - len(cut):
        return None
    if _share_a_name(document, cut, reduce(_joined, parts.bases, url), canonical):
        return None
    return _delta(document, hashes, context, len(cut))


def _delta(document: Document, hashes: list[bytes], context: bytes, cut_out: int = 0) -> Delta:
    return Delta(
        document=document,
        seen=frozenset((*hashes, context)),
        cut_out=cut_out,
        pieces=tuple(hashes),
        context=context,
    )


def _share_a_name(document: Document, cut: set[Piece], base: str, canonical: Canonical) -> bool:
    """Whether a new entry has the guid or link of one cut out: then neither may name it."""
    if not document.entries:
        return False
    guids = {piece.guid for piece in cut if piece.guid}
    links = {canonical(_joined(base, piece.link)) for piece in cut if piece.link} - {None}
    return any(
        entry.guid in guids or (entry.link is not None and canonical(_joined(base, entry.link)) in links)
        for entry in document.entries
    )


def _joined(url: str, link: str) -> str:
    if stays(link, url):
        return link
    try:
        return urljoin(url, link)
    except ValueError:
        return link


def _hash(data: bytes) -> bytes:
    return blake2b(data, digest_size=_SIZE).digest()


def _context(document: Document, parts: Split, url: str) -> bytes:
    """The hash of all that entries take from around them, and of the program that read them."""
    around = (document.link, document.base, document.language, document.author, document.rights)
    return _hash(repr((__version__, url, parts.around, around)).encode())
