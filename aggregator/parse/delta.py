"""Only the entries of a changed feed that are new: the others are cut out before it is parsed.

    bytes ─► shortened ─► split ─► entries seen before ─► cut out ─► the rest in its envelope ─► feedparser
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
from aggregator.model import Document
from aggregator.parse import feed, fields, prolog, reader
from aggregator.parse.encodings import decode
from aggregator.parse.newest import without
from aggregator.parse.split import Shortened, Split, shortened, split
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
    found = _found(data, seen, max_entries) if splits else None
    if found is not None and not seen.keys().isdisjoint(found.hashes):
        delta = _changes(found, seen, url, canonical)
        if delta is not None:
            notes = (decoded.note,) if decoded.note else ()
            return replace(delta, document=replace(delta.document, notes=notes))
        found = _found(data, {}, max_entries)  # old names may stand for other addresses now
    document = feed.parse(body, url=url, max_entries=max_entries, decoded=decoded)
    if found is None:
        return Delta(document=document, seen={})
    names = found.names(found.hashes, url, canonical)
    return _delta(document, names, found, _context(document, found.parts, url))


@dataclass(frozen=True, slots=True)
class _Found:
    """The entries of a document: their parts of `data`, where stand-ins are for some, and all hashes."""

    data: bytes
    parts: Split
    hashes: tuple[bytes, ...]

    def base(self, url: str) -> str:
        """What links are relative to."""
        return reduce(_joined, self.parts.bases, url)

    def names(self, wanted: Collection[bytes], url: str, canonical: Canonical) -> dict[bytes, bytes]:
        """Checksums of guid and link of the entries with the hashes `wanted`."""
        base = self.base(url)
        return {
            digest: _names(piece.guid, piece.link, base, canonical)
            for piece, digest in zip(self.parts.pieces, self.hashes, strict=True)
            if digest in wanted
        }


def _found(data: bytes, seen: Collection[bytes], most: int) -> _Found | None:
    """The entries of a document, of those `seen` stand-ins where that can be; None if it is to stay whole."""
    short = shortened(data, seen, _hash) if seen else Shortened(data, {})
    parts = split(short.data, short.stand_ins)
    if parts is None and short.stand_ins:  # in a comment, say
        short = Shortened(data, {})
        parts = split(data)
    if parts is None or 0 < most < len(parts.pieces):
        return None
    data = short.data
    hashes = (short.stand_ins.get(one.start) or _hash(data[one.start : one.end]) for one in parts.pieces)
    return _Found(data, parts, tuple(hashes))


def _changes(found: _Found, seen: Mapping[bytes, bytes], url: str, canonical: Canonical) -> Delta | None:
    """What is new, or None if that takes the whole document."""
    pieces = found.parts.pieces
    cut = {piece for piece, digest in zip(pieces, found.hashes, strict=True) if digest in seen}
    text = without(found.data, cut)
    try:
        result = reader.strictly(text, url)
    except Exception:  # noqa: BLE001 - whatever it is, parsing the whole deals with it
        return None
    document = fields.document(result, text, url, ())
    context = _context(document, found.parts, url)
    if context not in seen or len(document.entries) != len(pieces) - len(cut):
        return None
    old = {digest: seen[digest] for digest in found.hashes if digest in seen}
    if _share_a_name(document, old.values(), found.base(url), canonical):
        return None
    new = found.names(frozenset(found.hashes) - old.keys(), url, canonical)
    return _delta(document, old | new, found, context, len(cut))


def _delta(
    document: Document, names: dict[bytes, bytes], found: _Found, context: bytes, cut_out: int = 0
) -> Delta:
    return Delta(
        document=document,
        seen={**names, context: b""},
        cut_out=cut_out,
        pieces=found.hashes,
        context=context,
    )


def _names(guid: str | None, link: str | None, base: str, canonical: Canonical) -> bytes:
    """Checksums of the guid and of the link as an identity; that of one which there is not is 0."""
    return _sum(guid) + _sum(canonical(_joined(base, link)) if link else None)


def _sum(name: str | None) -> bytes:
    return (crc32(name.encode("utf-8", "surrogatepass")) or 1).to_bytes(_SUM) if name else _NO_NAME


def _share_a_name(document: Document, old: Iterable[bytes], base: str, canonical: Canonical) -> bool:
    """Whether a new entry has the guid or link of one cut out: then neither may name it.

    It takes the whole document too when checksums are equal by chance.
    """
    if not document.entries:
        return False
    known = list(old)
    guids = {names[:_SUM] for names in known} - {_NO_NAME}
    links = {names[_SUM:] for names in known} - {_NO_NAME}
    new = [_names(entry.guid, entry.link, base, canonical) for entry in document.entries]
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
