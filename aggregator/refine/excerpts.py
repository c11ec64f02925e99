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
    whole = collapse(lines(article.body)) or article.summary
    paragraphs = [f"<p>{html.escape(shorten(whole, limit), quote=False)}</p>"] if whole else []
    if article.link:
        host = html.escape(urlsplit(article.link).netloc.rpartition("@")[2])
        paragraphs.append(f'<p><a href="{html.escape(article.link)}" rel="{LINK_REL}">{host}</a></p>')
    return replace(
        article,
        body="\n".join(paragraphs),
        summary="",
        image=None,
        image_from="",
        enclosures=(),
        notes=(*article.notes, "excerpt"),
    )
