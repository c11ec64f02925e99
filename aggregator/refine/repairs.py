"""Repairs of sanitised HTML: what readers need and sources leave undone.

Rules of this file: it works on what `html.sanitize` wrote (lower-case tags of the allow-list,
attributes in double quotes, no `<` but tags), and only takes away whole elements or writes
`src` and `srcset` of images anew, checked by the same rule as before and escaped. So the tags
of the result are a part of the tags that went in, and it is as safe as they were: no element
that changes how text is read (script, style, xmp, ...) is among them.
"""

import html as entities
import re
from collections.abc import Callable

from aggregator.refine.repair_tables import (
    BOXES,
    CLOSINGS,
    LAZY_CLASSES,
    LAZY_SRC,
    LAZY_SRCSET,
    PIXEL_PROGRAMS,
    PIXELS,
    PLACEHOLDERS,
)

Check = Callable[[str, str, str], str | None]
"""The wall's rule for one attribute: element, name, value (entities resolved) to the value that may stay."""

_ATTRIBUTES = r'((?: [^\s="<>]+="[^"]*")*)'
_ATTRIBUTE = re.compile(r' ([^\s="<>]+)="([^"]*)"')
_IMAGE = re.compile(rf"<(img|source){_ATTRIBUTES}>")
_PIXEL_SIDE = re.compile(r"[01](?:px)?")
_HIDDEN = re.compile(r"display:\s*none")
_DOT = re.compile(r"(?<![\w-])(?:width|height):\s*[01]px")
_BOX_TAGS = "div|section|aside|p|ul|nav|footer|ins|span|figure|a|article"
_BOX_NAMES = "|".join(map(re.escape, BOXES))
_BOX = re.compile(rf'<({_BOX_TAGS})(?= )[^<>]* (?:class|id)="(?:[^"]* )?(?:{_BOX_NAMES})(?: [^"]*)?"[^<>]*>')
BLANK = re.compile(r"(?:\s|&nbsp;|<br>|\u200b|\ufeff)*+")
_EMPTY = re.compile(rf"<p{_ATTRIBUTES}>{BLANK.pattern}</p>\s*")
_LINK = r"<a [^<>]*>[^<>]{0,400}</a>"
_CLOSING = re.compile(
    rf"<p{_ATTRIBUTES}>(?:"
    + "|".join(_LINK.join(map(re.escape, parts)) for parts in CLOSINGS)
    + r")\s*</p>\s*\Z"
)


def repair(html: str, check: Check, notes: set[str], *, tidy: bool, boxes: bool) -> str:
    """`html` with its images made real and its pixels gone; `tidy` takes empty paragraphs too.

    `boxes` says that one of the classes or ids of `BOXES` was seen, whose elements go as well.
    """
    if boxes:
        html = _without_boxes(html, notes)
    if "<img" in html:
        html = _Images(check, notes, tidy=tidy).run(html)
    if tidy and "<p" in html:
        html = _noted(without_closing(html), html, notes, "closing")
        html = _noted(_EMPTY.sub("", html), html, notes, "empty")
    return html


def without_closing(html: str) -> str:
    """`html` without the line that WordPress adds at the end of every entry."""
    last = html.rfind("<p")
    return html[:last] if last >= 0 and _CLOSING.match(html, last) else html


def _noted(after: str, before: str, notes: set[str], note: str) -> str:
    if len(after) != len(before):
        notes.add(note)
    return after


# --- images -----------------------------------------------------------------------------


