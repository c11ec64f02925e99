"""What stands before and around the root element of an XML document.

Rules of this file: pure, and linear in the size of the text whatever the text is.
"""

import re
from dataclasses import dataclass

_SPACE = re.compile(r"\s*")
_NAME = re.compile(r"<([A-Za-z_][\w.:-]{0,100})")
_FEED_START = re.compile(r"<\?xml\s|<(?:\w{1,20}:)?(?:rss|feed|rdf|channel)[\s>]", re.IGNORECASE)
_JSON = re.compile(r'\{\s*"')
_ENTITY = re.compile(r"<!ENTITY\s", re.IGNORECASE)
_END = re.compile(r"</(?:\w{1,20}:)?(?:rss|feed|rdf)\s*>", re.IGNORECASE)

ENTRY = re.compile(r"<(?:\w{1,20}:)?(?:item|entry)[\s>]", re.IGNORECASE)
"""Where an entry begins, as far as its tag tells."""


@dataclass(frozen=True, slots=True)
class Prolog:
    """Where the root element starts (-1: nowhere), its name in lower case, and the DTD."""

    root_at: int
    root: str
    doctype: str

    @property
    def defines_entities(self) -> bool:
        """Whether the DTD defines entities, which no feed needs and every bomb does."""
        return _ENTITY.search(self.doctype) is not None


def scan(text: str) -> Prolog:
    """Skips declaration, comments, instructions and DTD up to the root element."""
    at, doctype = 0, ""
    while True:
        at = _skip_space(text, at)
        if text.startswith("<!--", at):
            end = text.find("-->", at + 4) + 3
        elif text.startswith("<?", at):
            end = text.find("?>", at + 2) + 2
        elif text[at : at + 9].upper() == "<!DOCTYPE":
            end = _doctype_end(text, at)
            doctype = text[at:end]
        else:
            name = _NAME.match(text, at)
            return Prolog(at, name[1].lower(), doctype) if name else Prolog(-1, "", doctype)
        if end <= at:
            return Prolog(-1, "", doctype or text[at : at + 10_000])
        at = end


def _skip_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _doctype_end(text: str, at: int) -> int:
    """After the `>` that closes the DTD, its internal subset skipped; 0 if it is not closed."""
    close, subset = text.find(">", at), text.find("[", at)
    if close == -1:
        return 0
    if subset == -1 or close < subset:
        return close + 1
    subset_end = text.find("]", subset)
    return text.find(">", subset_end) + 1 if subset_end != -1 else 0


def trim(text: str) -> str:
    """The text from its XML declaration or root element on: parsers allow nothing before. JSON as it is."""
    text = text.lstrip("\ufeff \t\r\n\x00")
    if text.startswith("<") or _JSON.match(text):  # what JSON says of feeds is no feed
        return text
    start = _FEED_START.search(text, 0, 100_000)
    return text[start.start() :] if start else text


def cut_out(text: str) -> str:
    """The feed within a text that has more than a feed before or after its root element."""
    start = _FEED_START.search(text, 0, 100_000)
    text = text[start.start() :] if start else text
    ends = [end.end() for end in _END.finditer(text)]
    return text[: ends[-1]] if ends and not ENTRY.search(text, ends[-1]) else text
