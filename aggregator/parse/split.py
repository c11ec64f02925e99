"""Where the entries of a well-formed XML feed stand in its bytes.

Rules of this file: pure; expat only, which expands nothing here and looks nothing up. A feed of
an unusual shape is not split: `split` gives None, and the feed is parsed as a whole.
"""

import re
from collections.abc import Callable, Collection, Container
from dataclasses import dataclass
from html import unescape
from xml.parsers import expat

_ENTRIES = frozenset(("item", "entry"))
_PARENTS = (("rss", "channel"), ("feed",), ("rdf",), ("channel",))
_AROUND = frozenset(("rss", "feed", "rdf", "channel"))
_NAMED = frozenset(("guid", "id", "link", "origlink"))
# Namespaces in which an element is what its name says; elsewhere a "link" can be anything.
_PLAIN = frozenset(
    (
        "",
        "http://www.w3.org/2005/Atom",
        "http://purl.org/atom/ns#",
        "http://purl.org/rss/1.0/",
        "http://my.netscape.com/rdf/simple/0.9/",
        "http://rssnamespace.org/feedburner/ext/1.0",
    )
)
# Attributes as expat names them, in lower case.
_BASES = frozenset(("http://www.w3.org/xml/1998/namespace base", "base"))
_ABOUT = "http://www.w3.org/1999/02/22-rdf-syntax-ns# about"
_PAGES = frozenset(("", "text/html", "application/xhtml+xml", "text/xhtml"))
_STAND_IN = b"<?entry?>"
"""What stands where an entry was taken out that had been seen before."""

_ENTRY = re.compile(rb"<((?:[\w.-]{1,20}:)?(?:item|entry))[\s>]", re.IGNORECASE)
_TAG_NAME = re.compile(rb"[^\s/>]+")
_CONTENT = re.compile(rb"<[^<>]*>\s*(?:<!\[CDATA\[([^<>]*?)\]\]>|([^<>]*?))\s*\Z")


class _UnusualError(Exception):
    """The feed has a shape that is better parsed as a whole."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One entry: its bytes from `start` to `end`, and its guid and link as they are written there.

    Addresses are not resolved; None is "none", or that only a parser could tell.
    """

    start: int
    end: int
    guid: str | None
    link: str | None


@dataclass(frozen=True, slots=True)
class Split:
    """The entries of a feed in document order; what is around them, as text.

    `bases` are the values of xml:base from the root inwards: links are relative to them.
    """

    pieces: tuple[Piece, ...]
    around: str
    bases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Shortened:
    """A feed without some of its entries: where in `data` stand-ins are for them, and their hashes."""

    data: bytes
    stand_ins: dict[int, bytes]


def shortened(data: bytes, known: Container[bytes], digest: Callable[[bytes], bytes]) -> Shortened:
    """A feed less what looks like entries and has a `digest` that is `known`: a quick look for tags.

    Whether these are entries `split` tells, of what is left.
    """
    kept: list[bytes] = []
    stand_ins: dict[int, bytes] = {}
    first = _ENTRY.search(data)
    start_tag, end_tag = (b"<" + first[1], b"</" + first[1] + b">") if first else (b"", b"")
    at = done = length = 0
    while first and (start := data.find(start_tag, at)) >= 0:
        end = data.find(end_tag, start) + len(end_tag)
        if end < start:
            break
        at = end
        found = digest(data[start:end])
        if found in known:
            kept += (data[done:start], _STAND_IN)
            length += start - done
            stand_ins[length] = found
            length += len(_STAND_IN)
            done = end
    return Shortened(b"".join((*kept, data[done:])), stand_ins)


def split(data: bytes, stand_ins: Collection[int] = ()) -> Split | None:
    """The entries of a feed in UTF-8; None if it is malformed or of an unusual shape.

    Unusual are: entries of several names or at several depths, empty ones, several guids in
    one entry, markup in a guid or link, `xml:base` at an entry. `stand_ins` are where stand-ins for
    entries are (see `shortened`): each must be where an entry can be, and is a piece without names.
    """
    watcher = _Watcher(data, stand_ins)
    try:
        watcher.run()
    except (expat.ExpatError, _UnusualError, ValueError):
        return None
    if watcher.expected:
        return None
    return Split(tuple(watcher.pieces), repr(watcher.around), tuple(watcher.bases))