class _Images:
    """One walk over the images of one body; remembers the last one to see twins."""

    def __init__(self, check: Check, notes: set[str], *, tidy: bool) -> None:
        self.check = check
        self.tidy = tidy
        self.notes = notes
        self.last_end = -1
        self.last_src = ""
        self.last_lazy = False

    def run(self, html: str) -> str:
        return _IMAGE.sub(self._image, html)

    def _image(self, match: re.Match[str]) -> str:
        tag, written = match.groups()
        attributes = dict(_ATTRIBUTE.findall(written))
        lazy = self._make_real(tag, attributes)
        if tag == "img":
            gone = self._reason_to_go(match, attributes, lazy=lazy)
            if gone:
                self.notes.add(gone)
                return ""
            self.last_end, self.last_src, self.last_lazy = match.end(), attributes.get("src", ""), lazy
        if not lazy:
            return match[0]
        self.notes.add("lazy-image")
        return f"<{tag}{written_out(attributes)}>"

    def _make_real(self, tag: str, attributes: dict[str, str]) -> bool:
        """Move real addresses into `src` and `srcset`; whether there were any."""
        if not any(name.startswith("data-") for name in attributes) or not _waits(tag, attributes):
            return False
        src = self._take(tag, "src", attributes, LAZY_SRC) if tag == "img" else None
        srcset = self._take(tag, "srcset", attributes, LAZY_SRCSET)
        if src is None and srcset is not None and tag == "img" and _is_placeholder(attributes.get("src", "")):
            src = srcset.partition(" ")[0].rstrip(",")
        attributes |= {name: value for name, value in (("src", src), ("srcset", srcset)) if value is not None}
        return src is not None or srcset is not None

    def _take(
        self, tag: str, name: str, attributes: dict[str, str], candidates: dict[str, str]
    ) -> str | None:
        """The first of `candidates` whose address the wall lets through, escaped; it leaves its old place."""
        for candidate in candidates:
            value = entities.unescape(attributes.get(candidate, "")).strip()
            found = self.check(tag, name, value) if value and not value.startswith("data:") else None
            if found:
                del attributes[candidate]
                return entities.escape(found)
        return None

    def _reason_to_go(self, match: re.Match[str], attributes: dict[str, str], *, lazy: bool) -> str:
        src = attributes.get("src", "")
        if not src and not attributes.get("srcset"):
            return "no-image" if self.tidy and not attributes.get("alt") else ""
        if is_pixel(entities.unescape(src), attributes):
            return "pixel"
        between = match.string[self.last_end : match.start()] if self.last_end >= 0 else "x"
        twin = src == self.last_src and (lazy or self.last_lazy) and not between.strip()
        return "twin" if twin else ""


def written_out(attributes: dict[str, str]) -> str:
    """Attributes whose values are escaped, as they stand in a tag."""
    return "".join(f' {name}="{value}"' for name, value in attributes.items())


def _waits(tag: str, attributes: dict[str, str]) -> bool:
    """Whether what is shown at first is not the image itself."""
    if tag == "source":
        return not attributes.get("srcset")
    return _is_placeholder(attributes.get("src", "")) or not LAZY_CLASSES.isdisjoint(
        attributes.get("class", "").lower().split()
    )


def _is_placeholder(src: str) -> bool:
    return not src or src.startswith("data:") or any(part in src.lower() for part in PLACEHOLDERS)


def is_pixel(src: str, attributes: dict[str, str]) -> bool:
    """Whether an image only counts readers: by its address, or one dot in size, or out of sight."""
    if _counts(src):
        return True
    width, height = attributes.get("width", ""), attributes.get("height", "")
    if (width or height) and all(not side or _PIXEL_SIDE.fullmatch(side) for side in (width, height)):
        return True
    style = attributes.get("style", "")
    return bool(style) and (bool(_HIDDEN.search(style)) or len(_DOT.findall(style)) == 2)


def _counts(src: str) -> bool:
    host, _, path = src.partition("://")[2].partition("/")
    while host:
        start = _PIXEL_PATHS.get(host)
        if start is not None and f"/{path}".startswith(start):
            return True
        host = host.partition(".")[2]
    return any(map(src.__contains__, PIXEL_PROGRAMS))


_PIXEL_PATHS = dict(PIXELS.keys())


# --- boxes ------------------------------------------------------------------------------


def _without_boxes(html: str, notes: set[str]) -> str:
    """`html` without the elements whose class or id is in `BOXES`."""
    pieces: list[str] = []
    at = 0
    for box in _BOX.finditer(html):
        if box.start() >= at:
            pieces.append(html[at : box.start()])
            at = _end_of(html, box)
            notes.add("box")
    return "".join([*pieces, html[at:]])


def _end_of(html: str, start: re.Match[str]) -> int:
    """Where the element ends whose start tag is `start`; the tag's own end if it is never closed."""
    depth = 0
    for tag in re.compile(rf"<(/?){start[1]}[ >]").finditer(html, start.start()):
        depth += -1 if tag[1] else 1
        if depth == 0:
            return html.index(">", tag.start()) + 1
    return start.end()
