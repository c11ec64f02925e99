"""Only the entries of a changed feed that are new: the others are cut out before it is parsed.

    bytes ─► split ─► entries seen before ─► cut out ─► the rest in its envelope ─► feedparser
               │                                                                       │
               └─ malformed or unusual ─► the whole ◄─ something says the cut mattered ┘

Rules of this file: pure. What comes out for an entry is what parsing the whole document gives for
it; wherever that is not certain, the whole document is parsed.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from hashlib import blake2b
from types import MappingProxyType
from urllib.parse import urljoin
from zlib import crc32

from aggregator import __version__
from aggregator.model import Document, Entry
from aggregator.parse import feed, fields, prolog, reader
from aggregator.parse.encodings import decode
from aggregator.parse.newest import without
from aggregator.parse.split import Split, split
from aggregator.parse.strict_tools import stays

Canonical = Callable[[str], str | None]

_SIZE = 8
"""Bytes of a hash: two of 10,000 entries look alike once in 4 * 10^11 feeds."""

_SUM = 4
_NO_NAME = bytes(_SUM)
NAMES = 2 * _SUM
"""Bytes of the checksums of an entry's guid and link: names that look alike by chance only cost time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """What is new in a document.

    document  all that the feed says of itself; of its entries those not seen before
    seen      what to hand in with the next document from the same address: hashes, and `NAMES` bytes for each
    cut_out   how many entries were left out because they had been seen
    pieces    the hashes of all entries in document order; none where it could not be split
    context   the hash of what is around them, one of `seen`
    """

    document: Document
    seen: Mapping[bytes, bytes]
    cut_out: int = 0
    pieces: tuple[bytes, ...] = ()
    context: bytes = b""


def parse_changes(
    body: bytes,
    *,
    url: str,
    canonical: Canonical,
    seen: Mapping[bytes, bytes] = MappingProxyType({}),
    content_type: str | None = None,
    max_entries: int = 5000,
) -> Delta:
    """The entries of `body` that are not in `seen`, which came with the last document.

    The hashes are of the entries' bytes and of everything in the feed that may bear on them. An
    entry that was cut out says what it said before. `canonical` gives an absolute address as an
    identity: a new entry that shares one, or a guid, with an old one takes the whole document,
    since such names name nothing. Raises ParseError as `feed.parse` does.
    """
    decoded = decode(body, content_type)
    text = prolog.trim(decoded.text)
    same = decoded.encoding == "utf-8" and decoded.note is None and body.startswith(b"<")
    data = body if same else text.encode("utf-8", "replace")
    splits = text.startswith("<") and not prolog.scan(text).doctype
    parts = split(data) if splits else None
    if parts is None or 0 < max_entries < len(parts.pieces):
        document = feed.parse(body, url=url, max_entries=max_entries, decoded=decoded)
        return Delta(document=document, seen={})
    hashes = tuple(_hash(data[piece.start : piece.end]) for piece in parts.pieces)
    if not seen.keys().isdisjoint(hashes):
        delta = _changes(data, parts, hashes, seen, url, canonical)
        if delta is not None:
            notes = (decoded.note,) if decoded.note else ()
            return replace(delta, document=replace(delta.document, notes=notes))
    document = feed.parse(body, url=url, max_entries=max_entries, decoded=decoded)
    if len(document.entries) != len(hashes) or document.notes != tuple(filter(None, [decoded.note])):
        return Delta(document=document, seen={})  # a piece is no entry, or the document was malformed
    names = _names(document.entries, parts, url, canonical)
    return _delta(document, dict(zip(hashes, names, strict=True)), hashes, _context(document, parts, url))


def _changes(
    data: bytes,
    parts: Split,
    hashes: tuple[bytes, ...],
    seen: Mapping[bytes, bytes],
    url: str,
    canonical: Canonical,
) -> Delta | None:
    """What is new, or None if that takes the whole document."""
    cut = {piece for piece, digest in zip(parts.pieces, hashes, strict=True) if digest in seen}
    text = without(data, cut)
    try:
        result = reader.strictly(text, url)
    except Exception:  # noqa: BLE001 - whatever it is, parsing the whole deals with it
        return None
    document = fields.document(result, text, url, ())
    context = _context(document, parts, url)
    if context not in seen or len(document.entries) != len(hashes) - len(cut):
        return None
    names = _names(document.entries, parts, url, canonical)
    new = dict(zip((digest for digest in hashes if digest not in seen), names, strict=True))
    old = {digest: seen[digest] for digest in hashes if digest in seen}
    if _share_a_name(new.values(), old.values()):
        return None
    return _delta(document, old | new, hashes, context, len(cut))


def _delta(
    document: Document,
    names: dict[bytes, bytes],
    hashes: tuple[bytes, ...],
    context: bytes,
    cut_out: int = 0,
) -> Delta:
    return Delta(
        document=document,
        seen={**names, context: b""},
        cut_out=cut_out,
        pieces=hashes,
        context=context,
    )


def _names(entries: Iterable[Entry], parts: Split, url: str, canonical: Canonical) -> list[bytes]:
    """For each entry checksums of its guid and of its link as an identity; of one that it lacks it is 0."""
    base = reduce(_joined, parts.bases, url)
    links = ((entry, entry.link and canonical(_joined(entry.base or base, entry.link))) for entry in entries)
    return [_sum(entry.guid) + _sum(link) for entry, link in links]


def _sum(name: str | None) -> bytes:
    return (crc32(name.encode("utf-8", "surrogatepass")) or 1).to_bytes(_SUM) if name else _NO_NAME


def _share_a_name(new: Iterable[bytes], old: Collection[bytes]) -> bool:
    """Whether a new entry has the guid or link of one cut out: then neither may name it.

    Or a checksum is the same by chance: then the whole document is read in vain.
    """
    guids = {names[:_SUM] for names in old} - {_NO_NAME}
    links = {names[_SUM:] for names in old} - {_NO_NAME}
    return any(names[:_SUM] in guids or names[_SUM:] in links for names in new)


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
