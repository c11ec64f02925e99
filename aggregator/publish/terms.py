"""On what terms something is republished: the strictest of all that apply to it.

Rules of this file: pure.
"""

import re
from collections.abc import Iterable

from aggregator.model import Article, Node
from aggregator.options import Site, Terms

_ADDRESS = re.compile(r"https?://[^\s<>\"')\]]+")
_OPEN = Terms()


def node_terms(site: Site, node: Node) -> Terms:
    """The terms of a feed or page: those of the site, of the categories above, and its own."""
    return _strictest(site, _above(node)) if site.terms else _OPEN


def article_terms(site: Site, article: Article) -> Terms:
    """The terms of an article, whichever feed it stands in: those of its origin's category and name too."""
    if not site.terms:
        return _OPEN
    source = article.sources[0]
    return _strictest(site, {*_above(Node("category", source.categories)), Node("source", (source.source,))})


def licence_link(note: str) -> str | None:
    """The first address in a licence note, for `rel="license"` (RFC 4946)."""
    found = _ADDRESS.search(note)
    return found[0].rstrip(".,;") if found else None


def _above(node: Node) -> set[Node]:
    """The node, everything above it, and the site."""
    paths = (node.path[:depth] for depth in range(len(node.path) + 1))
    return {Node("category", path) if not path else Node(node.kind, path) for path in paths}


def _strictest(site: Site, nodes: Iterable[Node]) -> Terms:
    wanted = set(nodes)
    # From the widest to the narrowest; a source is narrower than any category.
    found = sorted((row for row in site.terms if row[0] in wanted), key=_width)
    return Terms(
        noindex=any(terms.noindex for _, terms in found),
        excerpt=any(terms.excerpt for _, terms in found),
        licence=next((terms.licence for _, terms in reversed(found) if terms.licence), ""),
    )


def _width(row: tuple[Node, Terms]) -> tuple[bool, Node]:
    return row[0].kind == "source", row[0]
