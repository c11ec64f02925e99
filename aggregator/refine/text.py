"""Plain text: what becomes of titles, authors, tags, summaries and plain-text bodies.

Rules of this file: strings in, strings out. What comes out holds only characters that XML 1.0
allows. bleach is used only on pieces of at most `BLEACH_CAP` characters, as its cost grows
faster than its input; longer pieces go through the tag pattern below, which is linear.
"""

import html
import re
import unicodedata
from collections.abc import Callable
from contextvars import ContextVar
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import bleach
    from bleach.linkifier import Linker


Tool = TypeVar("Tool")

BLEACH_CAP = 500
LINKIFY_CAP = 100_000
PLAIN_CAP = 2_000_000
HEADLINE_LENGTH = 60
_LONG = 100
WORD_SEARCH = 20

# XML 1.0 section 2.2, Char: what is not named there may stand in no document.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# Each of these is one blank in a value of one line (format.md "Title" 3).
_LINE_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_NEWLINES = re.compile("\r\n?")
_PRINTABLE = bytes(range(0x20, 0x7F))
_TWO_SPACES = re.compile("  ")

# An unclosed one reaches to the end, as in browsers; that also keeps the search linear.
_COMMENT = re.compile(r"<!--(?:-?>|.*?(?:--!?>|\Z))", re.DOTALL)
_CDATA = re.compile(r"<!\[CDATA\[(.*?)(?:\]\]>|\Z)", re.DOTALL)
# Elements whose content is never text for people.
_SILENT = re.compile(
    r"<(script|style|template|noscript|iframe|svg)\b[^<>]*+>.*?(?:</\1\s*+>|\Z)", re.DOTALL | re.IGNORECASE
)
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")

# Elements that begin a new line; between their texts stands a blank at least.
_BLOCK_NAMES = """
p br div li tr td th h1 h2 h3 h4 h5 h6 ul ol dl dt dd blockquote pre figure figcaption table tbody thead
tfoot caption section article header footer main aside nav details summary address center hr hgroup menu dir
fieldset form option
"""
_INLINE_NAMES = """
a abbr acronym audio b bdi bdo big body button cite code data del dfn em embed font head html i iframe img
input ins kbd label link map mark math meta meter noscript object output param picture progress q rp rt ruby s
samp script select small source span strike strong style sub sup svg template textarea time title tt u var
video wbr
"""
_REST = r"""(?=[\s/>])(?:[^<>"']++|"[^"]*+"|'[^']*+'){0,500}+>"""
_NAMES = "|".join(_BLOCK_NAMES.split())
_BLOCK_TAG = re.compile(rf"</?(?:{_NAMES}){_REST}", re.IGNORECASE)
_LINE_TAG = re.compile(rf"</?(?:{_NAMES})(?: [^<>]*)?>")
_ANY_TAG = re.compile(r"<[^<>]*>")
_TAG = re.compile(rf"</?[a-z][a-z0-9:_\-]*+{_REST}|<[/!?][a-z][^<>]*+>", re.IGNORECASE)
# In a title only these names make a tag: `List<String>` is what its author wrote.
_FALSE_TAG = re.compile(
    rf"<(?!/?(?:{'|'.join(_BLOCK_NAMES.split() + _INLINE_NAMES.split())})[\s/>])", re.IGNORECASE
)

_SENTENCE = re.compile(r"""[.!?]+["'”’)]*(?=\s)|[。！？]+[”’」』）]*|\n""")

_SENTENCE_WITHIN = 1_000
"""Characters: rows of marks are looked through from each of them, and headlines are short."""

_LF = "\n"
_BLANK_LINES = re.compile(r"\n[ \t]*\n\s*")
# An address ends where Chinese or Japanese punctuation begins, and may follow a letter that is not Latin.
_ADDRESS = re.compile(
    r"""(?<![A-Za-z0-9@./\-])(?:https?://|www\.)[^\s<>"'`，。；：！？、（）【】《》「」『』“”‘’…]+""",
    re.IGNORECASE,
)


def _stripper() -> "bleach.Cleaner":
    import bleach  # a sixth of a second, and few titles need it

    return bleach.Cleaner(tags=set(), attributes={}, protocols=set(), strip=True, strip_comments=True)


def _linker() -> "Linker":
    from bleach.linkifier import Linker

    return Linker(callbacks=[], url_re=_ADDRESS, parse_email=False)


# bleach's objects may not be shared between threads; a context is never in two at once.
_strippers: ContextVar["bleach.Cleaner"] = ContextVar("stripper")
_linkers: ContextVar["Linker"] = ContextVar("linker")


def _own(tools: ContextVar[Tool], make: Callable[[], Tool]) -> Tool:
    """The tool of the running context, made when it is first asked for."""
    tool = tools.get(None)
    if tool is None:
        tool = make()
        tools.set(tool)
    return tool


def _is_printable(text: str) -> bool:
    """`str.isprintable`; that looks up every character, which for long ASCII the encoded form need not."""
    if len(text) > _LONG and text.isascii():
        return not text.encode().translate(None, _PRINTABLE)
    return text.isprintable()


def _has_wide_blanks(text: str) -> bool:
    """Whether two spaces stand side by side. Over long texts `re` is twice as fast as `in`."""
    return _TWO_SPACES.search(text) is not None if len(text) > _LONG else "  " in text


def scrub(text: str) -> str:
    """`text` without what XML 1.0 forbids, and with newlines as LF."""
    if _is_printable(text.replace("\n", "")):  # nothing that is printable is forbidden: the quick way
        return text
    if "\r" in text:
        text = _NEWLINES.sub("\n", text)
    return _NOT_XML.sub("", text)


