"""Makes well-formed what strangers meant: repairs of XML that every parser refuses.

Rules of this file: pure, text in and text out, linear in its size. A repair changes only what
is an error in XML 1.0, so a well-formed document is what it was.
"""

import re
from dataclasses import dataclass
from html.entities import html5, name2codepoint

from aggregator.parse.prolog import cut_out, scan

_NO_CHARACTER = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_MARKUP = re.compile(r"<!\[CDATA\[.*?(?:\]\]>|\Z)|<!--.*?-->|&[^\s<>&;]{0,32};?", re.DOTALL)
_REFERENCE = re.compile(r"&(?:#(\d{1,9})|#[xX]([0-9A-Fa-f]{1,8})|([A-Za-z][\w.-]*));")
_OF_XML = frozenset(("amp", "lt", "gt", "quot", "apos"))
_DECLARED = re.compile(r"\sxmlns:([\w.-]{1,40})\s*=")
_USED = re.compile(r"</?([A-Za-z_][\w.-]{0,40}):|\s([A-Za-z_][\w.-]{0,40}):[\w.-]{1,40}\s*=\s*[\"']")

_TAG = re.compile(
    r"<!\[CDATA\[.*?\]\]>|<\?.*?(?:\?>|\Z)"
    r"""|<(/?)([A-Za-z_][\w:.-]*)(?:"[^"]*"|'[^']*'|[^'"<>/]++|/(?!>))*+(/?)>""",
    re.DOTALL,
)

# Where feeds forget to say what a prefix stands for, it stands for what it always does.
_NAMESPACES = {
    "atom": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "feedburner": "http://rssnamespace.org/feedburner/ext/1.0",
    "georss": "http://www.georss.org/georss",
    "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
    "media": "http://search.yahoo.com/mrss/",
    "podcast": "https://podcastindex.org/namespace/1.0",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "slash": "http://purl.org/rss/1.0/modules/slash/",
    "sy": "http://purl.org/rss/1.0/modules/syndication/",
    "thr": "http://purl.org/syndication/thread/1.0",
    "wfw": "http://wellformedweb.org/CommentAPI/",
    "xhtml": "http://www.w3.org/1999/xhtml",
    "xlink": "http://www.w3.org/1999/xlink",
}


CDATA = "<![CDATA["


@dataclass(frozen=True, slots=True)
class Mended:
    """A mended text, and whether it had been cut off within an entry."""

    text: str
    cut_in_entry: bool = False


def mend(text: str) -> Mended:
    """The text with characters, references, prefixes and surroundings as XML wants them.

    Characters that XML 1.0 section 2.2 excludes and comments go, HTML's named characters become
    numbers, `&` that begins no reference is escaped, numbers of no character become U+FFFD,
    undeclared prefixes are declared, and what is open at the end of the text is closed.
    """
    text = cut_out(_NO_CHARACTER.sub("", text))
    last = text.rfind("-->") + 1
    text = text[:last] + text[last:].replace("<!--", "")  # what is never closed hides nothing
    return _close(_declare_prefixes(_MARKUP.sub(_mended, text)))


def _mended(found: re.Match[str]) -> str:
    piece = found.group()
    if piece.startswith("<!["):
        return piece if piece.endswith("]]>") else piece + "]]>"
    if piece.startswith("<!--"):
        return ""
    reference = _REFERENCE.fullmatch(piece)
    if reference is None:
        return "&amp;" + piece[1:]
    decimal, hexadecimal, name = reference.groups()
    if name is None:
        return _numbered(piece, int(decimal) if decimal else int(hexadecimal, 16))
    if name in _OF_XML:
        return piece
    meant = chr(name2codepoint[name]) if name in name2codepoint else html5.get(name + ";")
    return "".join(f"&#{ord(sign)};" for sign in meant) if meant else "&amp;" + piece[1:]


def _numbered(piece: str, number: int) -> str:
    if number > 0x10FFFF or _NO_CHARACTER.match(chr(number)):
        return "\ufffd"
    return piece


def _declare_prefixes(text: str) -> str:
    used = {element or attribute for element, attribute in _USED.findall(text)}
    missing = sorted(used - set(_DECLARED.findall(text)) - {"xml", "xmlns"})
    at = scan(text)
    if not missing or at.root_at == -1 or len(missing) > 50:
        return text
    end = at.root_at + 1 + len(at.root)
    words = "".join(
        f' xmlns:{prefix}="{_NAMESPACES.get(prefix, f"urn:prefix:{prefix}")}"' for prefix in missing
    )
    return text[:end] + words + text[end:]


def _close(text: str) -> Mended:
    """A text that was cut off, with its open elements closed; any other as it is."""
    last = text.rfind("<")
    if last > text.rfind(">") and not text.startswith("<![CDATA[", last):
        text = text[:last]
    open_elements: list[str] = []
    for end, name, empty in _TAG.findall(text):
        if not name or empty:
            continue
        if not end:
            open_elements.append(name)
        elif not open_elements or open_elements.pop() != name:
            return Mended(text)  # crossed elements: not a question of closing
    in_entry = any(name.rpartition(":")[2].lower() in {"item", "entry"} for name in open_elements)
    return Mended(text + "".join(f"</{name}>" for name in reversed(open_elements)), in_entry)


def unwrapped(text: str) -> str:
    """What stands in a CDATA section that came as text, from feeds that wrap twice or escape the section."""
    for _ in range(2):
        text = text.removeprefix(CDATA).removesuffix("]]>").strip()
    return text
