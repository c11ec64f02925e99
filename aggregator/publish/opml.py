"""OPML 2.0 (http://opml.org/spec2.opml): what this site publishes, and what it collects from."""

from collections.abc import Iterable, Mapping

from lxml import etree

from aggregator.model import CategoryPath, Node
from aggregator.options import Site, Source, holds_secret
from aggregator.publish.entry import clean, uri
from aggregator.publish.head import node_title, site_title
from aggregator.publish.paths import FEED_FILES, address, page_path

_PREFERRED = ("atom", "rss")
"""Formats in the order in which readers that import OPML take them."""


def render_opml(folders: Mapping[Node, str], site: Site) -> bytes:
    """The list of all output feeds, each in one format, in folders as the category paths have them.

    One format, as a reader that imports three would subscribe three times; each feed's page names the others.
    """
    root, body = _start(site_title(site))
    groups: dict[tuple[str, CategoryPath], etree._Element] = {}
    parents = {(node.kind, node.path[:depth]) for node in folders for depth in range(len(node.path))}
    for node in sorted(folders):
        place = _group(body, groups, node, has_children=(node.kind, node.path) in parents)
        title = node_title(node, site)
        outline = etree.SubElement(place, "outline", type="rss", text=title, title=title)
        outline.set("xmlUrl", address(site, f"{folders[node]}/{_file(site)}"))
        outline.set("htmlUrl", address(site, page_path(node, folders[node])))
    return _bytes(root)


def render_sources_opml(sources: Iterable[Source], site: Site) -> bytes:
    """The list of the feeds that this site collects, in folders as their category paths have them.

    Files on this machine and feeds whose address holds a secret, or needs one, are left out.
    """
    root, body = _start(f"{site_title(site)} - sources")
    groups: dict[tuple[str, CategoryPath], etree._Element] = {}
    for source in sorted(sources, key=lambda source: (source.categories, source.name)):
        url = uri(source.url)
        if url is None or source.fetch.auth or source.fetch.headers or holds_secret(source.url):
            continue
        place = _folder(body, groups, "category", source.categories)
        name = clean(source.name)
        etree.SubElement(place, "outline", type="rss", text=name, title=name, xmlUrl=url)
    return _bytes(root)


def _start(title: str) -> tuple[etree._Element, etree._Element]:
    root = etree.Element("opml", version="2.0")
    top = etree.SubElement(root, "head")
    etree.SubElement(top, "title").text = title
    return root, etree.SubElement(root, "body")


def _bytes(root: etree._Element) -> bytes:
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
    path = node.path if has_children else node.path[:-1]
    if node.kind == "source":
        body = _folder(body, groups, "source", ("by source",))
    return _folder(body, groups, node.kind, path)


def _folder(
    body: etree._Element,
    groups: dict[tuple[str, CategoryPath], etree._Element],
    kind: str,
    path: CategoryPath,
) -> etree._Element:
    """The outline of a category path, with those above it, made where it is not there yet."""
    place = body
    for level in range(1, len(path) + 1):
        key = (kind, path[:level])
        if key not in groups:
            groups[key] = etree.SubElement(place, "outline", text=clean(path[level - 1]) or " ")
        place = groups[key]
    return place
