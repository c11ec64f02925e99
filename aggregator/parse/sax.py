"""What feedparser is given to work with: a SAX driver, and short cuts around its detours.

The driver (feedparser's own door for it is `PREFERRED_XML_PARSERS`) hands text over in large
pieces, refuses elements nested too deep, and raises `MalformedXmlError` for XML that is not
well-formed. feedparser does not catch that, so `parse.feed` can repair the document first
instead of having it read by the slow and lossy loose parser at once.
"""

from collections.abc import ItemsView, Iterator, KeysView
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, Literal, Protocol
from xml.parsers import expat
from xml.sax import SAXParseException
from xml.sax.handler import feature_external_ges, feature_namespaces
from xml.sax.xmlreader import InputSource, Locator, XMLReader

import feedparser.api
import feedparser.mixin

MAX_DEPTH = 500
"""Elements within elements; real feeds with XHTML bodies stay under 60."""

# What feedparser raises at elements in places where it does not expect them (a `gml:posList` outside of
# a `georss:where`). Such an element says nothing then; the entry and the feed stay.
_BUGS = (KeyError, IndexError, TypeError, ValueError, AttributeError)

_loosely: ContextVar[bool] = ContextVar("loosely", default=False)


class MalformedXmlError(Exception):
    """The document is not well-formed XML; the text says why and where."""


class TooDeepError(Exception):
    """The document nests elements deeper than `MAX_DEPTH`."""


@contextmanager
def loose_parsing() -> Iterator[None]:
    """Within it, feedparser turns to its loose parser when XML is malformed."""
    token = _loosely.set(True)
    try:
        yield
    finally:
        _loosely.reset(token)


class _Attributes:
    """The attributes of an element, as much of xml.sax's interface as feedparser uses."""

    def __init__(self, values: dict[tuple[str | None, str], str], names: dict[str, str]) -> None:
        self._values = values
        self._names = names

    def items(self) -> ItemsView[tuple[str | None, str], str]:
        return self._values.items()

    def getQNames(self) -> KeysView[str]:  # noqa: N802 - xml.sax's name
        return self._names.keys()

    def getValueByQName(self, name: str) -> str:  # noqa: N802 - xml.sax's name
        return self._names[name]


_NO_ATTRIBUTES = _Attributes({}, {})


class _Handler(Protocol):
    """The part of xml.sax.ContentHandler that the driver calls."""

    def startElementNS(self, name: tuple[str | None, str], qname: None, attrs: object) -> None: ...  # noqa: N802
    def endElementNS(self, name: tuple[str | None, str], qname: None) -> None: ...  # noqa: N802
    def startPrefixMapping(self, prefix: str | None, uri: str | None) -> None: ...  # noqa: N802
    def characters(self, text: str) -> None: ...
    def fatalError(self, error: Exception) -> None: ...  # noqa: N802


class _Driver(XMLReader):
    """expat, set up for feeds. It never reads anything but the stream it is given."""

    def setFeature(self, name: str, state: Literal[0, 1] | bool) -> None:  # noqa: FBT001, N802 - as in xml.sax
        """Namespaces are always on, external entities always off; feedparser asks for both."""
        if name not in {feature_namespaces, feature_external_ges}:
            super().setFeature(name, state)

    def parse(self, source: Any) -> None:  # noqa: ANN401 - as in the base class
        """Reads the document to the end, or up to its first error."""
        handler: _Handler = self.getContentHandler()  # type: ignore[assignment]  # feedparser's is its own error handler
        parser = expat.ParserCreate("utf-8", " ", {})
        parser.namespace_prefixes = True
        parser.buffer_text = True
        parser.buffer_size = 65_536
        parser.CharacterDataHandler = handler.characters
        parser.StartNamespaceDeclHandler = handler.startPrefixMapping
        parser.StartElementHandler, parser.EndElementHandler = _element_handlers(handler)
        try:
            parser.Parse(_bytes(source), True)  # noqa: FBT003 - expat's own form
        except expat.ExpatError as error:
            if not _loosely.get():
                raise MalformedXmlError(str(error)) from error
            handler.fatalError(SAXParseException(str(error), error, Locator()))


