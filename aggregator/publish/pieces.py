"""Documents as they are put together: an opening, entries, an ending.

What stands in a document is noted beside it (`Rendered.note`), so that the next version, and other
documents that hold the same entries, copy them instead of rendering them again.

Rules of this file: pure; it knows nothing of the formats.
"""

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import accumulate
from typing import Literal

from aggregator.model import Outline

Kind = Literal["atom", "rss", "json", "page"]

_HEAD = struct.Struct("<qqq")


@dataclass(slots=True)
class Piece:
    """An article as it stands in a document.

    article  its number in the store
    own      whether its id in the feed is another than its guid
    data     its bytes
    checked  whether it stood in a document that passed the gate: all that ever changes of it
    """

    article: int
    own: bool
    data: bytes | memoryview
    checked: bool = False


@dataclass(frozen=True, slots=True)
class Listed:
    """Articles as the documents of a feed list them, newest first; `entry.listed` makes it.

    ids      under which id each of them stands there
    owns     whether that is another than its guid
    updated  when they last changed
    """

    articles: Sequence[Outline]
    ids: Sequence[str]
    owns: Sequence[bool]
    updated: datetime


Take = Callable[[Listed], list[Piece | None]]
"""The pieces of articles; None for what cannot be rendered."""


@dataclass(frozen=True)
class Rendered:
    """A document in one format. `ids` are those of its entries in the feed."""

    top: bytes
    pieces: tuple[Piece, ...]
    end: bytes
    joint: bytes = b""
    ids: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Its bytes, but for the joints."""
        return len(self.top) + sum(len(piece.data) for piece in self.pieces) + len(self.end)

    @cached_property
    def data(self) -> bytes:
        """All of it."""
        return self._with(self.pieces)

    @property
    def unchecked(self) -> bytes:
        """The document with those pieces alone that have not passed the gate yet."""
        new = [piece for piece in self.pieces if not piece.checked]
        return self.data if len(new) == len(self.pieces) else self._with(new)

    def _with(self, pieces: Sequence[Piece]) -> bytes:
        return b"".join((self.top, self.joint.join([piece.data for piece in pieces]), self.end))

    def passed(self) -> None:
        """Note that the gate let it through."""
        for piece in self.pieces:
            piece.checked = True

    def note(self, serial: int) -> bytes:
        """Which pieces it holds and where, as of the store's `serial`: what `Entries` takes."""
        numbers: list[int] = []
        for piece in self.pieces:
            numbers += (piece.article * 2 + piece.own, len(piece.data))
        head = _HEAD.pack(serial, len(self.top), len(self.joint))
        return head + struct.pack(f"<{len(numbers)}q", *numbers)


def articles_in(note: bytes) -> list[int]:
    """The articles of a document by its `Rendered.note`."""
    return [mark // 2 for mark in _numbers(note)[::2]]


def serial_of(note: bytes) -> int:
    """The serial of the store as of which a document was made, by its `Rendered.note`."""
    serial, *_ = _HEAD.unpack_from(note)
    return int(serial)


def _numbers(note: bytes) -> tuple[int, ...]:
    return struct.unpack_from(f"<{(len(note) - _HEAD.size) // 8}q", note, _HEAD.size)


class Entries:
    """The entries of a document, from its bytes and its `Rendered.note`; cut out when they are asked for.

    `serial` is that of the store as of which the document was made.
    """

    __slots__ = ("_data", "_places", "serial", "size")

    def __init__(self, data: bytes, note: bytes) -> None:
        self.serial, begin, joint = _HEAD.unpack_from(note)
        numbers = _numbers(note)
        starts = list(accumulate((length + joint for length in numbers[1::2]), initial=begin))
        ends = (start - joint for start in starts[1:])
        self._data, self.size = memoryview(data), len(data)
        self._places = dict(zip(numbers[::2], zip(starts, ends, strict=False), strict=True))

    def piece(self, article: int, *, own: bool) -> Piece | None:
        """That of an article, if it is there under the same kind of id."""
        place = self._places.get(article * 2 + own)
        if place is None:
            return None
        begin, end = place
        return Piece(article, own, self._data[begin:end], checked=True)
