"""What is remembered of a feed's entries so that only new ones are parsed next time.

Pure. For each entry its hash (`parse.delta`), the name under which the store has it, and its date,
from which the rhythm of the feed is learned. It holds only for the settings that made it, as the mark
at the front tells, and for the version of the program, which is in the hash of what is around entries.
"""

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain

from aggregator.model import Refined
from aggregator.parse.delta import NAMES, Delta
from aggregator.refine import identity
from aggregator.refine.entries import Context
from aggregator.refine.results import RefinedDocument

_MARK = 8
_HASH = 8
_KEY = 16
_REST = struct.Struct(f">{_KEY}sq{NAMES}s")
_ROW = _HASH + _REST.size
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNDATED = -(1 << 63)
_FORM = "names"
"""Changes with the form of what is packed."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The entries of a document by their hashes, and the hash of what was around them.

    An entry is `_REST`: the store's name for it, its date in microseconds, checksums of its names.
    """

    entries: Mapping[bytes, bytes]
    context: bytes = b""

    @property
    def names(self) -> dict[bytes, bytes]:
        """What `parse_changes` asks for."""
        if not self.entries:
            return {}
        return {self.context: b"", **{piece: entry[-NAMES:] for piece, entry in self.entries.items()}}


NOTHING = Seen({})


def mark(context: Context) -> bytes:
    """8 bytes that change with every setting that bears on what is made of an entry."""
    settings = (
        _FORM,
        context.proxy_prefixes,
        sorted(context.players),
        context.tracking,
        context.rules,
        context.categories,
        context.excerpt,
    )
    return bytes.fromhex(identity.digest(repr(settings))[: 2 * _MARK])


def all_named(articles: Iterable[Refined]) -> bool:
    """Whether each bears a name of its own, so that its uid and key do not depend on its neighbours."""
    return all(
        article.canonical_link or (article.guid and identity.is_uri(article.guid)) for article in articles
    )


def after(delta: Delta, refined: RefinedDocument, before: Seen) -> Seen:
    """What to remember after a document: nothing unless every entry became an article with a name."""
    fresh = [piece for piece in delta.pieces if piece not in before.entries or not delta.cut_out]
    articles = refined.articles
    if len(fresh) != len(articles) or len(set(delta.pieces)) != len(delta.pieces):
        return NOTHING
    if refined.notes or not all_named(articles):
        return NOTHING
    made = {
        piece: _REST.pack(key(article.key), _micros(article.published or article.updated), delta.seen[piece])
        for piece, article in zip(fresh, articles, strict=True)
    }
    return Seen({piece: made.get(piece) or before.entries[piece] for piece in delta.pieces}, delta.context)


def key(name: str) -> bytes:
    """The store's name for an entry's key."""
    return bytes.fromhex(identity.digest("key", name)[:32])


def keys(entries: Iterable[bytes]) -> tuple[bytes, ...]:
    """The store's names for entries."""
    return tuple(entry[:_KEY] for entry in entries)


def dates(entries: Iterable[bytes]) -> tuple[datetime, ...]:
    """The dates of those entries that have one."""
    found = (_REST.unpack(entry)[1] for entry in entries)
    return tuple(_EPOCH + timedelta(microseconds=micros) for micros in found if micros != _UNDATED)


def pack(seen: Seen, marked: bytes) -> bytes:
    """As bytes for the store; empty for nothing."""
    if not seen.entries:
        return b""
    return b"".join((marked, seen.context, *chain.from_iterable(seen.entries.items())))


def unpack(data: bytes, marked: bytes) -> Seen:
    """What was packed under the same mark; nothing if it was another, or if it is damaged."""
    start = _MARK + _HASH
    if not data.startswith(marked) or len(data) <= start or (len(data) - start) % _ROW:
        return NOTHING
    rows = range(start, len(data), _ROW)
    entries = {data[at : at + _HASH]: data[at + _HASH : at + _ROW] for at in rows}
    return Seen(entries, data[_MARK:start])


def _micros(date: datetime | None) -> int:
    return _UNDATED if date is None else (date - _EPOCH) // timedelta(microseconds=1)
