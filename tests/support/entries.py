"""Refined entries and sources for tests of what comes after refining."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aggregator.model import Refined
from aggregator.options import Source
from aggregator.refine import similarity

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
LONG = "The harbour was quiet that morning, and the boats lay side by side under a grey sky. " * 4


def hashed(*values: object) -> str:
    return hashlib.sha256(repr(values).encode()).hexdigest()


def entry(guid: str, **fields: Any) -> Refined:
    """An entry with the hashes that refining would give it; `link=None` for one without a link."""
    link = fields.setdefault("link", f"https://example.org/{guid}")
    title = fields.setdefault("title", f"About {guid}")
    body = fields.setdefault("body", f"<p>{guid}</p>")
    published = fields.setdefault("published", datetime(2026, 11, 1, 9, 0, tzinfo=UTC))
    canonical = fields.setdefault("canonical_link", link and link.replace("http://", "https://"))
    fields.setdefault("uid", hashed("uid", canonical or (guid, title, body))[:32])
    fields.setdefault("text_hash", hashed("text", title, body, link))
    fields.setdefault("exact_hash", hashed("exact", title, body, published))
    writing = similarity.writing(title, body)
    fields.setdefault("fingerprint", similarity.fingerprint(writing))
    fields.setdefault("bands", similarity.bands(writing))
    return Refined(key=fields.pop("key", f"g:{guid}"), guid=guid, **fields)


def feed(name: str, *categories: str, **fields: Any) -> Source:
    """A feed under these categories (its own name if none)."""
    url = fields.pop("url", f"https://{name.lower()}.example/feed")
    return Source(name=name, kind="feed", categories=categories or (name,), url=url, **fields)


def seeds(name: str, *categories: str) -> Source:
    """A seed directory under these categories (its own name if none)."""
    return Source(name=name, kind="seed", categories=categories or (name,), path=Path("seeds") / name)
