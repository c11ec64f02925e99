"""What the strict parser needs that has no state: names, addresses and characters as feedparser reads them.

Rules of this file: pure; what comes out is what feedparser's own functions give.
"""

import re
from contextlib import suppress
from functools import lru_cache
from typing import Any, NamedTuple

import feedparser.api
import feedparser.html
import feedparser.mixin
import feedparser.urls
from feedparser.util import FeedParserDict

Feedparser: Any = feedparser.api.StrictFeedParser
_resolve = feedparser.mixin.make_safe_absolute_uri

# Characters that feedparser takes for those of windows-1252.
_CP1252 = re.compile("[\x80-\x9f]")
# An address that stays as it is whatever sound address it is joined to.
_SETTLED = re.compile(
    r"https?://[a-z0-9][a-z0-9.-]*(?::[0-9]{1,5})?/[A-Za-z0-9/_.~%+-]*(?:\?[A-Za-z0-9/_.~%+=&-]+)?", re.ASCII
)


_SYNONYMS = frozenset(
    (*FeedParserDict.keymap, "category", "enclosures", "license", "updated", "updated_parsed")
)


class QuickDict(FeedParserDict):  # type: ignore[misc]  # feedparser has no types
    """feedparser's dict, which answers at once for keys that it knows no other word for."""

    def __getitem__(self, key: str) -> Any:  # noqa: ANN401 - as in feedparser
        return super().__getitem__(key) if key in _SYNONYMS else dict.__getitem__(self, key)

    def __setitem__(self, key: str, value: object) -> None:
        if key in _SYNONYMS:
            super().__setitem__(key, value)
        else:
            dict.__setitem__(self, key, value)

    def __contains__(self, key: object) -> bool:
        return bool(super().__contains__(key)) if key in _SYNONYMS else dict.__contains__(self, key)

    def get(self, key: str, default: Any = None) -> Any:  # noqa: ANN401 - as in feedparser
        """As in feedparser."""
        return super().get(key, default) if key in _SYNONYMS else dict.get(self, key, default)

    def setdefault(self, key: str, default: Any = None) -> Any:  # noqa: ANN401 - as in feedparser
        """As in feedparser."""
        return super().setdefault(key, default) if key in _SYNONYMS else dict.setdefault(self, key, default)


@lru_cache(maxsize=64)
def _resolved_base(base: str) -> str:
    return base if _SETTLED.fullmatch(base) else str(_resolve(base, base))


def quick_resolve(base: str, reference: str | None = None) -> str:
    """The base resolved against itself, which feedparser does at every element, is looked up."""
    if reference == base and len(base) < 2000:
        return _resolved_base(base)
    return str(_resolve(base, reference))


def stays(address: str, base: str) -> bool:
    """Whether joining `address` to `base` is certain to change nothing."""
    if not _SETTLED.fullmatch(address) or len(base) >= 2000:
        return False
    return _SETTLED.fullmatch(base) is not None or _is_sound(base)


@lru_cache(maxsize=64)
def _is_sound(base: str) -> bool:
    """Whether joining an absolute address to `base` gives that address."""
    joined = feedparser.urls._urljoin(base, "http://a.example/b")  # noqa: SLF001
    return bool(joined == "http://a.example/b")


def pair(name: str) -> tuple[str, str]:
    """Namespace and local name of a name as expat writes it, "uri local prefix"."""
    parts = name.split(" ")
    return (parts[0], parts[1]) if len(parts) > 1 else ("", name)


class Start(NamedTuple):
    """What feedparser makes of the name of an element that begins; `rare` ones go its own way."""

    tag: str
    key: str
    handler: str
    leaves_text_input: bool
    leaves_image: bool
    xmlns: str
    rare: bool


class End(NamedTuple):
    """The same of one that ends."""

    tag: str
    key: str
    handler: str
    is_svg: bool


# Limits of what is remembered of names beyond a document; no feed comes near them.
MOST_NAMES = 300
LONGEST_NAME = 200
_MOST_NAMESPACES = 30
_LONGEST_NAMESPACES = 5000

_Names = tuple[dict[str, Start], dict[str, End]]


def names_under(prefixes: dict[str, str], spaces: dict[str, str]) -> _Names:
    """What is known of names in documents with these namespaces, to be looked up and added to."""
    if len(prefixes) + len(spaces) > _MOST_NAMESPACES:
        return {}, {}
    if sum(len(text or "") for text in (*prefixes, *spaces, *spaces.values())) > _LONGEST_NAMESPACES:
        return {}, {}
    return _shared_names(tuple(prefixes.items()), tuple(spaces.items()))


@lru_cache(maxsize=32)
def _shared_names(_prefixes: tuple[tuple[str, str], ...], _spaces: tuple[tuple[str, str], ...]) -> _Names:
    return {}, {}


def attributes(written: dict[str, str], known_names: dict[str, tuple[str, str]]) -> dict[str, str]:
    """By the names with feedparser's prefixes, then by those that stand in the document.

    `known_names` remembers the names of a document.
    """
    names = [known_names.get(name) or known_names.setdefault(name, _keys(name)) for name in written]
    found = dict(zip((known for known, _ in names), written.values(), strict=True))
    found.update(zip((own for _, own in names), written.values(), strict=True))
    for key in ("rel", "type"):
        if key in found:
            found[key] = found[key].lower()
    return found


def _keys(name: str) -> tuple[str, str]:
    space, local = pair(name)
    parts = name.split(" ")
    prefix = Feedparser._matchnamespaces.get(space.lower(), "")  # noqa: SLF001 - its table
    known = f"{prefix}:{local}" if prefix else local
    own = f"{parts[2]}:{local}" if len(parts) == 3 else local
    return known.lower(), own.lower()


def repaired(output: str) -> str:
    """UTF-8 that was taken for ISO 8859-1, and characters of windows-1252, as they were meant."""
    if output.isascii():
        return output
    with suppress(UnicodeEncodeError, UnicodeDecodeError):
        output = output.encode("iso-8859-1").decode("utf-8")
    return output.translate(feedparser.html._cp1252) if _CP1252.search(output) else output  # noqa: SLF001
