"""Which documents may be parsed in the program's own process.

Rules of this file: pure and cheap (a small part of what parsing costs). When in doubt the
answer is no: everything else is parsed by a worker that can be killed.
"""

import re
from xml.parsers import expat

MAX_BYTES = 32 * 1024
MAX_DEPTH = 100
MAX_TAG = 4096
"""Bytes between `<` and `>`: bounds the number of attributes."""
MAX_COMMENTS = 50

_LONG_TAG = re.compile(rb"<[^<>]{%d}" % MAX_TAG)
_TAG = re.compile(rb"<(/?)([A-Za-z][\w:.-]*)")
# HTML elements without an end tag, in CDATA sections.
_VOID = frozenset((b"br", b"img", b"hr", b"input", b"link", b"meta", b"source", b"wbr", b"col", b"embed"))


def harmless(body: bytes) -> bool:
    """Whether parsing `body` is certain to take little time and memory.

    True for JSON, and for well-formed XML without a DTD whose nesting, tags and comments are
    within the limits above; never for anything of 32 KiB or more.
    """
    if len(body) >= MAX_BYTES or b"\0" in body:
        return False
    if body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return True
    if b"<!DOCTYPE" in body or body.count(b"<!--") > MAX_COMMENTS or _LONG_TAG.search(body):
        return False
    return _well_formed(body) and _depth(body) <= MAX_DEPTH


def _well_formed(body: bytes) -> bool:
    try:
        expat.ParserCreate(namespace_separator=" ").Parse(body.lstrip(), True)  # noqa: FBT003 - expat's own form
    except (expat.ExpatError, ValueError, LookupError):
        return False
    return True


def _depth(body: bytes) -> int:
    """The deepest nesting, that of markup in CDATA sections included."""
    depth = deepest = 0
    for end, name in _TAG.findall(body):
        if end:
            depth -= 1
        elif name not in _VOID:
            depth += 1
            deepest = max(deepest, depth)
    return deepest
