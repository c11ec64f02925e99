"""Which folder an output feed lives in, and the address of a file.

Rules of this file: pure. A folder depends only on the names among which it stands, and on what those
were called before: subscribers keep addresses for years, whoever comes to stand beside them.
"""

import hashlib
import unicodedata
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from urllib.parse import quote

from aggregator.model import CategoryPath, Node
from aggregator.options import Site

FEEDS = "feeds"
INDEX = "index.html"
OPML = "opml.xml"
SOURCES_OPML = "sources.opml"
ARCHIVE = "archive"
FEED_FILES: Mapping[str, str] = {"atom": "atom.xml", "rss": "rss.xml", "json": "feed.json"}
"""File name by format."""

SLUG_BYTES = 120
"""File systems allow 255 bytes a name; percent-encoded, this is still a bearable URL."""

NOBODY: Mapping[str, str] = MappingProxyType({})
UNNAMED: Mapping[Node, str] = MappingProxyType({})
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")  # RFC 3986 2.3
_UNSAFE_CATEGORIES = ("C", "Z")  # controls, invisible formats, unassigned, separators
_OURS = frozenset({"all", "by-source", ARCHIVE, INDEX, OPML, SOURCES_OPML, *FEED_FILES.values()})
_DEVICES = frozenset(
    {"con", "prn", "aux", "nul"} | {f"{name}{n}" for name in ("com", "lpt") for n in range(1, 10)}
)


def slug(name: str) -> str:
    """The category or source `name` as one segment of a path and of a URL.

    In NFC, each run of white space one `-`; of ASCII only what RFC 3986 calls unreserved stays,
    of the rest everything but controls and invisible characters. Never empty, `.` or `..`, never
    begins or ends with a dot, at most `SLUG_BYTES` bytes.
    """
    text = "-".join(unicodedata.normalize("NFC", name).split())
    kept = "".join(char for char in text if _is_safe(char))
    # Removing a character may bring two together that compose.
    kept = unicodedata.normalize("NFC", kept).strip(".")
    return _cut(kept).rstrip(".") or "x" + hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:8]


def _is_safe(char: str) -> bool:
    if char.isascii():
        return char in _UNRESERVED
    return not unicodedata.category(char).startswith(_UNSAFE_CATEGORIES)


def _cut(text: str, limit: int = SLUG_BYTES) -> str:
    return text.encode()[:limit].decode("utf-8", "ignore")


def folded(text: str) -> str:
    """`text` as file systems that ignore case compare it."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", text).casefold())


def _is_reserved(text: str) -> bool:
    key = folded(text)
    return key in _OURS or key.split(".")[0] in _DEVICES


def slugs(names: Iterable[str], held: Mapping[str, str] = NOBODY) -> dict[str, str]:
    """A slug for each of the `names` that stand in one folder; no two share one, whatever their case.

    Who has one keeps it: `held`, by name. Of the others the first in name order of those that would
    share a slug has it, the rest get `-2`, `-3` and so on; so does a name whose slug is reserved.
    """
    ordered = sorted(set(names))
    result = {name: held[name] for name in ordered if name in held}
    taken = {folded(one) for one in result.values()}
    clashing: list[str] = []
    for name in ordered:
        if name in held:
            continue
        natural = slug(name)
        if folded(natural) in taken or _is_reserved(natural):
            clashing.append(name)
        else:
            result[name] = natural
            taken.add(folded(natural))
    counts: dict[str, int] = {}
    for name in clashing:
        base = slug(name)
        number = counts.get(folded(base), 2)
        while folded(_numbered(base, number)) in taken:
            number += 1
        counts[folded(base)] = number + 1
        result[name] = _numbered(base, number)
        taken.add(folded(result[name]))
    return result


def _numbered(base: str, number: int) -> str:
    suffix = f"-{number}"
    return _cut(base, SLUG_BYTES - len(suffix)) + suffix


def feed_folders(nodes: Iterable[Node], held: Mapping[Node, str] = UNNAMED) -> dict[Node, str]:
    """The folder of each node, posix and relative to the outputs, in the order of the nodes.

    `feeds/all`, `feeds/<slug>/<slug>` for a category path, `feeds/by-source/<slug>` for a source.
    Pass all nodes at once: names that stand in one folder are kept apart, and those that are `held`
    keep the last segment that they have. Pure.
    """
    wanted = sorted(set(nodes))
    siblings: dict[tuple[str, CategoryPath], dict[str, str | None]] = {}
    for node in wanted:
        for depth, name in enumerate(node.path):
            own = held.get(Node(node.kind, node.path[: depth + 1]))
            siblings.setdefault((node.kind, node.path[:depth]), {})[name] = own
    named = {key: slugs(of, {name: own for name, own in of.items() if own}) for key, of in siblings.items()}
    return {node: _folder(node, named) for node in wanted}


def _folder(node: Node, named: Mapping[tuple[str, CategoryPath], Mapping[str, str]]) -> str:
    if not node.path:
        return f"{FEEDS}/all"
    parts = [named[node.kind, node.path[:depth]][name] for depth, name in enumerate(node.path)]
    if node.kind == "source":
        parts.insert(0, "by-source")
    return "/".join([FEEDS, *parts])


def page_path(node: Node, folder: str) -> str:
    """Where the page of `node` lies, whose feeds lie in `folder`; that of everything is the front page."""
    return f"{folder}/{INDEX}" if node.path else INDEX


def address(site: Site, path: str) -> str:
    """The public URL of the file at `path`, relative to the outputs; "" is the site itself."""
    return site.base_url + quote(path, safe="/~")
