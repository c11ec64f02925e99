"""From the bytes of a seed file to text, and from a body to what can stand in a post.

Rules of this file: pure functions of text; nothing here knows about keys.
"""

import codecs
import re

# A file with a few bad bytes is still UTF-8; one that is GBK has nothing but bad ones.
_GOOD_FOR_ONE_BAD = 8
_NOT_ASCII = re.compile("[^\x00-\x7f]")

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

OPEN = "<div>   \n"
CLOSE = "  \n</div>"
_BLANKS = " \t\n\f\r"

# CommonMark 0.31 section 2.1: a line of blanks alone is blank. Seen from the newline before it.
_BLANK_LINE = re.compile(r"\n(?=[ \t\f\v]*\n)")
_FIRST_BLANK_LINE = re.compile(r"\A([ \t\f\v]*)\n")


def decode(data: bytes) -> str:
    """The text of `data`, newlines as LF, without a byte order mark.

    UTF-8 (a few bad bytes are replaced), UTF-16 with a mark, else GB 18030, which holds GBK and
    GB 2312. Never raises.
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _newlines(data[len(mark) :].decode(encoding, "replace"))
    try:
        return _newlines(data.decode())
    except UnicodeDecodeError:
        return _newlines(_guess(data))


def _guess(data: bytes) -> str:
    utf8 = data.decode("utf-8", "replace")
    bad = utf8.count("\ufffd")
    if len(_NOT_ASCII.findall(utf8)) > bad * _GOOD_FOR_ONE_BAD:
        return utf8
    try:
        return data.decode("gb18030")
    except UnicodeDecodeError:
        return utf8


def _newlines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def escape_template(text: str) -> str:
    """`text` with braces as character references: no template engine sees its own marks."""
    return text.replace("{", "&#123;").replace("}", "&#125;")


def unescape_template(text: str) -> str:
    """What `escape_template` was given."""
    return text.replace("&#123;", "{").replace("&#125;", "}")


def wrap(body: str) -> str:
    """The body of a post: `body` in the archive's wrapper, without a blank line, the same DOM.

    A blank line would end the HTML block for Markdown. `body` is HTML without raw text elements.
    """
    if not body.strip(_BLANKS):
        return f"{OPEN}&#10;{CLOSE}"
    text = body.replace("\r", "&#13;") + CLOSE
    text = _BLANK_LINE.sub("&#10;", text)
    return OPEN + _FIRST_BLANK_LINE.sub(r"\1&#10;", text)


def unwrap(text: str) -> str:
    """The body in `text`, what follows the header: what stood in the wrapper, if there is one."""
    text = text.lstrip("\n")
    if text.startswith(OPEN):
        inside = text[len(OPEN) :]
        end = inside.rstrip(_BLANKS)
        text = end[: -len(CLOSE)] if end.endswith(CLOSE) else inside
    else:
        text = text.rstrip("\n")
    return text if text.strip(_BLANKS) and text != "&#10;" else ""
