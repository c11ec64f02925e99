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

# A report, the same with a changed lead and an added sentence, and another of about that length.
STORY = (
    "The council of Ferrybridge decided on Tuesday to close the Old Bridge, as its engineer Harriet Moss had "
    "asked for since spring. From 14 March cars will go round by Quarry Mill, which takes 25 minutes, and "
    "cyclists by the ferry of Tom Pell. Two of the 19 members voted against it: Ruth Lang keeps a shop at "
    "the far end, and John Abel said that nobody had counted the lorries. A new bridge for 8.5 million was "
    "promised in 2019; the money for it was spent on the Jubilee Baths. "
)
OTHER = (
    "Nobody expected the choir of Saint Anne to win, least of all its conductor Paul Weir, who had packed "
    "his bags by noon. The 31 singers gave three songs about rain and one about bread. The jury, a baker "
    "among them, was out for less than a minute, and when Maria Holt read out the name at 16:40 the altos "
    "were still in the canteen, eating soup with their coats on. "
)
WIRE = STORY.replace("on Tuesday", "late on Tuesday", 1) + "The mayor, Edith Crane, was not there. "


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
