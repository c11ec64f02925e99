"""JSON Feed 1.0 and 1.1 (https://www.jsonfeed.org/version/1.1/), read tolerantly.

Rules of this file: pure. A field of the wrong type is as good as missing; an item that is no
object is left out with a note.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from aggregator.errors import ParseError
from aggregator.model import Document, Enclosure, Entry, Text
from aggregator.parse.dates import parse_date

_SURROGATE = re.compile("[\ud800-\udfff]")

_ITEMS = re.compile(r'"items"\s*:\s*\[')
_BETWEEN = re.compile(r"[\s,]*")
_DECODER = json.JSONDecoder(strict=False)

Json = dict[str, Any]


def read(text: str) -> Document:
    """The feed in a JSON text. Raises ParseError if it is broken or no JSON Feed."""
    data, note = _load(text)
    if not isinstance(data, dict) or not isinstance(data.get("items"), list):
        raise ParseError('valid JSON, but no JSON Feed: it has no list "items"')
    items = [item for item in data["items"] if isinstance(item, dict)]
    lost = len(data["items"]) - len(items)
    return Document(
        entries=tuple(_entry(item, _string(data, "language")) for item in items),
        title=_string(data, "title"),
        link=_string(data, "home_page_url"),
        id=_string(data, "feed_url"),
        language=_string(data, "language"),
        author=next(iter(_authors(data)), None),
        notes=(*note, *((f"{lost} items are no objects and were left out",) if lost else ())),
    )


def _load(text: str) -> tuple[Any, tuple[str, ...]]:
    """The data of a JSON text; of a broken one, the items before the break, with a note."""
    try:
        return json.loads(text, strict=False), ()
    except (ValueError, RecursionError) as error:
        saved = _saved(text)
        if not saved["items"]:
            raise ParseError(f"not valid JSON: {error}") from error
        return saved, (f"not valid JSON ({error}); the {len(saved['items'])} items before that were read",)


def _saved(text: str) -> Json:
    """What stands before the list of items, and the items that are whole."""
    start = _ITEMS.search(text)
    items: list[Any] = []
    if start is None:
        return {"items": items}
    at = start.end()
    try:
        while True:
            at = _BETWEEN.match(text, at).end()  # type: ignore[union-attr]  # it matches nothing, too
            item, at = _DECODER.raw_decode(text, at)
            items.append(item)
    except (ValueError, RecursionError):
        pass
    try:
        head = json.loads(text[: start.start()].rstrip(", \t\r\n") + "}", strict=False)
    except (ValueError, RecursionError):
        head = {}
    return {**head, "items": items}


def _entry(item: Json, language: str | None) -> Entry:
    html, plain = _string(item, "content_html"), _string(item, "content_text")
    published = _string(item, "date_published")
    updated = parse_date(_string(item, "date_modified") or "")
    return Entry(
        guid=_string(item, "id"),
        link=_string(item, "url") or _string(item, "external_url") or _address(_string(item, "id")),
        title=Text(_string(item, "title") or "", html=False),
        authors=_authors(item),
        published=parse_date(published or "") or updated,
        updated=updated,
        published_text=published,
        body=Text(html) if html else Text(plain or "", html=False),
        summary=Text(_string(item, "summary") or "", html=False),
        enclosures=tuple(_enclosures(item)),
        images=tuple(filter(None, (_string(item, "image"), _string(item, "banner_image")))),
        tags=tuple(tag.strip() for tag in _list(item, "tags") if isinstance(tag, str) and tag.strip()),
        language=_string(item, "language") or language,
    )


def _address(name: str | None) -> str | None:
    """An id that is an address: version 1.1 wants ids to be the address of the item."""
    return name if name and name.startswith(("https://", "http://")) else None


def _enclosures(item: Json) -> Iterator[Enclosure]:
    for attachment in _list(item, "attachments"):
        if not isinstance(attachment, dict) or not (url := _string(attachment, "url")):
            continue
        size, duration = _number(attachment, "size_in_bytes"), _number(attachment, "duration_in_seconds")
        yield Enclosure(
            url=url,
            type=_string(attachment, "mime_type"),
            length=int(size) if 0 < size < 2**63 else None,
            title=_string(attachment, "title"),
            duration=int(duration) if 1 <= duration < 2**31 else None,
        )


def _number(item: Json, key: str) -> int | float:
    """The number under a key; 0 if there is none, and truth is none."""
    value = item.get(key)
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else 0


def _authors(item: Json) -> tuple[str, ...]:
    """Names of version 1.1's list, then of 1.0's single author; an author without one has its URL."""
    people = [*_list(item, "authors"), item.get("author")]
    named = [
        _string(person, "name") or _string(person, "url") if isinstance(person, dict) else _text(person)
        for person in people
    ]
    return tuple(dict.fromkeys(name for name in named if name))


def _list(item: Json, key: str) -> list[Any]:
    value = item.get(key)
    return value if isinstance(value, list) else []


def _string(item: Json, key: str) -> str | None:
    """The text under a key; numbers count as text, since version 1.0 let ids be numbers."""
    return _text(item.get(key))


def _text(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    text = str(value)
    if _SURROGATE.search(text):
        text = _SURROGATE.sub("\ufffd", text)
    return text if text.strip() else None
