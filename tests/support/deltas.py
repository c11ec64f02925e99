"""Checks that cutting old entries out of a feed changes nothing about the new ones."""

from dataclasses import replace

from aggregator.errors import ParseError
from aggregator.parse import delta
from aggregator.parse.delta import parse_changes
from aggregator.parse.feed import parse
from aggregator.parse.split import split
from aggregator.refine.urls import canonical

URL = "http://feeds.example/feed"
PLAIN = {
    "item": b"<item><guid>urn:plain%d</guid><title>a</title><description>b</description></item>",
    "entry": b"<entry><id>urn:plain%d</id><title>a</title><content type='html'>b</content></entry>",
}


def crowded(data: bytes) -> bytes | None:
    """The feed with a plain entry put before and behind each of its own; None if it has no seam."""
    parts = split(data)
    if parts is None or not parts.pieces:
        return None
    kind = "entry" if data[parts.pieces[0].start :].lower().startswith(b"<entry") else "item"
    out, at = [], 0
    for number, piece in enumerate(parts.pieces):
        out += [data[at : piece.start], PLAIN[kind] % (2 * number), data[piece.start : piece.end]]
        out.append(PLAIN[kind] % (2 * number + 1))
        at = piece.end
    return b"".join((*out, data[at:]))


def compare(data: bytes, keep: frozenset[int]) -> bool | None:
    """Whether the entries at `keep` come out of `parse_changes`, the others being old, as out of the whole.

    None if the document is parsed as a whole, so that there is nothing to compare.
    """
    parts = split(data)
    if parts is None:
        return None
    try:
        whole = parse(data, url=URL, max_entries=0)
        seen = parse_changes(data, url=URL, canonical=canonical).seen
    except ParseError:
        return None
    new = {delta._hash(data[piece.start : piece.end]) for at, piece in enumerate(parts.pieces) if at in keep}
    changes = parse_changes(
        data, url=URL, canonical=canonical, seen={one: names for one, names in seen.items() if one not in new}
    )
    if changes.cut_out == 0:
        return None
    if len(whole.entries) != len(parts.pieces):
        return False
    fresh = [
        entry
        for entry, piece in zip(whole.entries, parts.pieces, strict=True)
        if delta._hash(data[piece.start : piece.end]) in new
    ]
    return changes.document == replace(whole, entries=tuple(fresh)) and changes.seen == seen
