"""`parse.sax`: our driver and short cuts find what feedparser finds without them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import stock

from aggregator.parse import prolog, reader
from aggregator.parse.captions import Captions
from aggregator.parse.encodings import decode
from aggregator.parse.podcasts import Podcasting
from aggregator.parse.sax import MalformedXmlError, loose_parsing
from aggregator.parse.strict import MAX_DEPTH, Strict, TooDeepError
from aggregator.parse.strict_tools import LONGEST_NAME, MOST_NAMES, Feedparser, names_under
from aggregator.workers import Workers

FEEDS = Path(__file__).parent.parent / "data" / "parse" / "feeds"
URL = "http://feeds.example/feed"


@pytest.fixture(scope="module")
def untouched() -> Iterator[Workers]:
    """A process in which feedparser is as it comes."""
    with Workers(1) as pool:
        yield pool


@pytest.mark.parametrize("path", sorted(FEEDS.glob("*.xml")), ids=lambda path: path.stem)
def test_same_as_feedparser_alone(path: Path, untouched: Workers) -> None:
    """Everything found, namespaces and details included, is what feedparser finds with its own driver."""
    text = prolog.trim(decode(path.read_bytes()).text)
    assert stock.simplified(reader.strictly(text, URL)) == untouched.submit(stock.plain, text, URL).result()


def _entry(inside: str, before: str = "") -> dict[str, Any]:
    text = f"<rss version='2.0'><channel>{before}<item>{inside}</item></channel></rss>"
    (entry,) = reader.strictly(text, URL)["entries"]
    assert isinstance(entry, dict)
    return entry


def test_channel_does_not_reach_into_the_first_entry() -> None:
    """A channel with two descriptions does not cost its first entry the better of its own."""
    itunes = (
        "<itunes:summary xmlns:itunes='http://www.itunes.com/dtds/podcast-1.0.dtd'>plain</itunes:summary>"
    )
    inside = f"<description>&lt;p&gt;rich&lt;/p&gt;</description>{itunes}"
    assert _entry(inside, f"{itunes}<description>channel</description>") == _entry(inside)


def test_malformed_xml_is_reported() -> None:
    """Malformed XML is an exception with a reason, unless the loose parser is wanted."""
    with pytest.raises(MalformedXmlError, match="mismatched tag"):
        reader.strictly("<rss><channel></rss>", URL)
    with loose_parsing():
        assert reader.strictly("<rss><item><title>a</title></rss>", URL)["entries"][0]["title"] == "a"


def test_depth() -> None:
    """Elements are followed down to a depth no real feed has, and no deeper."""
    reader.strictly("<a>" * MAX_DEPTH + "</a>" * MAX_DEPTH, URL)
    with pytest.raises(TooDeepError):
        reader.strictly("<a>" * (MAX_DEPTH + 1) + "</a>" * (MAX_DEPTH + 1), URL)


def test_nothing_outside_is_read(tmp_path: Path) -> None:
    """External entities and DTDs are neither opened nor asked for."""
    secret = tmp_path / "secret"
    secret.write_text("secret")
    dtd = f'<!DOCTYPE rss SYSTEM "{secret.as_uri()}" [<!ENTITY a SYSTEM "{secret.as_uri()}">]>'
    try:
        found = repr(reader.strictly(f"{dtd}<rss><channel><title>&a;</title></channel></rss>", URL))
    except MalformedXmlError:
        found = ""
    assert "secret" not in found.replace(str(secret), "")


def test_guids_stay_as_written() -> None:
    """A guid is a name: neither a base nor a document's address changes it."""
    assert _entry("<guid>a/../b</guid>")["id"] == "a/../b"


def test_no_element_reaches_our_own_methods() -> None:
    """feedparser calls methods by the names of elements; ours has few beside feedparser's."""
    handlers = [name for name in dir(Strict) if name.startswith(("_start_", "_end_"))]
    assert handlers
    assert all(any(hasattr(kind, name) for kind in (Feedparser, Podcasting, Captions)) for name in handlers)


def test_names_of_one_document_say_nothing_of_the_next() -> None:
    """What is remembered of names holds where the same prefixes stand for the same namespaces only."""
    inside = "<p:creator xmlns:p='{}'>Ana</p:creator>"
    for space, expected in (("http://purl.org/dc/elements/1.1/", "Ana"), ("urn:other", None)) * 2:
        assert _entry(inside.format(space)).get("author") == expected


def test_little_is_remembered_of_names() -> None:
    """A document of a thousand names, or of long ones, leaves no more than any feed does."""
    _entry("".join(f"<n{number}/>" for number in range(1000)) + f"<{'n' * 1000}/>")
    parser = Strict(URL, None, "utf-8")
    starts, ends = names_under(parser.namespacemap, parser.namespaces_in_use)
    assert max(len(starts), len(ends)) <= MOST_NAMES
    assert max(map(len, (*starts, *ends))) < LONGEST_NAME


@pytest.mark.parametrize("spaces", [31, 3])
def test_many_or_long_namespaces_are_not_remembered(spaces: int) -> None:
    """Names under namespaces that no feed has are known to their document alone."""
    found = {f"p{number}": "urn:" + "x" * (100_000 // spaces) for number in range(spaces)}
    assert names_under({}, found) == ({}, {})
    assert names_under({}, found)[0] is not names_under({}, found)[0]
