"""The lead image of an entry, and where it was found (format.md "headimg and thumbnail")."""

import html as entities
import re
from collections.abc import Iterator

from aggregator.model import Entry
from aggregator.refine.text import resolve_entities
from aggregator.refine.urls import absolute, without_proxy

FALLBACKS = ("https://picsum.photos/",)
"""Where images that belong to no article come from: the archive put a random one where it had none."""

_IMG = re.compile(r'<img((?: [^\s="<>]+="[^"]*")*)')
_ATTRIBUTE = re.compile(r' ([^\s="<>]+)="([^"]*)"')
_TINY = re.compile(r"[0-3](?:px)?")
_SMALL = re.compile(r"(?:[0-5]?\d|6[0-4])(?:px)?")

# Parts of an address or class that say what an image is for.
NO_LEAD: dict[str, str] = {
    "emoji": "a picture of a character",
    "smiley": "same, in WordPress",
    "smilies": "same, in forums",
    "emoticon": "same",
    "/spacer.": "holds a place",
    "/blank.gif": "holds a place",
    "/pixel.": "counts readers",
    "feedburner.com/~": "counts readers, or shares",
    "doubleclick.net/": "an advertisement",
    "gravatar.com/avatar": "a face beside a comment",
    "/avatars/": "a face",
    "user_avatar": "a face, in Discourse",
    " avatar": "a face, by its class",
    "zhihu.com/equation": "a formula",
    "latex.": "a formula",
}


def lead(entry: Entry, body: str, base: str | None, proxies: tuple[str, ...]) -> tuple[str | None, str]:
    """The address of the lead image of `entry` and its origin ("file", "media", "enclosure", "body" or "").

    A seed file's own image comes first, then what the feed names, then the first real image of
    `body`, which is sanitised HTML.
    """
    for named, origin in _named(entry):
        url = absolute(without_proxy(named, proxies), base)
        if url is not None and url.startswith("http") and not url.startswith(FALLBACKS):
            return url, origin
    for url in body_images(body):
        if not url.startswith(FALLBACKS):
            return url, "body"
    return None, ""


def _named(entry: Entry) -> Iterator[tuple[str, str]]:
    if entry.lead_image:
        yield resolve_entities(entry.lead_image), "file"
    for image in entry.images:
        yield image, "media"
    for enclosure in entry.enclosures:
        if enclosure.type and enclosure.type.lower().startswith("image/"):
            yield enclosure.url, "enclosure"


def body_images(body: str) -> Iterator[str]:
    """The addresses of the images of sanitised HTML that show something of the article, in order."""
    for tag in _IMG.finditer(body):
        attributes = dict(_ATTRIBUTE.findall(tag[1]))
        src = entities.unescape(attributes.get("src", ""))
        if src.startswith("http") and not _is_decoration(src, attributes):
            yield src


def _is_decoration(src: str, attributes: dict[str, str]) -> bool:
    sides = [attributes.get(side, "") for side in ("width", "height")]
    if any(map(_TINY.fullmatch, sides)) or all(map(_SMALL.fullmatch, sides)):
        return True
    where = f"{src} {attributes.get('class', '')}".lower()
    return any(map(where.__contains__, NO_LEAD))
