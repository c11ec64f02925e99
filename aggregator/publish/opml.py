"""OPML 2.0 (http://opml.org/spec2.opml): everything that this site publishes, to subscribe to at once."""

from collections.abc import Mapping

from lxml import etree

from aggregator.model import CategoryPath, Node, Site
from aggregator.publish.entry import clean
from aggregator.publish.head import node_title
from aggregator.publish.paths import FEED_FILES, address

_PREFERRED = ("atom", "rss")
"""Formats in the order in which readers that import OPML take them."""


def render_opml(folders: Mapping[Node, str], site: Site) -> bytes:
    """The list of all output feeds, each in one format, in folders as the category paths have them.

    One format, as a reader that imports three would subscribe three times; each feed's page names the others.
    """
    root = etree.Element("opml", version="2.0")
    top = etree.SubElement(root, "head")
    etree.SubElement(top, "title").text = " ".join(clean(site.title).split()) or "aggregator"
    body = etree.SubElement(root, "body")
    groups: dict[tuple[str, CategoryPath], etree._Element] = {}
    parents = {(node.kind, node.path[:depth]) for node in folders for depth in range(len(node.path))}
    for node in sorted(folders):
        place = _group(body, groups, node, has_children=(node.kind, node.path) in parents)
        title = node_title(node, site)
        outline = etree.SubElement(place, "outline", type="rss", text=title, title=title)
        outline.set("xmlUrl", address(site, f"{folders[node]}/{_file(site)}"))
        outline.set("htmlUrl", address(site, "index.html"))
    etree.indent(root)
    return bytes(etree.tostring(root, encoding="UTF-8", xml_declaration=True)) + b"\n"


def _file(site: Site) -> str:
    for fmt in _PREFERRED:
        if fmt in site.formats:
            return FEED_FILES[fmt]
    return FEED_FILES[site.formats[0]]


def _group(
    body: etree._Element,
    groups: dict[tuple[str, CategoryPath], etree._Element],
    node: Node,
    *,
    has_children: bool,
) -> etree._Element:
    """The outline that holds the feed of `node`: its own folder if it has children, else its parent's."""
    depth = len(node.path) if has_children and node.path else len(node.path) - 1
    place = body
    for level in range(1 if node.kind == "category" else 0, depth + 1):
        key = (node.kind, node.path[:level])
        if key not in groups:
            text = clean(node.path[level - 1]) if level else "by source"
            groups[key] = etree.SubElement(place, "outline", text=text or " ")
        place = groups[key]
    return place
