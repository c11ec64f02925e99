"""Limits on HTML before it is parsed: size, depth, attributes.

nh3 needs over 12 s for 320 KB of nested `<div>`, since a parser searches its stack of open
elements at every tag. What is here reads the markup once, tag by tag, and is linear. Small
bodies with few tags skip it: their depth cannot matter.
"""

import re
from collections import Counter

MAX_SIZE = 2_000_000
"""Characters; what comes after is cut."""

MAX_DEPTH = 200
"""Elements open at one time; tags beyond go, their text stays."""

MAX_FORMATTING = 24
"""Formatting elements open at one time: parsers open them anew in every block."""

MAX_UNCLOSED = 1000
"""Items of lists and readings without an end tag that no sibling closes."""

MAX_ATTRIBUTES = 200
"""Attributes of one element; more are cut."""

MAX_REFERENCES = 100_000
"""`&` in one body; nh3 takes some microseconds for each. What comes after is cut."""

SMALL = 20_000
FEW_TAGS = 200

_SPECIAL = r"script|style|textarea|title|xmp|iframe|noembed|noframes"
_VALUE = r"\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+'|[^\s>\"'][^\s>]*+)?+"
_ATTRIBUTES = rf"(?:[\s/]++|[^\s/>][^\s/>=]*+(?:{_VALUE})?+){{0,{2 * MAX_ATTRIBUTES}}}+"
TOKEN = re.compile(
    rf"<!--(?:-?>|.*?(?:--!?>|\Z))|<({_SPECIAL})(?=[\s/>]){_ATTRIBUTES}>.*?(?:</\1(?=[\s/>])|\Z)"
    rf"|<(/?)([a-z][^\s/>]*+)({_ATTRIBUTES})(>|[^>]*+(?:>|\Z))",
    re.IGNORECASE | re.DOTALL,
)
"""A comment, an element whose content is no markup, or a tag: its slash, name, attributes and end."""

_VOID_NAMES = (
    "area base basefont bgsound br col embed frame hr img input keygen link meta param source track wbr"
)
# Their end tags may be left out: a sibling closes them, so they do not add up.
_CLOSING_NAMES = "p tr td th thead tbody tfoot caption colgroup option body html head"
_FREE = frozenset(f"{_VOID_NAMES} {_CLOSING_NAMES}".split())
# The same, but no sibling closes them everywhere, by what closes what: readings outside of a ruby, items of
# lists of two kinds within one another.
_UNSURE = {"li": "i", "dt": "d", "dd": "d", "rp": "r", "rt": "r", "rb": "r", "rtc": "r"}
# No end tag within them closes what began outside (HTML Standard 13.2.4.2, "has an element in scope").
_FENCE_NAMES = "table marquee object applet template foreignobject desc mi mo mn ms mtext"
_FENCES = frozenset(_FENCE_NAMES.split())
_FORMATTING_NAMES = "a b big code em font i nobr s small strike strong tt u"
_FORMATTING = frozenset(_FORMATTING_NAMES.split())


def bound(markup: str) -> tuple[str, tuple[str, ...]]:
    """`markup` within the limits, and the codes of the limits that it went over.

    Loses no text but what lies beyond `MAX_SIZE` or `MAX_REFERENCES`.
    """
    notes: set[str] = set()
    if len(markup) > MAX_SIZE:
        markup = _cut(markup)
        notes.add("cut-size")
    if len(markup) > MAX_REFERENCES and markup.count("&") > MAX_REFERENCES:
        markup = "&".join(markup.split("&", MAX_REFERENCES)[:MAX_REFERENCES])
        notes.add("cut-size")
    if len(markup) > SMALL or markup.count("<") > FEW_TAGS:
        markup = _Scan(notes).run(markup)
    return markup, tuple(sorted(notes))


def _cut(markup: str) -> str:
    """The first `MAX_SIZE` characters, less a tag that would be cut in two."""
    start = markup[:MAX_SIZE]
    opening = start.rfind("<")
    return start[:opening] if opening > start.rfind(">") else start


class _Scan:
    """One walk over the tags of one body.

    Counts open elements by name: an end tag closes one of its name. That is never less than
    the real depth, whatever is mis-nested.
    """

    def __init__(self, notes: set[str]) -> None:
        self.notes = notes
        self.open: Counter[str] = Counter()
        self.outside: list[tuple[str, Counter[str]]] = []  # open fences, and what is open around each
        self.unclosed: Counter[str] = Counter()
        self.item: tuple[str, int] | None = None  # of what kind the innermost of them is, and how deep
        self.depth = 0
        self.formatting = 0

    def run(self, markup: str) -> str:
        return TOKEN.sub(self._tag, markup)

    def _tag(self, match: re.Match[str]) -> str:
        _, slash, name, attributes, end = match.groups()
        if name is None:
            return match[0]
        name = name.lower()
        stays = self._sibling if name in _UNSURE else self._count
        if name not in _FREE and not stays(name, closing=bool(slash)):
            return ""
        if end != ">":
            self.notes.add("cut-attributes")
            return f"<{slash}{name}{attributes}>"
        return match[0]

    def _count(self, name: str, *, closing: bool) -> bool:
        """Whether the tag may stay."""
        if closing:
            return self._close(name)
        if self.depth >= MAX_DEPTH or (name in _FORMATTING and self.formatting >= MAX_FORMATTING):
            self.notes.add("cut-depth")
            return False
        self._step(name, 1)
        if name in _FENCES:
            self.outside.append((name, self.open))
            self.open = Counter()
        return True

    def _close(self, name: str) -> bool:
        if self.outside and self.outside[-1][0] == name:
            # What was left open within counts on.
            self.open += self.outside.pop()[1]
        if self.open[name] == 0:
            return False
        self._step(name, -1)
        return True

    def _sibling(self, name: str, *, closing: bool) -> bool:
        """Whether the tag of an item or reading may stay; one closes its sibling if that is the innermost."""
        kind = _UNSURE[name]
        here = (kind, self.depth) if kind != "r" or self.open["ruby"] else None
        if closing:
            self.unclosed[name] = max(0, self.unclosed[name] - 1)
            self.item = None
        elif here is None or self.item != here:
            if self.unclosed.total() >= MAX_UNCLOSED:
                self.notes.add("cut-depth")
                return False
            self.unclosed[name] += 1
            self.item = here
        return True

    def _step(self, name: str, by: int) -> None:
        self.open[name] += by
        self.depth += by
        self.formatting += by if name in _FORMATTING else 0
