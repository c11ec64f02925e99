"""Which characters the bytes of a document stand for.

Rules of this file: pure. Labels (header, declaration) are hints: servers and templates often
carry the wrong one, so bytes that are valid UTF-8 are UTF-8, and a few broken bytes never
turn the rest of a document into gibberish.
"""

import codecs
import re
from dataclasses import dataclass

from charset_normalizer import from_bytes

_BOMS = (
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
)

# What "<?" or "<r" look like where there is no byte order mark (XML 1.0 appendix F).
_SHAPES = (
    (re.compile(rb"\0\0\0<"), "utf-32-be"),
    (re.compile(rb"<\0\0\0"), "utf-32-le"),
    (re.compile(rb"\0[<{]\0[^\0]"), "utf-16-be"),
    (re.compile(rb"[<{]\0[^\0]\0"), "utf-16-le"),
    (re.compile(rb"\x4c\x6f\xa7\x94"), "cp037"),
)

# Labels that mean a larger set of characters than they say (WHATWG Encoding, section 4.2).
_WIDER = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
}
_ALIASES = {
    "x-gbk": "gb18030",
    "x-sjis": "cp932",
    "x-euc-jp": "euc_jp",
    "windows-31j": "cp932",
    "x-big5": "big5hkscs",
}

# Python also calls things text encodings that are none, and slow on hostile input (punycode).
_TEXT = re.compile(
    r"ascii|utf-(?:8|16|32)(?:-[bl]e)?|cp\d+|iso8859-\d+|iso2022_\w+|koi8-\w+|mac-\w+|gb\w+|hz"
    r"|big5\w*|euc_\w+|shift_jis\w*|johab|tis-620|ptcp154|kz1048|viscii"
)

# Encodings that are ASCII on the outside and shift to other sets in between.
_SHIFTING = ("iso2022", "hz")

_DECLARATION = re.compile(r"""^\s*<\?xml[^>]*?\sencoding\s*=\s*["']\s*([\w.:-]+)\s*["']""")
_CHARSET = re.compile(r"""charset\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE)
_NOT_ASCII = re.compile(rb"[\x80-\xff]")

# Encodings worth guessing at, when nothing that a document says of itself is true. Of the Latin ones
# only the most common: their bytes do not tell them apart.
_GUESSES = ["gb18030", "big5", "euc_jp", "cp932", "cp949", "cp1251", "koi8_r", "cp1252", "cp1253", "cp1255",
            "cp1256", "cp874"]  # fmt: skip
_SAMPLE = 16_384
"""Bytes that a guess is made from."""

_BROKEN = 0.1
"""Share of wrong characters, among those that are not ASCII, up to which a label is believed."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """The characters of a document, which encoding gave them, and what was odd about it."""

    text: str
    encoding: str
    note: str | None = None


def decode(body: bytes, content_type: str | None = None) -> Decoded:
    """The text of a document: byte order mark, then UTF-8 if it is, header, declaration, a guess.

    Never raises: what no encoding explains becomes U+FFFD. A byte order mark is not part of the
    text. The order is RFC 7303 section 3's, except that valid UTF-8 beats every label, and a
    declaration a header that says ISO 8859-1.
    """
    for mark, encoding in _BOMS:
        if body.startswith(mark):
            return _tolerant(body[len(mark) :], [encoding, "utf-8"])
    for shape, encoding in _SHAPES:
        if shape.match(body):
            return _tolerant(body, [encoding])
    labels = _labels(body, content_type)
    shifting = [label for label in labels if label.startswith(_SHIFTING)]
    if shifting and (b"\x1b" in body or b"~{" in body):
        return _tolerant(body, [*shifting, "utf-8"])
    try:
        return Decoded(body.decode("utf-8"), "utf-8")
    except UnicodeDecodeError:
        pass
    labels = [label for label in labels if not label.startswith(("utf-16", "utf-32"))]
    return _tolerant(body, [*labels, "utf-8"])


def _labels(body: bytes, content_type: str | None) -> list[str]:
    """The encodings that header and declaration name, as codecs, the likelier first."""
    named = [found[1] for found in (_CHARSET.search(content_type or ""),) if found]
    declared = _DECLARATION.match(body[:1024].decode("latin-1"))
    if declared:
        named.append(declared[1])
    codec_names = [codec for codec in map(_codec, named) if codec]
    # Servers say ISO 8859-1 of whatever they have, and it fits all bytes: the other goes first.
    return sorted(dict.fromkeys(codec_names), key=lambda codec: codec == "cp1252")


def _codec(label: str) -> str | None:
    """The Python codec for a label; None where there is none fit for text."""
    label = label.lower()
    if label in _ALIASES:
        return _ALIASES[label]
    try:
        name = codecs.lookup(label).name
    except (LookupError, ValueError):
        return None
    return _WIDER.get(name, name) if _TEXT.fullmatch(name) else None


def _tolerant(body: bytes, candidates: list[str]) -> Decoded:
    """The text under the first candidate that fits, else under the one that fits best."""
    for encoding in candidates:
        try:
            return Decoded(body.decode(encoding), encoding)
        except (UnicodeDecodeError, ValueError):
            continue
    foreign = len(_NOT_ASCII.findall(body)) or 1
    tries = [(body.decode(encoding, "replace"), encoding) for encoding in dict.fromkeys(candidates)]
    text, encoding = min(tries, key=lambda trial: trial[0].count("\ufffd"))
    broken = text.count("\ufffd")
    if broken <= max(2, foreign * _BROKEN):
        return Decoded(text, encoding, f"{broken} characters are not valid {encoding} and were replaced")
    guess = _guess(body)
    text = body.decode(guess, "replace")
    return Decoded(text, guess, f"not valid {' or '.join(dict.fromkeys(candidates))}; read as {guess}")


def _guess(body: bytes) -> str:
    """The encoding that the bytes look most like; windows-1252 if they look like none."""
    first = _NOT_ASCII.search(body)
    start = max(0, first.start() - 64) if first else 0
    sample = b"\n".join(
        line for line in body[start : start + 4 * _SAMPLE].split(b"\n") if _NOT_ASCII.search(line)
    )
    best = from_bytes(sample[:_SAMPLE], cp_isolation=_GUESSES, enable_fallback=False).best()
    return best.encoding if best is not None else "cp1252"
