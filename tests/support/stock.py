"""feedparser as it comes, to compare with: run it in a process that has not imported our parse room."""

import datetime as dt
import io
import re
import sys
from typing import Any

import feedparser
from feedparser.urls import resolve_relative_uris

Headers = dict[str, str]


def parse(body: bytes, headers: Headers, *, sanitize: bool = True, resolve: bool = True) -> dict[str, Any]:
    """What feedparser alone finds; it must not be the one that `aggregator.parse.sax` has changed."""
    assert "aggregator.parse.sax" not in sys.modules
    result: dict[str, Any] = feedparser.parse(
        io.BytesIO(body), response_headers=headers, sanitize_html=sanitize, resolve_relative_uris=resolve
    )
    return result


def holds(expectation: str, result: dict[str, Any]) -> bool:
    """Whether one of feedparser's own expectations, a Python expression, is true of a result."""
    try:
        return bool(eval(expectation, {"datetime": dt, "feedparser": feedparser}, result))
    except Exception:  # noqa: BLE001 - what is missing does not hold
        return False


def verdicts(body: bytes, headers: Headers, expectation: str) -> tuple[bool, bool]:
    """Whether the expectation holds of feedparser as it comes, and of it without sanitising."""
    return tuple(  # type: ignore[return-value]  # two, as the loop says
        holds(expectation, parse(body, headers, sanitize=sanitize)) for sanitize in (True, False)
    )


def entries(body: bytes) -> int:
    """How many entries feedparser sees."""
    try:
        return len(parse(body, {}, sanitize=False, resolve=False)["entries"])
    except Exception:  # noqa: BLE001 - it raises on some documents, and then sees none
        return 0


def identities(body: bytes, content_type: str, url: str) -> list[tuple[str, ...]] | None:
    """What tells the entries that feedparser sees from each other; None if it raises."""
    headers = {"content-type": content_type, "content-location": url}
    try:
        found = parse(body, headers, sanitize=False, resolve=False)["entries"]
    except Exception:  # noqa: BLE001 - it raises on some documents
        return None
    return [_identity(entry) for entry in found]


def _identity(entry: dict[str, Any]) -> tuple[str, ...]:
    """Guid (else page and date), title and text, without markup and blanks."""
    links = [link for link in dict.get(entry, "links") or () if link.get("rel") == "alternate"]
    page = links[0].get("href") if links else dict.get(entry, "link")
    name = (dict.get(entry, "id"),) if dict.get(entry, "id") else (page, dict.get(entry, "published"))
    texts = [str(dict.get(entry, key) or "") for key in ("title", "summary")]
    texts += [str(content.get("value")) for content in dict.get(entry, "content") or ()]
    text = " ".join(texts) if any(texts) else ""
    return (*map(str, name), " ".join(re.sub("<[^<>]*>", " ", text).split()))


def _start_plain(parser: Any, attrs: dict[str, str]) -> None:
    """As our room reads it: what Media RSS says is plain text."""
    parser._start_description({**attrs, "type": attrs.get("type", "text/plain")})


def plain(text: str, url: str) -> object:
    """All that the strict parser finds in well-formed XML, as plain values; None if it is malformed."""
    parser = feedparser.api.StrictFeedParser
    parser._start_media_description = _start_plain
    before = parser.can_be_relative_uri
    parser.can_be_relative_uri = before - {"id", "link"}  # these stay as written in our room
    headers = {"content-type": "application/xml; charset=utf-8", "content-location": url}
    try:
        result = parse(text.encode(), headers, sanitize=False, resolve=False)
    finally:
        parser.can_be_relative_uri = before
    return None if result["bozo"] else simplified(result)


_LEFT_OUT = re.compile(r".*_parsed|headers|bozo_exception|podcast_.*")
"""Our own code reads dates and what feedparser does not know of podcasts."""


def simplified(value: Any) -> Any:
    """The value with dicts and lists of plain types, less what `_LEFT_OUT` names."""
    if isinstance(value, dict):
        return {key: simplified(item) for key, item in dict.items(value) if not _LEFT_OUT.fullmatch(key)}
    return [simplified(item) for item in value] if isinstance(value, (list, tuple)) else value


def resolved(value: str, base: str, kind: str) -> str:
    """HTML with its relative addresses resolved by feedparser, as our refine room would do."""
    return str(resolve_relative_uris(value, base, "utf-8", kind))
