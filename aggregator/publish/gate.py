"""The last look at a feed before it replaces the one that subscribers have.

Rules of this file: pure; the bytes are judged as they are, whoever made them. No finding means
that the feed may go out.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias, cast

from lxml import etree

from aggregator.publish.feeds import Format
from aggregator.publish.pieces import Rendered

MAX_BYTES = 10_000_000
"""Readers give up on more; of an archive too, but without it the chain of archives would end there."""

_ATOM = "{http://www.w3.org/2005/Atom}"
Finder: TypeAlias = Callable[[etree._Element], list[etree._Element]]  # noqa: SLF001 - it has no public name
_NAMES = {"a": _ATOM[1:-1]}
_ENTRY = (f"{_ATOM}id", f"{_ATOM}title", f"{_ATOM}updated", f"{_ATOM}author/{_ATOM}name")
_ITEM = ("guid", "title")


def _lacking(element: str, required: Iterable[str]) -> Finder:
    """Finds the elements that lack something, as next to none do: all at once, in C."""
    lacks = " or ".join(f"not(normalize-space({path}))" for path in required)
    found = etree.XPath(f"{element}[{lacks}]", namespaces=_NAMES)
    return cast("Finder", found)


_BAD_ENTRIES = _lacking("a:entry", ("a:id", "a:title", "a:updated", "a:author/a:name"))
_BAD_ITEMS = _lacking("item", _ITEM)


def check(fmt: Format, feed: Rendered, *, live: bool = True) -> tuple[str, ...]:
    """What is wrong with the document, a sentence each: size if it is `live`, form, required elements, ids.

    Atom after RFC 4287 section 4, RSS after the 2.0 specification, JSON Feed after version 1.1.
    Entries that passed in another document are not looked at again.
    """
    if live and feed.size > MAX_BYTES:
        return (f"it has {feed.size} bytes, more than {MAX_BYTES}",)
    try:
        return tuple(dict.fromkeys((*_twice(feed.ids), *_CHECKS[fmt](feed.unchecked))))
    except (etree.XMLSyntaxError, ValueError) as error:
        return (f"it is not well-formed: {error}",)


def _parse(data: bytes) -> etree._Element:
    return etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True))


def _atom(data: bytes) -> Iterable[str]:
    feed = _parse(data)
    if feed.tag != f"{_ATOM}feed":
        yield f"its root is {feed.tag}"
    yield from _missing("feed", feed, (f"{_ATOM}id", f"{_ATOM}title", f"{_ATOM}updated"))
    if feed.find(f"{_ATOM}link[@rel='self']") is None:
        yield "it has no link to itself"
    for entry in _BAD_ENTRIES(feed):
        yield from _missing("entry", entry, _ENTRY)
    yield from _twice(element.text for element in feed.iterfind(f"{_ATOM}entry/{_ATOM}id"))


def _rss(data: bytes) -> Iterable[str]:
    rss = _parse(data)
    channel = rss.find("channel")
    if rss.tag != "rss" or channel is None:
        yield f"its root is {rss.tag}, or it has no channel"
        return
    yield from _missing("channel", channel, ("title", "link", "description"))
    if channel.find(f"{_ATOM}link[@rel='self']") is None:
        yield "it has no link to itself"
    for item in _BAD_ITEMS(channel):
        yield from _missing("item", item, _ITEM)
    yield from _twice(element.text for element in channel.iterfind("item/guid"))


def _json(data: bytes) -> Iterable[str]:
    feed = json.loads(data)
    if not isinstance(feed, dict) or not isinstance(feed.get("items"), list):
        yield "it has no items"
        return
    yield from (f"the feed has no {key}" for key in ("version", "title", "feed_url") if not feed.get(key))
    for item in feed["items"]:
        if not item.get("id"):
            yield "an item has no id"
        if not (item.get("content_html") or item.get("content_text")):
            yield f"item {item.get('id')} has no content"
    yield from _twice(item.get("id") for item in feed["items"])


_CHECKS: Mapping[Format, Callable[[bytes], Iterable[str]]] = {"atom": _atom, "rss": _rss, "json": _json}


def _missing(name: str, element: etree._Element, paths: Iterable[str]) -> Iterable[str]:
    for path in paths:
        if not (element.findtext(path) or "").strip():
            yield f"{name} has no {path.replace(_ATOM, '')}"


def _twice(ids: Iterable[str | None]) -> Iterable[str]:
    yield from (f"id {found} is there {count} times" for found, count in Counter(ids).items() if count > 1)
