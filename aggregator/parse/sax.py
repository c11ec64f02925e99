"""The SAX driver that feedparser is given (`feedparser.api.PREFERRED_XML_PARSERS`).

It is the standard library's expat driver but for three things: expat hands over text in
large pieces, elements nested too deep are refused, and malformed XML raises `MalformedXmlError`,
which feedparser does not catch, so that `parse.feed` may repair the document first instead of
having it read by the slow and lossy loose parser at once.
"""

import xml.sax.handler
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from xml.sax import SAXException, expatreader

import feedparser.api

MAX_DEPTH = 500
"""Elements within elements; real feeds with XHTML bodies stay under 60."""

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


class _Driver(expatreader.ExpatParser):
    """expat, set up for feeds."""

    def reset(self) -> None:
        super().reset()
        self._depth = 0
        parser = self._parser  # type: ignore[attr-defined]  # made by the base class's reset
        parser.buffer_text = True
        parser.buffer_size = 65_536

    def start_element_ns(self, name: str, attrs: Any) -> None:  # noqa: ANN401 - as in the base class
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise TooDeepError
        super().start_element_ns(name, attrs)

    def end_element_ns(self, name: str) -> None:
        self._depth -= 1
        super().end_element_ns(name)

    def parse(self, source: Any) -> None:  # noqa: ANN401 - as in the base class
        try:
            super().parse(source)
        except SAXException as error:
            if _loosely.get():
                raise
            raise MalformedXmlError(str(error)) from error


def create_parser() -> xml.sax.xmlreader.XMLReader:
    """A new driver (the name and form that `xml.sax.make_parser` looks for)."""
    return _Driver()


feedparser.api.PREFERRED_XML_PARSERS = [__name__]
