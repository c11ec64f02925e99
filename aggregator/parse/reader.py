"""Text of an XML feed to what feedparser finds in it, with repairs where it must be.

Rules of this file: pure; feedparser is called here and nowhere else, always on bytes. It never
sees HTML to sanitise or addresses to resolve within HTML: the refine room does both.
"""

import io
from dataclasses import dataclass
from typing import Any

import feedparser
from lxml import etree

from aggregator.errors import ParseError
from aggregator.parse import repair
from aggregator.parse.sax import MalformedXmlError, loose_parsing, parse_plain
from aggregator.parse.strict import TooDeepError

Found = dict[str, Any]

_SPEAKING = (MalformedXmlError, etree.XMLSyntaxError)
"""Exceptions whose text says something to people."""


@dataclass(frozen=True, slots=True)
class Reading:
    """feedparser's result, and sentences on what was odd and survived."""

    result: Found
    notes: tuple[str, ...] = ()


def read(text: str, url: str) -> Reading:
    """What feedparser finds in `text`, which came from `url`.

    XML that is not well-formed is mended first; what cannot be mended is left to feedparser's
    loose parser, then to libxml2's recovery. Raises ParseError if none of them finds a feed.
    """
    try:
        return Reading(strictly(text, url))
    except TooDeepError as error:
        raise ParseError("refused: its elements are nested too deep") from error
    except Exception as error:  # noqa: BLE001 - feedparser raises what its input makes it raise
        reason = _reason(error)
    notes = (f"not well-formed XML ({reason}); repaired",)
    mended = repair.mend(text)
    for attempt in (strictly, _loosely, _recovered):
        try:
            result = attempt(mended.text, url)
        except Exception as error:  # noqa: BLE001 - as above
            reason = _reason(error)
            continue
        if result["entries"] or result.get("version"):
            return Reading(result, (*notes, *_unfinished(result, mended)))
    raise ParseError(f"no feed can be read from this document: {reason}")


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, _SPEAKING) else type(error).__name__


def _unfinished(result: Found, mended: repair.Mended) -> tuple[str, ...]:
    """Drops an entry that breaks off before its guid and link: it will come back with them.

    Stored without a name it would be a second article beside the whole one.
    """
    entries = result["entries"]
    if not mended.cut_in_entry or not entries or any(dict.get(entries[-1], key) for key in ("id", "link")):
        return ()
    entries.pop()
    return ("cut off within its last entry, which is left for the next time",)


def strictly(text: str, url: str) -> Found:
    """What feedparser finds. Raises MalformedXmlError if the text is not well-formed."""
    # What is relative in a file on this machine stays so: its base is the feed's page (`refine.entries`).
    url = url if url.startswith(("https:", "http:")) else ""
    plain = parse_plain(text, url)
    if plain is not None:
        return plain
    result: Found = feedparser.parse(
        io.BytesIO(text.encode("utf-8", "replace")),
        response_headers={"content-type": "application/xml; charset=utf-8", "content-location": url},
        sanitize_html=False,
        resolve_relative_uris=False,
    )
    return result


def _loosely(text: str, url: str) -> Found:
    with loose_parsing():
        return strictly(text, url)


def _recovered(text: str, url: str) -> Found:
    """What libxml2 makes of broken XML, read as if it had been written so."""
    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True, load_dtd=False)
    root = etree.fromstring(text.encode("utf-8", "replace"), parser)
    if root is None:
        raise MalformedXmlError("no element in it")
    return strictly(etree.tostring(root, encoding="unicode"), url)
