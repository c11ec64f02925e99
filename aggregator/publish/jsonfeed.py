"""JSON Feed 1.1 (https://www.jsonfeed.org/version/1.1/)."""

import json
from typing import Any

from aggregator.publish import beside, episodes
from aggregator.publish.entry import Facts
from aggregator.publish.head import Head

JOINT = b",\n"
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
VERSION_URL = "https://jsonfeed.org/version/1.1"


def render_entry(facts: Facts) -> bytes:
    """One item as JSON in UTF-8. Keys without a value are left out, the title of an untitled article too."""
    item: dict[str, Any] = {
        "id": facts.id,
        "url": facts.link,
        "title": None if facts.untitled else facts.title,
        "content_html": facts.html,
        "content_text": None if facts.html else facts.summary or facts.title,
        "summary": facts.summary if facts.html else None,
        "image": facts.image,
        "date_published": facts.published.isoformat(),
        "date_modified": facts.updated.isoformat(),
        "authors": [{"name": name} for name in facts.authors],
        "tags": list(facts.categories),
        "language": facts.language,
        "attachments": [
            _kept(
                {
                    "url": file.url,
                    "mime_type": file.type,
                    "title": file.title,
                    "size_in_bytes": file.length,
                    "duration_in_seconds": file.duration,
                }
            )
            for file in facts.enclosures
        ],
        "_source": _kept(
            {
                "title": facts.whence.title,
                "url": facts.whence.link or facts.whence.feed,
                "also": [{"title": other.title, "url": other.url} for other in facts.also],
            }
        ),
        "_beside": beside.in_json(facts.beside),
        "_episode": episodes.in_json(facts.episode),
        "_related": [{"title": other.title, "url": other.url} for other in facts.covered],
        "_rights": _kept({"note": facts.rights}),
    }
    return _dump(_kept(item)).encode()


def frame(head: Head) -> tuple[bytes, bytes]:
    """What stands before the items, which are joined by `JOINT`, and what stands behind them."""
    hubs = [{"type": "WebSub", "url": href} for rel, href in head.links if rel == "hub"]
    opening = _dump(
        _kept(
            {
                "version": VERSION_URL,
                "title": head.title,
                "home_page_url": head.home_url,
                "feed_url": head.self_url,
                "language": head.language,
                "hubs": hubs,
                "_rights": _kept({"note": head.rights}),
            }
        )
    )
    return opening[:-1].encode() + b',"items":[\n', b"\n]}\n"


def _kept(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value}


def _dump(value: dict[str, Any]) -> str:
    return _ENCODER.encode(value)
