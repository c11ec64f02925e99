"""What the three formats say alike of a feed."""

from dataclasses import dataclass
from datetime import datetime

from aggregator import __version__
from aggregator.model import Node, Site
from aggregator.publish.entry import clean, language_tag
from aggregator.publish.paths import FEED_FILES, address

GENERATOR = "aggregator"
VERSION = __version__
FEED_TYPES = {"atom": "application/atom+xml", "rss": "application/rss+xml", "json": "application/feed+json"}
"""Media type by format."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A feed's own data; `self_url` is where it is served, `home_url` the page it belongs to."""

    title: str
    id: str
    self_url: str
    home_url: str
    updated: datetime
    language: str


def node_title(node: Node, site: Site) -> str:
    """What a feed of `node` is called: the site's title, with the category path or source before it."""
    own = " / ".join(" ".join(clean(name).split()) for name in node.path)
    title = " ".join(clean(site.title).split()) or GENERATOR
    return f"{own} - {title}" if own.strip() else title


def head(fmt: str, node: Node, site: Site, folder: str, updated: datetime) -> Head:
    """The head of the feed of `node` in the format `fmt`, which lies in `folder`."""
    url = address(site, f"{folder}/{FEED_FILES[fmt]}")
    return Head(
        title=node_title(node, site),
        id=url,
        self_url=url,
        home_url=address(site, "index.html"),
        updated=updated,
        language=language_tag(site.language) or "en",
    )
