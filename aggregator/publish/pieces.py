"""Documents as they are put together: an opening, entries, an ending.

What stands in a document is noted beside it (`Rendered.note`), so that the next version, and other
documents that hold the same entries, copy them instead of rendering them again.

Rules of this file: pure; it knows nothing of the formats.
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from aggregator.model import Article, Outline

Kind = Literal["atom", "rss", "json", "page"]

_HEAD = struct.Struct("<qqq")


Placed = TypeVar("Placed", Article, Outline)
"""An article as whole as its entry needs it, or in outline where that can be copied."""


@dataclass(frozen=True, slots=True)
class Piece:
    """An article as it stands in a document.

    article  its number in the store
    own      whether its id in the feed is another than its guid (see `is_own`)
    data     its bytes
    checked  whether it stood in a document that passed the gate
    """

    article: int
    own: bool
    data: bytes
    checked: bool = False


def is_own(article: Placed, ids: Mapping[str, str]) -> bool:
    """Whether the id that an article has in a feed, of those by uid, is another than its guid."""
    return ids[article.uid] != article.guid


Take = Callable[[Sequence[Placed], Mapping[str, str]], list[Piece | None]]
"""The pieces of articles, whose ids in the feed are given by uid; None for what cannot be rendered."""


@dataclass(frozen=True, slots=True)
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

    @property
    def data(self) -> bytes:
        """All of it."""
        return self._with(self.pieces)

    @property
    def unchecked(self) -> bytes:
        """The document with those pieces alone that have not passed the gate yet."""
        return self._with([piece for piece in self.pieces if not piece.checked])

    def _with(self, pieces: Sequence[Piece]) -> bytes:
        return b"".join((self.top, self.joint.join([piece.data for piece in pieces]), self.end))

    def note(self, serial: int) -> bytes:
        """Which pieces it holds and where, as of the store's `serial`: what `cut` takes."""
        numbers = [number for piece in self.pieces for number in (_mark(piece), len(piece.data))]
        head = _HEAD.pack(serial, len(self.top), len(self.joint))
        return head + struct.pack(f"<{len(numbers)}q", *numbers)


def _mark(piece: Piece) -> int:
    return piece.article * 2 + piece.own


def articles_in(note: bytes) -> list[int]:
    """The articles of a document by its `Rendered.note`."""
    numbers = struct.unpack_from(f"<{(len(note) - _HEAD.size) // 8}q", note, _HEAD.size)
    return [mark // 2 for mark in numbers[::2]]


def cut(data: bytes, note: bytes) -> tuple[int, dict[int, Piece]]:
    """The serial of a document, and its pieces by article, from its bytes and its `Rendered.note`."""
    serial, at, joint = _HEAD.unpack_from(note)
    numbers = struct.unpack_from(f"<{(len(note) - _HEAD.size) // 8}q", note, _HEAD.size)
    pieces: dict[int, Piece] = {}
    for mark, length in zip(numbers[::2], numbers[1::2], strict=True):
        pieces[mark // 2] = Piece(mark // 2, bool(mark % 2), data[at : at + length], checked=True)
        at += length + joint
    return serial, pieces
