"""What feedparser is given to work with: a SAX driver, and short cuts around its detours.

The driver (feedparser's own door for it is `PREFERRED_XML_PARSERS`) hands text over in large
pieces, refuses elements nested too deep, and raises `MalformedXmlError` for XML that is not
well-formed. feedparser does not catch that, so `parse.reader` can repair the document first
instead of having it read by the slow and lossy loose parser at once.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, Literal
from xml.parsers import expat
from xml.sax import SAXParseException
from xml.sax.handler import feature_external_ges, feature_namespaces
from xml.sax.xmlreader import InputSource, Locator, XMLReader

import feedparser.api
import feedparser.mixin

from aggregator.parse.podcasts import NAMESPACES
from aggregator.parse.strict import BUGS, Fresh, Strict
from aggregator.parse.strict_tools import quick_resolve

VERBATIM = frozenset(("id", "link"))
"""Elements that stay as written: an id is no address to resolve (RFC 4287 4.2.6), and RSS does not say
against what links are relative. Sites mean their own page, not the address of the feed (`refine.entries`)."""

_ROOT = re.compile(r"<[A-Za-z0-9_]")
_DECLARATION = re.compile(r"<\?xml[^>]*>")
_DECLARED = "<?xml version='1.0' encoding='utf-8'?>"
"""What feedparser puts in the place of a declaration; lines in messages are counted from it."""

_loosely: ContextVar[bool] = ContextVar("loosely", default=False)


class MalformedXmlError(Exception):
    """The document is not well-formed XML; the text says why and where."""


@contextmanager
def loose_parsing() -> Iterator[None]:
    """Within it, feedparser turns to its loose parser when XML is malformed."""
    token = _loosely.set(True)
    try:
        yield
    finally:
        _loosely.reset(token)


class _Driver(XMLReader):
    """expat, set up for feeds. It never reads anything but the stream it is given."""

    def setFeature(self, name: str, state: Literal[0, 1] | bool) -> None:  # noqa: FBT001, N802 - as in xml.sax
        """Namespaces are always on, external entities always off; feedparser asks for both."""
        if name not in {feature_namespaces, feature_external_ges}:
            super().setFeature(name, state)

    def parse(self, source: Any) -> None:  # noqa: ANN401 - as in the base class
        """Reads the document to the end, or up to its first error."""
        handler: Any = self.getContentHandler()  # feedparser's, `Strict` here, is its own error handler
        try:
            run(handler, _bytes(source))
        except MalformedXmlError as error:
            if not _loosely.get():
                raise
            handler.fatalError(SAXParseException(str(error), error, Locator()))


def run(parser: Strict, data: bytes) -> None:
    """Gives what is in `data` to `parser`, up to the first error: raises MalformedXmlError, TooDeepError."""
    reader = expat.ParserCreate("utf-8", " ", {})
    reader.namespace_prefixes = True
    reader.buffer_text = True
    reader.buffer_size = 65_536
    reader.CharacterDataHandler = parser.characters
    reader.StartNamespaceDeclHandler = parser.startPrefixMapping
    reader.StartElementHandler, reader.EndElementHandler = parser.begin, parser.finish
    try:
        reader.Parse(data, True)  # noqa: FBT003 - expat's own form
    except expat.ExpatError as error:
        raise MalformedXmlError(str(error)) from error


def _bytes(source: InputSource) -> bytes:
    stream: Any = source.getByteStream()
    data: bytes = stream.read()
    return data


def parse_plain(text: str, url: str) -> dict[str, Any] | None:
    """What `feedparser.parse` gives for text that needs none of its preparations; None if it does.

    These are for encodings and for what a DTD declares. Raises as `run` does.
    """
    root = _ROOT.search(text)
    if _loosely.get() or text[:1] != "<" or "\0" in text[:4] or "<!" in text[: root.start() if root else 0]:
        return None
    declared = _DECLARATION.match(text)
    text = _DECLARED + (text[declared.end() :] if declared else "\n" + text)
    parser = Strict(url, None, "utf-8")
    run(parser, text.encode("utf-8", "replace"))
    return {
        "bozo": False,
        "entries": parser.entries,
        "feed": parser.feeddata,
        "encoding": "utf-8",
        "version": parser.version,
        "namespaces": parser.namespaces_in_use,
    }


def create_parser() -> XMLReader:
    """A new driver (the name and form that `xml.sax.make_parser` looks for)."""
    return _Driver()


# --- feedparser's own ways, shortened ---------------------------------------------------


def _no_date(_: str) -> tuple[int, ...]:
    """A date for feedparser, which need not try its nine readers: `parse.dates` reads the text."""
    return (1, 1, 1, 0, 0, 0, 0, 1, 0)


class _Loose(Fresh, feedparser.api.LooseFeedParser):  # type: ignore[misc]  # feedparser has no types
    """The loose parser, which survives its own bugs as the driver does for the strict one."""

    def unknown_starttag(self, tag: str, attrs: list[tuple[str, str]]) -> None:
        with suppress(*BUGS):
            super().unknown_starttag(tag, attrs)

    def unknown_endtag(self, tag: str) -> None:
        with suppress(*BUGS):
            super().unknown_endtag(tag)


def install() -> None:
    """Gives feedparser the driver, the parsers and the short cuts; guids stay as written."""
    feedparser.api.PREFERRED_XML_PARSERS = [__name__]
    feedparser.mixin.make_safe_absolute_uri = quick_resolve
    feedparser.registerDateHandler(_no_date)
    feedparser.api.StrictFeedParser, feedparser.api.LooseFeedParser = Strict, _Loose
    for parser in (Strict, _Loose):
        parser.can_be_relative_uri = parser.can_be_relative_uri - VERBATIM
        parser.namespaces = parser.namespaces | NAMESPACES


install()
