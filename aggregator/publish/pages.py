"""The pages: what people see who open the site in a browser."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from jinja2 import Environment, PackageLoader, StrictUndefined

from aggregator.model import Article, Node, Site
from aggregator.publish.entry import clean, language_tag, source_title, uri
from aggregator.publish.head import FEED_TYPES, GENERATOR
from aggregator.publish.paths import FEED_FILES, address
from aggregator.refine.text import headline

NEWEST = 100
"""Articles that the front page lists."""

LABELS = {"atom": "Atom", "rss": "RSS", "json": "JSON"}

_templates = Environment(
    loader=PackageLoader("aggregator.publish"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


@dataclass(frozen=True, slots=True)
class FeedLink:
    """A feed in one format."""

    label: str
    url: str
    type: str


@dataclass(frozen=True, slots=True)
class Branch:
    """A category or source as the page lists it, `depth` steps below the top."""

    name: str
    depth: int
    feeds: tuple[FeedLink, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """An article as the page lists it."""

    title: str
    source: str
    date: datetime
    link: str | None
    language: str | None


def render_index(folders: Mapping[Node, str], articles: Sequence[Article], site: Site) -> bytes:
    """`index.html`: the categories as a tree with their feeds, the sources, and the newest of `articles`.

    It shows no body and holds no script, and nothing in it is fetched from elsewhere.
    """
    everything = Node("category", ())
    page = _templates.get_template("index.html").render(
        title=" ".join(clean(site.title).split()) or GENERATOR,
        language=language_tag(site.language) or "en",
        all_feeds=_links(folders[everything], site) if everything in folders else (),
        categories=_branches("category", folders, site),
        sources=_branches("source", folders, site),
        opml=address(site, "opml.xml"),
        articles=[_line(article, site) for article in articles[:NEWEST]],
    )
    return page.encode()


def _branches(kind: str, folders: Mapping[Node, str], site: Site) -> list[Branch]:
    """The nodes of one kind, every one after its parent."""
    return [
        Branch(clean(node.path[-1]), len(node.path) - 1, _links(folders[node], site))
        for node in sorted(folders)
        if node.kind == kind and node.path
    ]


def _links(folder: str, site: Site) -> tuple[FeedLink, ...]:
    return tuple(
        FeedLink(LABELS[fmt], address(site, f"{folder}/{FEED_FILES[fmt]}"), FEED_TYPES[fmt])
        for fmt in site.formats
    )


def _line(article: Article, site: Site) -> Line:
    source = article.sources[0].source
    title = " ".join(clean(article.title).split()) or headline("", article.body, source, article.date)
    language = language_tag(article.language)
    return Line(
        title=clean(title),
        source=source_title(article),
        date=article.date,
        link=uri(article.link),
        language=None if language == site.language else language,
    )
