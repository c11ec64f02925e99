"""What the three formats say alike of a feed."""

from dataclasses import dataclass
from datetime import datetime

from aggregator import __version__
from aggregator.model import Node
from aggregator.options import Site
from aggregator.publish.entry import clean, language_tag, uri
from aggregator.publish.paths import FEED_FILES, address, page_path
from aggregator.publish.terms import licence_link, node_terms

GENERATOR = "aggregator"
VERSION = __version__
FEED_TYPES = {"atom": "application/atom+xml", "rss": "application/rss+xml", "json": "application/feed+json"}
"""Media type by format."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A feed's own data.

    self_url  where the document is served
    home_url  the page that it belongs to
    links     further links of the feed, as relation and address
    archive   whether it is an archive document (RFC 5005 section 4)
    rights    the licence note, if there is one
    """

    title: str
    id: str
    self_url: str
    home_url: str
    updated: datetime
    language: str
    links: tuple[tuple[str, str], ...] = ()
    archive: bool = False
    rights: str = ""
    noindex: bool = False


def node_title(node: Node, site: Site) -> str:
    """What a feed of `node` is called: the site's title, with the category path or source before it."""
    own = " / ".join(" ".join(clean(name).split()) for name in node.path)
    title = site_title(site)
    return f"{own} - {title}" if own.strip() else title


def site_title(site: Site) -> str:
    """The site's title on one line; never empty."""
    return " ".join(clean(site.title).split()) or GENERATOR


def head(fmt: str, node: Node, site: Site, folder: str, updated: datetime) -> Head:
    """The head of the live feed of `node` in the format `fmt`, which lies in `folder`."""
    url = address(site, f"{folder}/{FEED_FILES[fmt]}")
    terms = node_terms(site, node)
    licence = uri(licence_link(terms.licence))
    links = (("hub", uri(site.hub)), ("license", licence))
    return Head(
        title=node_title(node, site),
        id=url,
        self_url=url,
        home_url=address(site, page_path(node, folder)),
        updated=updated,
        language=language_tag(site.language) or "en",
        links=tuple((rel, href) for rel, href in links if href),
        rights=clean(terms.licence),
        noindex=terms.noindex,
    )
