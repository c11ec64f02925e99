"""Where the entries of a well-formed XML feed stand in its bytes.

    bytes ─► what looks like entries by its tags ─► the rest ─► expat: was each where an entry can be?

Rules of this file: pure; expat only, which expands nothing here and looks nothing up. A feed of
an unusual shape is not split: `split` gives None, and the feed is parsed as a whole.
"""

import re
from dataclasses import dataclass
from xml.parsers import expat

_ENTRIES = frozenset(("item", "entry"))
_PARENTS = (("rss", "channel"), ("feed",), ("rdf",), ("channel",))
_AROUND = frozenset(("rss", "feed", "rdf", "channel"))
# Attributes as expat names them, in lower case.
_BASES = frozenset(("http://www.w3.org/xml/1998/namespace base", "base"))
_STAND_IN = b"<?entry?>"
"""What stands for an entry in what is left of a feed."""

_FIRST = re.compile(rb"<((?:[\w.-]{1,20}:)?(?:item|entry))[\s>]", re.IGNORECASE)
_START_TAG = re.compile(rb"""<(?:[^"'<>]++|"[^"]*+"|'[^']*+')*+>""")
_BLANKS = (b" ", b"\t", b"\r", b"\n")


class _UnusualError(Exception):
    """The feed has a shape that is better parsed as a whole."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One entry: its bytes from `start` to `end`."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Split:
    """The entries of a feed in document order; what is around them, as text.

    `bases` are the values of xml:base from the root inwards: links are relative to them.
    """

    pieces: tuple[Piece, ...]
    around: str
    bases: tuple[str, ...] = ()


def split(data: bytes) -> Split | None:
    """The entries of a feed in UTF-8; None if it is malformed or of an unusual shape.

    Unusual are: entries of several names or at several depths, empty ones, what looks like an entry
    in a comment or CDATA section. The entries themselves are not looked into: their pieces are elements
    if the whole is well-formed and holds as many (`entries_in`). What an entry says of tags in a CDATA
    section can make two pieces of it.
    """
    pieces = _pieces(data)
    if pieces is None:
        return None
    watcher = _Watcher()
    try:
        watcher.run(data, pieces)
    except (expat.ExpatError, _UnusualError, ValueError):
        return None
    return Split(tuple(pieces), repr(watcher.around), tuple(watcher.bases))


def entries_in(data: bytes) -> int:
    """How many entries there are in XML in UTF-8; -1 if it is malformed."""
    count = 0

    def begin(name: str, _: dict[str, str]) -> None:
        nonlocal count
        count += _local(name) in _ENTRIES

    parser = expat.ParserCreate("utf-8", " ")
    parser.StartElementHandler = begin
    try:
        parser.Parse(data, True)  # noqa: FBT003 - expat's own form
    except (expat.ExpatError, ValueError):
        return -1
    return count


def _local(name: str) -> str:
    return name.rpartition(" ")[2].lower()


def _pieces(data: bytes) -> list[Piece] | None:
    """What stands from each start tag of an entry to the next end tag of that name; None if it is unusual."""
    first = _FIRST.search(data)
    if first is None:
        return []
    start_tag, end_tag = b"<" + first[1], b"</" + first[1] + b">"
    pieces: list[Piece] = []
    at = first.start()
    while at >= 0:
        behind = at + len(start_tag)
        mark = data[behind : behind + 1]
        if mark == b">" or mark in _BLANKS:
            end = data.find(end_tag, behind)
            if end < 0 or (mark != b">" and not _is_open(data, at)):
                return None
            behind = end + len(end_tag)
            pieces.append(Piece(at, behind))
        at = data.find(start_tag, behind)
    return pieces


def _is_open(data: bytes, at: int) -> bool:
    """Whether a start tag is one, and not of an empty element."""
    tag = _START_TAG.match(data, at)
    return tag is not None and not tag[0].endswith(b"/>")


class _Watcher:
    """expat's events of what is around the entries; raises _UnusualError."""

    def __init__(self) -> None:
        self.around: list[tuple[str, tuple[tuple[str, str], ...]]] = []
        self.bases: list[str] = []
        self._path: list[str] = []
        self._level = -1  # the depth of entries, once there is one
        self._expected: list[int] = []
        self._parser = expat.ParserCreate("utf-8", " ")
        self._parser.StartElementHandler, self._parser.EndElementHandler = self._begin, self._finish
        self._parser.StartNamespaceDeclHandler = self._declare
        self._parser.ProcessingInstructionHandler = self._stand_in

    def run(self, data: bytes, pieces: list[Piece]) -> None:
        """Reads what is around `pieces`, with a stand-in for them, or for several with blanks between."""
        kept: list[bytes] = []
        at = length = 0
        for piece in pieces:
            before = data[at : piece.start]
            if kept and (not before or before.isspace()):
                at = piece.end
                continue
            kept += (before, _STAND_IN)
            length += len(before)
            self._expected.append(length)
            length += len(_STAND_IN)
            at = piece.end
        self._expected.reverse()
        self._parser.Parse(b"".join((*kept, data[at:])), True)  # noqa: FBT003 - expat's own form
        if self._expected:
            raise _UnusualError

    def _stand_in(self, _target: str, _data: str) -> None:
        if self._expected and self._parser.CurrentByteIndex == self._expected[-1]:
            self._expected.pop()
            depth = len(self._path)
            if tuple(self._path) not in _PARENTS or self._level not in {-1, depth}:
                raise _UnusualError
            self._level = depth

    def _declare(self, prefix: str | None, uri: str | None) -> None:
        if self._level < 0:
            self.around.append((f"xmlns:{prefix}", ((uri or "", ""),)))

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        local = _local(name)
        if local in _ENTRIES:  # of another name than the first
            raise _UnusualError
        if local in _AROUND and len(self._path) < 2 and self._level < 0:
            lower = {key.lower(): value for key, value in attributes.items()}
            self.bases += (lower[key] for key in _BASES & lower.keys())
            self.around.append((local, tuple(sorted(lower.items()))))
        self._path.append(local)

    def _finish(self, _: str) -> None:
        self._path.pop()
