"""Articles as the store hands them to the publishing room."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from aggregator.model import Article, Provenance
from aggregator.options import Site

SITE = Site(title="World news", base_url="https://news.example.org/", language="zh")
START = datetime(2022, 9, 13, 9, 28, 50, tzinfo=UTC)


def provenance(name: str = "Aljazeera 半岛网", **values: Any) -> Provenance:
    """A feed source; `values` replace what is made up here."""
    given: dict[str, Any] = {
        "source": name,
        "kind": "feed",
        "location": "https://feeds.example.net/"
        + hashlib.sha256(name.encode(errors="replace")).hexdigest()[:8]
        + ".xml",
        "feed_title": name,
        "feed_link": "https://www.example.net/",
        "categories": ("新媒体", "Aljazeera 半岛网", "新闻"),
    }
    return Provenance(**(given | values))


def article(number: int = 1, **values: Any) -> Article:
    """Article `number`; each is an hour older than the one before. `values` replace what is made up here."""
    when = START - timedelta(hours=number)
    link = f"https://www.example.net/{number}"
    given: dict[str, Any] = {
        "id": number,
        "uid": hashlib.sha256(link.encode()).hexdigest()[:32],
        "title": f"Title {number}",
        "first_seen": when,
        "sort_at": when,
        "updated": when,
        "published": when,
        "sources": (provenance(),),
        "guid": link,
        "link": link,
        "authors": ("Ann Author",),
        "body": f"<p>Body of {number}</p>",
        "summary": f"Summary of {number}",
    }
    return Article(**(given | values))
