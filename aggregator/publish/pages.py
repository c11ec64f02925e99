"""The pages: what people see who open the site in a browser.

Rules of this file: pure. A page shows no body, holds no script, fetches nothing, and links
within the site relatively, so that it works on any host and from a disk.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined

from aggregator.model import Node
from aggregator.options import Site
from aggregator.publish.entry import Facts, clean, language_tag, uri
from aggregator.publish.head import FEED_TYPES, node_title, site_title
from aggregator.publish.paths import FEED_FILES, INDEX, OPML, SOURCES_OPML, page_path
from aggregator.publish.pieces import Listed, Rendered, Take
from aggregator.publish.terms import licence_link, node_terms
from aggregator.publish.xmltext import attribute, escaped

NEWEST = 50
"""Articles that a page lists."""

# Languages and scripts that run from right to left (Unicode Script_Extensions, CLDR).
_LEFTWARD = re.compile(
    r"(?:ar|arc|ckb|dv|fa|he|iw|ks|ps|sd|ug|ur|yi)(?:-(?![a-z]{4}(?:-|\Z)).*)?"
    r"|[a-z]{2,3}-(?:arab|hebr|thaa|syrc|nkoo|adlm)(?:-.*)?",
    re.IGNORECASE,
)

LABELS = {"atom": "Atom", "rss": "RSS", "json": "JSON"}
_LIST = b'<ol class="articles">\n'
"""Where the articles go; texts are escaped, so nothing else looks like it."""

_templates = Environment(
    loader=PackageLoader("aggregator.publish"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
_PAGE = _templates.get_template("page.html")


@dataclass(frozen=True, slots=True)
class FeedLink:
    """A feed in one format."""

    label: str
    href: str
    type: str


@dataclass(frozen=True, slots=True)
class Branch:
    """A category or source as a page lists it, `depth` steps below the top of its list."""

    name: str
    href: str
    depth: int
    feeds: tuple[FeedLink, ...]


def render_line(facts: Facts) -> bytes:
    """An article as pages list it: an element that ends its line.

    Written as text, as there are thousands of them for each page that the template makes.
    """
    language = f' lang="{facts.language}"' if facts.language else ""
    date = facts.published
    when = f'<time datetime="{date.isoformat()}">{date.isoformat(" ")[:16]} UTC</time>'
    lines = [
        f"<li{language}>",
        _linked(facts.link, facts.title) if facts.link else f"<bdi>{escaped(facts.title)}</bdi>",
        f"<p><bdi>{escaped(facts.whence.title)}</bdi> · {when}",
        *(f"· {_linked(other.url, other.title)}" for other in facts.also),
        *(f"· {_linked(one.url, 'Transcript')}" for one in facts.episode.transcripts[:1]),
    ]
    covered = [_linked(other.url, other.title) for other in facts.covered]
    lines += [f"{'· ' if number else '<br>Also covered by: '}{one}" for number, one in enumerate(covered)]
    return "\n".join((*lines, "</p>", "</li>\n")).encode()


def _linked(url: str, title: str) -> str:
    # Whichever way it runs, and whatever it holds to turn text around, ends with it.
    return f'<a href="{attribute(url)}" rel="noopener noreferrer" dir="auto">{escaped(title)}</a>'


def render_page(
    node: Node, folders: Mapping[Node, str], articles: Listed, site: Site, take: Take
) -> Rendered:
    """The page of a category or source: its feeds, what is below it, and its newest articles (`NEWEST`).

    That of everything has all categories as a tree, and the sources. It lies where `paths.page_path`
    says. `folders` are in the order of their nodes.
    """
    pieces = tuple(piece for piece in take(articles) if piece is not None)
    top, mark, end = _frame(node, folders, site, empty=not pieces).partition(_LIST)
    return Rendered(top + mark, pieces, end)


def _frame(node: Node, folders: Mapping[Node, str], site: Site, *, empty: bool) -> bytes:
    """The page without its articles."""
    here = page_path(node, folders[node])
    terms = node_terms(site, node)
    language = language_tag(site.language) or "en"
    page = _PAGE.render(
        title=clean(node.path[-1]) if node.path else site_title(site),
        full_title=node_title(node, site),
        language=language,
        direction="rtl" if _LEFTWARD.fullmatch(language) else "",
        noindex=terms.noindex,
        licence=clean(terms.licence),
        licence_url=uri(licence_link(terms.licence)),
        crumbs=_crumbs(node, here, folders, site),
        feeds=_links(here, folders[node], site),
        lists=_lists(node, here, folders, site),
        opml=()
        if node.path
        else ((_relative(here, OPML), "OPML"), (_relative(here, SOURCES_OPML), "Sources")),
        empty=empty,
    )
    return page.encode()


def _crumbs(node: Node, here: str, folders: Mapping[Node, str], site: Site) -> list[tuple[str, str]]:
    """The pages above: address and name, the front page first."""
    if not node.path:
        return []
    above = [Node(node.kind, node.path[:depth]) for depth in range(1, len(node.path))]
    crumbs = [(_relative(here, INDEX), site_title(site))]
    return crumbs + [
        (_relative(here, page_path(parent, folders[parent])), clean(parent.path[-1]))
        for parent in above
        if parent in folders
    ]


def _lists(node: Node, here: str, folders: Mapping[Node, str], site: Site) -> list[tuple[str, list[Branch]]]:
    """What the page lists of feeds: the categories below its own; the front page has the sources too."""
    if node.kind == "source":
        return []
    lists = [("Categories", "category")] if node.path else [("Categories", "category"), ("Sources", "source")]
    found = [(heading, _branches(kind, node, here, folders, site)) for heading, kind in lists]
    return [(heading, branches) for heading, branches in found if branches]


def _branches(kind: str, top: Node, here: str, folders: Mapping[Node, str], site: Site) -> list[Branch]:
    """The nodes of one kind below `top`, every one after its parent."""
    level = len(top.path)
    return [
        Branch(
            clean(node.path[-1]),
            _relative(here, page_path(node, folders[node])),
            len(node.path) - level - 1,
            _links(here, folders[node], site),
        )
        for node in folders
        if node.kind == kind and len(node.path) > level and node.path[:level] == top.path
    ]


def _links(here: str, folder: str, site: Site) -> tuple[FeedLink, ...]:
    return tuple(
        FeedLink(LABELS[fmt], _relative(here, f"{folder}/{FEED_FILES[fmt]}"), FEED_TYPES[fmt])
        for fmt in site.formats
    )


def _relative(here: str, path: str) -> str:
    """The address of `path` as seen from the page at `here`, both relative to the outputs."""
    own, target = here.split("/")[:-1], path.split("/")
    common = 0
    while common < min(len(own), len(target) - 1) and own[common] == target[common]:
        common += 1
    steps = "../" * (len(own) - common) or "./"
    return steps + quote("/".join(target[common:]), safe="/~")