class _Watcher:
    """expat's events, reduced to where entries and their names are."""

    def __init__(self, data: bytes, stand_ins: Collection[int]) -> None:
        self.expected = sorted(stand_ins, reverse=True)
        self.pieces: list[Piece] = []
        self.around: list[tuple[str, tuple[tuple[str, str], ...]]] = []
        self.bases: list[str] = []
        self._data = data
        self._path: list[str] = []
        self._names: dict[str, tuple[str, str]] = {}
        self._declared: list[tuple[str, tuple[tuple[str, str], ...]]] = []
        self._level = -1  # the depth of entries, once there is one
        self._start = -1
        self._inner = 0  # how deep within an entry
        self._name: tuple[str, int, dict[str, str]] | None = None
        self._guids: list[str] = []
        self._links: list[tuple[int, str]] = []
        self._parser = expat.ParserCreate("utf-8", " ")
        self._parser.StartElementHandler, self._parser.EndElementHandler = self._begin, self._finish
        self._parser.StartNamespaceDeclHandler = self._declare
        if stand_ins:
            self._parser.ProcessingInstructionHandler = self._stand_in

    def run(self) -> None:
        self._parser.Parse(self._data, True)  # noqa: FBT003 - expat's own form

    def _declare(self, prefix: str | None, uri: str | None) -> None:
        if self._level < 0:
            self._declared.append((f"xmlns:{prefix}", ((uri or "", ""),)))

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        depth = len(self._path)
        local = self._named(name)[1]
        attributes = {key.lower(): value for key, value in attributes.items()}
        if local in _ENTRIES:
            self._enter(depth, attributes)
        elif self._level < 0:
            self.around += self._declared
            if depth < 2:
                self._surround(local, attributes)
        self._declared.clear()
        self._path.append(local)

    def _begin_inside(self, name: str, attributes: dict[str, str]) -> None:
        self._inner += 1
        space, local = self._names.get(name) or self._named(name)
        if local in _ENTRIES:  # one within another
            raise _UnusualError
        if self._inner == 1 and local in _NAMED:
            if attributes:
                attributes = {key.lower(): value for key, value in attributes.items()}
            self._name = (local, self._parser.CurrentByteIndex, attributes)
            if space not in _PLAIN or "url" in attributes or "uri" in attributes:
                raise _UnusualError

    def _named(self, name: str) -> tuple[str, str]:
        """Namespace and local name in lower case, remembered."""
        space, _, local = name.rpartition(" ")
        named = self._names[name] = (space, local.lower())
        return named

    def _stand_in(self, _target: str, _data: str) -> None:
        at = self._parser.CurrentByteIndex
        if self.expected and at == self.expected[-1]:
            self.expected.pop()
            if self._start >= 0:
                raise _UnusualError
            self._settle(len(self._path))
            self.pieces.append(Piece(at, at + len(_STAND_IN), None, None))

    def _settle(self, depth: int) -> None:
        """All entries are as deep as the first."""
        if tuple(self._path) not in _PARENTS or self._level not in {-1, depth}:
            raise _UnusualError
        self._level = depth

    def _enter(self, depth: int, attributes: dict[str, str]) -> None:
        self._settle(depth)
        if _BASES & attributes.keys() or "href" in attributes:  # CDF has the link in the start tag
            raise _UnusualError
        self._start = self._parser.CurrentByteIndex
        self._inner = 0
        self._parser.StartElementHandler, self._parser.EndElementHandler = (
            self._begin_inside,
            self._finish_inside,
        )
        self._guids = [attributes[_ABOUT]] if _ABOUT in attributes else []
        self._links = []

    def _surround(self, local: str, attributes: dict[str, str]) -> None:
        if local in _AROUND:
            self.bases += (attributes[key] for key in _BASES & attributes.keys())
            self.around.append((local, tuple(sorted(attributes.items()))))

    def _finish(self, _: str) -> None:
        self._path.pop()

    def _finish_inside(self, _: str) -> None:
        self._inner -= 1
        if self._inner < 0:
            self._leave()
        elif self._inner == 0 and self._name is not None:
            self._take_name(self._parser.CurrentByteIndex)

    def _take_name(self, end: int) -> None:
        local, start, attributes = self._name or ("", 0, {})
        self._name = None
        if local == "link" and "href" in attributes:
            kind = attributes.get("type", "").lower()
            if attributes.get("rel", "alternate").lower() == "alternate":
                self._links.append((1 if kind in _PAGES else 2, attributes["href"].strip()))
            return
        found = _CONTENT.match(self._data[start:end])
        if found is None:
            raise _UnusualError
        text = (found[1] or b"").decode() if found[1] is not None else unescape(found[2].decode())
        if local in {"guid", "id"}:
            self._guids.append(text.strip())
        elif text.strip() and attributes.get("rel", "alternate").lower() == "alternate":
            rank = 0 if local == "origlink" else 1
            self._links.insert(0 if rank == 0 else len(self._links), (rank, text.strip()))

    def _leave(self) -> None:
        self._path.pop()
        self._parser.StartElementHandler, self._parser.EndElementHandler = self._begin, self._finish
        start, self._start = self._start, -1
        at = self._parser.CurrentByteIndex
        end = self._data.find(b">", at) + 1
        name = _TAG_NAME.match(self._data, start + 1)
        # An empty element `<item/>` has no end tag of its own.
        closed = name is not None and self._data.startswith(b"</" + name[0], at)
        if not closed or len({guid for guid in self._guids if guid}) > 1:
            raise _UnusualError
        guid = next((guid for guid in self._guids if guid), None)
        link = min(self._links, key=lambda link: link[0], default=(0, None))[1]
        self.pieces.append(Piece(start, end, guid, link))
