"""Judges of HTML that know nothing of how it was cleaned: html5lib reads it, bleach has a second look."""

import re
from collections.abc import Iterator

import bleach
import html5lib

from aggregator.refine import policy

XHTML = "{http://www.w3.org/1999/xhtml}"
MATHML = "{http://www.w3.org/1998/Math/MathML}"
ELEMENTS = {name for names in policy.ELEMENTS for name in names.split()}
SAFE_URL = re.compile(r"(?:https?://[^\s\x00-\x1f\"<>]+|mailto:[^\s\"<>]+|#[^\s\"<>]+)", re.IGNORECASE)
RASTER = re.compile(r"data:image/(?!svg)[a-z.-]+[;,][A-Za-z0-9+/=%;,:._-]*", re.IGNORECASE)
URLS = {"href", "src", "poster", "cite", "action", "formaction", "data", "background", "longdesc", "ping"}
BAD_STYLE = re.compile(
    r"url\s*\(|expression|image-set|@|\\|position|behavior|binding|/\*|[{}<]|var\(", re.IGNORECASE
)


def offences(html: str) -> list[str]:
    """What is wrong with sanitised HTML; empty when it is safe."""
    tree = html5lib.parseFragment(html, treebuilder="etree")
    return [offence for element in tree.iter() for offence in _element(element)]


def _element(element: object) -> Iterator[str]:
    tag = element.tag  # type: ignore[attr-defined]  # html5lib's trees are not typed
    if not isinstance(tag, str):
        yield f"comment {element.text!r}"  # type: ignore[attr-defined]  # as above
        return
    if tag == "DOCUMENT_FRAGMENT":
        return
    name = tag.removeprefix(XHTML).removeprefix(MATHML)
    if name not in ELEMENTS:
        yield f"element {tag}"
    for attribute, value in element.attrib.items():  # type: ignore[attr-defined]  # as above
        yield from _attribute(name, str(attribute), value)


def _attribute(tag: str, name: str, value: str) -> Iterator[str]:
    where = f"{tag} {name}={value!r}"
    if (
        name.lower().startswith("on")
        or name in {"srcdoc", "ping", "action", "formaction"}
        or ("href" in name != "href" and not name.startswith("data-"))
    ):
        yield where
    if name in URLS and not (SAFE_URL.fullmatch(value) or (tag == "img" and RASTER.fullmatch(value))):
        yield where
    if name == "srcset" and not all(SAFE_URL.match(part.strip()) for part in re.split(r",\s+", value)):
        yield where
    if name == "style" and BAD_STYLE.search(value):
        yield where
    if (
        tag == "iframe"
        and name == "src"
        and not any(f"/{host}/" in value or f".{host}/" in value for host in policy.PLAYERS)
    ):
        yield where
    if tag == "iframe" and name == "sandbox" and value != policy.SANDBOX:
        yield where


def bleached(html: str) -> tuple[object, object]:
    """The trees of `html` as it is, and after bleach took away what it would: equal when that is nothing."""
    allowed = {name for names in policy.ELEMENTS for name in names.split()}

    def keep(_tag: str, name: str, _value: str) -> bool:
        return not name.startswith("on") and name not in {"srcdoc", "ping", "action", "formaction"}

    again = bleach.clean(
        html, tags=allowed, attributes=keep, protocols={"http", "https", "mailto", "data"}, strip=True
    )
    return _shape(html), _shape(again)


def _shape(html: str) -> list[tuple[object, ...]]:
    tree = html5lib.parseFragment(html, treebuilder="etree", namespaceHTMLElements=False)
    shape: list[tuple[object, ...]] = []
    for element in tree.iter():
        attributes = {str(name): value for name, value in element.attrib.items() if name != "style"}
        # bleach's serialiser loses the newline that a `pre` begins with.
        text = (element.text or "").lstrip("\n") if element.tag == "pre" else element.text or ""
        shape.append((element.tag, tuple(sorted(attributes.items())), text, element.tail or ""))
    return shape
