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
from aggregator.parse.strict_tools import Feedparser
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
