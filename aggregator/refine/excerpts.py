"""Articles of which only the beginning may be republished. Pure."""

import html
from dataclasses import replace
from urllib.parse import urlsplit

from aggregator.model import Refined
from aggregator.refine.policy import LINK_REL
from aggregator.refine.text import collapse, lines, shorten


def shortened(article: Refined, limit: int | None) -> Refined:
    """`article` with at most `limit` characters of its text, and a link; whole if `limit` is None.

    Its pictures and files are not republished either. What it is known by stays.
    """
    if limit is None:
        return article
    return replace(
        article,
        body=beginning(article.body, article.summary, article.link, limit),
        summary="",
        image=None,
        image_from="",
        enclosures=(),
        notes=(*article.notes, "excerpt"),
    )


def beginning(body: str, summary: str, link: str | None, limit: int) -> str:
    """HTML of the first `limit` characters of a body's text (without text: of the summary), and the link."""
    whole = collapse(lines(body)) or summary
    paragraphs = [f"<p>{html.escape(shorten(whole, limit), quote=False)}</p>"] if whole else []
    if link:
        host = html.escape(urlsplit(link).netloc.rpartition("@")[2])
        paragraphs.append(f'<p><a href="{html.escape(link)}" rel="{LINK_REL}">{host}</a></p>')
    return "\n".join(paragraphs)