def scrub_line(text: str) -> str:
    """`text` on one line: every control character and line separator is one blank, nothing else moves."""
    return text if text.isprintable() else _NOT_XML.sub("", _LINE_CONTROLS.sub(" ", text))


def collapse(text: str) -> str:
    """`text` with each run of blanks (any Unicode white space) as one, and none at the ends."""
    plain = text.replace("\n", " ")
    if _has_wide_blanks(plain) or not _is_printable(plain):
        return " ".join(text.split())
    return plain.strip(" ")  # the only blanks of a printable text are spaces


def resolve_entities(text: str) -> str:
    """`text` with its character references resolved once; a bare `&` stays."""
    if "&" not in text:
        return text
    return _ENTITY.sub(lambda match: html.unescape(match[0]), text)


def plain(markup: str) -> str:
    """The text of an HTML fragment on one line: tags gone, entities resolved, blanks collapsed.

    Linear in the length of `markup`, of which at most `PLAIN_CAP` characters are read.
    """
    markup = markup[:PLAIN_CAP]
    if "<" in markup:
        markup = _TAG.sub("", _BLOCK_TAG.sub(" ", _SILENT.sub(" ", _COMMENT.sub("", markup))))
    return collapse(scrub_line(resolve_entities(markup)))


def lines(markup: str) -> str:
    """The text of sanitised HTML with each block on lines of its own; blanks are as they stand.

    Only for what `html.sanitize` wrote: lower-case tags, attributes in double quotes, no `<` but tags.
    """
    return resolve_entities(_ANY_TAG.sub("", _LINE_TAG.sub("\n", markup[:PLAIN_CAP])))


def label(value: str, *, markup: bool = True) -> str:
    """A title, author, tag or summary as plain text on one line.

    `markup` says that the source declared HTML; entities are resolved once then. A `<` that
    opens no element known to HTML is text.
    """
    value = value[:PLAIN_CAP]
    if not markup or ("<" not in value and "&" not in value):
        return collapse(scrub_line(value))
    if "<" in value:
        value = _SILENT.sub(" ", _COMMENT.sub("", _CDATA.sub(r"\1", value)))
        value = _FALSE_TAG.sub("&lt;", value)
        value = _BLOCK_TAG.sub(" ", value)
        if len(value) > BLEACH_CAP:
            return plain(value)
        if "<" in value:
            value = _own(_strippers, _stripper).clean(value)
    return collapse(scrub_line(resolve_entities(value)))


def paragraphs(value: str) -> str:
    """Plain text as HTML: a paragraph for each block between blank lines, and its addresses as links.

    Of `value` at most `LINKIFY_CAP` characters are looked through for addresses.
    """
    found = []
    for block in _BLANK_LINES.split(scrub(value)):
        if block.strip():
            escaped = html.escape(block.strip("\n"), quote=False)
            found.append(f"<p>{escaped.replace(_LF, f'<br>{_LF}')}</p>")
    whole = "\n".join(found)
    if "http" not in whole and "www." not in whole:
        return whole
    end = len(whole) if len(whole) <= LINKIFY_CAP else whole.rfind("\n", 0, LINKIFY_CAP) + 1
    return _own(_linkers, _linker).linkify(whole[:end]) + whole[end:]


def cut(text: str, limit: int) -> str:
    """The longest start of `text` of at most `limit` characters that splits no character as people see it.

    A base character keeps its combining marks, variation selectors and joined emoji
    (the main rules of UAX #29); flags are pairs and stay pairs.
    """
    if len(text) <= limit:
        return text
    end = limit
    while end > 0 and _joined(text, end):
        end -= 1
    return text[: end or limit]


def _joined(text: str, at: int) -> bool:
    """Whether the characters before and at `at` are one character to the eye."""
    before, after = text[at - 1], text[at]
    # Vowel signs (Thai, Hindi) are marks too, but none that `unicodedata.combining` knows; flags of
    # regions end in tags (England).
    if (
        unicodedata.category(after).startswith("M")
        or after == "\u200d"
        or "\U0001f3fb" <= after <= "\U0001f3ff"
        or "\U000e0020" <= after <= "\U000e007f"
    ):
        return True
    if before == "\u200d":
        return True
    flags = 0
    while flags < at and "\U0001f1e6" <= text[at - 1 - flags] <= "\U0001f1ff":
        flags += 1
    return flags % 2 == 1 and "\U0001f1e6" <= after <= "\U0001f1ff"


def shorten(text: str, limit: int) -> str:
    """`text` if it fits in `limit` characters, else its start, cut at a word or character, and `…`."""
    if len(text) <= limit:
        return text
    start = cut(text, limit)
    if not text[len(start)].isspace():
        blank = start.rfind(" ", max(0, len(start) - WORD_SEARCH))
        start = start[:blank] if blank > 0 else start
    return start.rstrip(" ,;:，；：、") + "…"


def headline(body: str, source: str, date: datetime) -> str:
    """What to show for the title that an article lacks (format.md "Title" 5).

    The first sentence of `body` (sanitised HTML), at most `HEADLINE_LENGTH` characters and then
    `…`; else the source's name and the day.
    """
    for line in lines(body).splitlines():
        text = collapse(scrub_line(line))
        if text:
            return shorten(_first_sentence(text), HEADLINE_LENGTH)
    return f"{source} {date:%Y-%m-%d}".strip()


def _first_sentence(text: str) -> str:
    text = text[:_SENTENCE_WITHIN]
    end = _SENTENCE.search(text)
    return text[: end.end()] if end else text