def _bytes(source: InputSource) -> bytes:
    stream: Any = source.getByteStream()
    data: bytes = stream.read()
    return data


def _element_handlers(handler: _Handler) -> tuple[Any, Any]:
    """What expat calls at the start and end of elements; names come as "uri local prefix"."""
    start_element, end_element = handler.startElementNS, handler.endElementNS
    names: dict[str, tuple[str | None, str]] = {}
    depth = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_DEPTH:
            raise TooDeepError
        pair = names.get(name) or names.setdefault(name, _pair(name))
        with_attributes = _attributes(attributes) if attributes else _NO_ATTRIBUTES
        try:
            start_element(pair, None, with_attributes)
        except _BUGS:
            return

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        try:
            end_element(names[name], None)
        except _BUGS:
            return

    return start, end


def _pair(name: str) -> tuple[str | None, str]:
    parts = name.split(" ")
    return (parts[0], parts[1]) if len(parts) > 1 else (None, name)


def _attributes(attributes: dict[str, str]) -> _Attributes:
    values, names = {}, {}
    for name, value in attributes.items():
        parts = name.split(" ")
        values[_pair(name)] = value
        names[f"{parts[2]}:{parts[1]}" if len(parts) == 3 else parts[-1]] = value
    return _Attributes(values, names)


def create_parser() -> XMLReader:
    """A new driver (the name and form that `xml.sax.make_parser` looks for)."""
    return _Driver()


# --- feedparser's own ways, shortened ---------------------------------------------------

_resolve = feedparser.mixin.make_safe_absolute_uri


@lru_cache(maxsize=64)
def _resolved_base(base: str) -> str:
    return str(_resolve(base, base))


def _quick_resolve(base: str, reference: str | None = None) -> str:
    """The base resolved against itself, which feedparser does at every element, is looked up."""
    if reference == base and len(base) < 2000:
        return _resolved_base(base)
    return str(_resolve(base, reference))


def _no_date(_: str) -> tuple[int, ...]:
    """A date for feedparser, which need not try its nine readers: `parse.dates` reads the text."""
    return (1, 1, 1, 0, 0, 0, 0, 1, 0)


class _Fresh:
    """Lets no entry be read differently because of what stood before it in the feed."""

    hasContent: int  # noqa: N815 - feedparser's name

    def _start_item(self, attrs: dict[str, str]) -> None:
        self.hasContent = 0  # a channel with both a description and an itunes:summary leaves it at 1
        super()._start_item(attrs)  # type: ignore[misc]  # of the parser that this is mixed into

    _start_entry = _start_item


class _Strict(_Fresh, feedparser.api.StrictFeedParser):  # type: ignore[misc]  # feedparser has no types
    """The parser for what the driver reads."""


class _Loose(_Fresh, feedparser.api.LooseFeedParser):  # type: ignore[misc]  # feedparser has no types
    """The loose parser, which survives its own bugs as the driver does for the strict one."""

    def unknown_starttag(self, tag: str, attrs: list[tuple[str, str]]) -> None:
        with suppress(*_BUGS):
            super().unknown_starttag(tag, attrs)

    def unknown_endtag(self, tag: str) -> None:
        with suppress(*_BUGS):
            super().unknown_endtag(tag)


def install() -> None:
    """Gives feedparser the driver, the parsers and the short cuts; guids stay as written."""
    feedparser.api.PREFERRED_XML_PARSERS = [__name__]
    feedparser.mixin.make_safe_absolute_uri = _quick_resolve
    feedparser.registerDateHandler(_no_date)
    feedparser.api.StrictFeedParser, feedparser.api.LooseFeedParser = _Strict, _Loose
    for parser in (_Strict, _Loose):  # RFC 4287 4.2.6: an id is not an address to resolve
        parser.can_be_relative_uri = parser.can_be_relative_uri - {"id"}


install()
