"""Markdown in seed directories: rendered where the settings say so, recognised so that `check` can warn.

Rules of this file: what comes out is not safe; refining sanitises it like all other HTML.
"""

import functools
import re
from typing import TYPE_CHECKING

from aggregator.errors import ParseError

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

MAX_CHARS = 512 * 1024
"""Longer texts are not rendered: the worst of them would take many seconds."""

# What begins an HTML block (CommonMark 0.31 section 4.6, start conditions 1, 2, 4 and 6).
_BLOCK_NAMES = (
    "address article aside base basefont blockquote body caption center col colgroup dd details "
    "dialog dir div dl dt fieldset figcaption figure footer form frame frameset h1 h2 h3 h4 h5 h6 "
    "head header hr html iframe legend li link main menu menuitem nav noframes ol optgroup option p "
    "param pre script search section style summary table tbody td textarea tfoot th thead title tr "
    "track ul"
)
_BLOCK_TAG = re.compile(
    rf"\s*<(?:!doctype|!--|/?(?:{_BLOCK_NAMES.replace(' ', '|')})(?=[\s/>]))", re.IGNORECASE
)

# Signs of Markdown that HTML has little use for; each line or place counts once.
_SIGNS = (
    re.compile(r"^#{1,6} +\S", re.MULTILINE),  # headings
    re.compile(r"^(?:```|~~~)", re.MULTILINE),  # fences
    re.compile(r"^\S[^\n]*\n(?:={3,}|-{3,})[ ]*$", re.MULTILINE),  # underlined headings
    re.compile(
        r"\[[^\]\n]{0,200}\]\((?:https?:|/|\.|#|mailto:)[^)\s]{0,2000}(?: \"[^\"\n]{0,200}\")?\)"
    ),  # links
    re.compile(r"^[*+-] +\S[^\n]*\n[*+-] +\S", re.MULTILINE),  # lists
    re.compile(r"^[0-9]{1,3}\. +\S[^\n]*\n[0-9]{1,3}\. +\S", re.MULTILINE),  # numbered lists
    re.compile(r"^> \S", re.MULTILINE),  # quotations
    re.compile(r"\*\*[^\s*][^*\n]{0,200}\*\*"),  # strong
    re.compile(r"^\|[^\n]+\|\n\|[ :|-]+\|[ ]*$", re.MULTILINE),  # tables
)
_LOOKED_AT = 20_000


def is_html(body: str) -> bool:
    """Whether `body` begins with a block tag and is HTML, whatever the settings say."""
    return _BLOCK_TAG.match(body) is not None


def looks_like_markdown(body: str) -> bool:
    """Whether `body` would come out better with `markup = "markdown"`.

    True for a text without block tags at its beginning that shows a sign of Markdown.
    """
    start = body[:_LOOKED_AT]
    return not is_html(start) and any(sign.search(start) for sign in _SIGNS)


def render(body: str) -> str:
    """`body` as HTML: CommonMark with tables and strikethrough, HTML in it left as it is.

    A body that begins with a block tag is returned unchanged. Raises ParseError for one that is too long.
    """
    if is_html(body):
        return body
    if len(body) > MAX_CHARS:
        raise ParseError(f"has more than {MAX_CHARS // 1024} KB of Markdown; split it or write it as HTML")
    return str(_renderer().render(body)).removesuffix("\n")


@functools.lru_cache(maxsize=1)
def _renderer() -> "MarkdownIt":
    from markdown_it import MarkdownIt  # takes longer to import than a post to write

    return MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
