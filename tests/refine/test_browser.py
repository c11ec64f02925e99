"""What was refined, opened in a real browser with a trap."""

import html
import json
from datetime import UTC, datetime
from pathlib import Path

import chromium
import pytest

from aggregator.model import Document, Entry, Refined, Text
from aggregator.refine.entries import Context, refine

pytestmark = [
    pytest.mark.soak,
    pytest.mark.timeout(300),
    pytest.mark.skipif(chromium.find() is None, reason="Chromium is not installed (Debian: chromium)"),
]

DATA = Path(__file__).parent.parent / "data" / "refine"
CONTEXT = Context(source="s", url="https://e.example/feed", now=datetime(2026, 11, 2, tzinfo=UTC))


def vectors() -> list[str]:
    kinds: dict[str, list[str]] = json.loads((DATA / "xss.json").read_text("utf-8"))
    return [vector for kind in kinds.values() for vector in kind]


def refined(vector: str) -> Refined:
    """An article of an entry that holds `vector` wherever a source can put text."""
    text = Text(vector)
    entry = Entry(
        guid=vector,
        link=vector,
        title=text,
        authors=(vector,),
        body=text,
        summary=text,
        images=(vector,),
        tags=(vector,),
        rights=vector,
    )
    (article,) = refine(Document(entries=(entry,)), CONTEXT).articles
    return article


def shown(article: Refined) -> str:
    """The article as a page shows it: plain text escaped, addresses in attributes, the body as it is."""
    texts = (article.title, *article.authors, *article.tags, article.summary, article.rights or "")
    escaped = "".join(f"<p>{html.escape(text)}</p>" for text in texts)
    link = html.escape(article.link or "https://e.example/")
    image = html.escape(article.image or "https://e.example/i.png")
    title = html.escape(article.title)
    return f'{escaped}<a href="{link}" title="{title}">x</a><img src="{image}">{article.body}'


def test_no_script_runs_and_nothing_strange_is_asked_for() -> None:
    """Every vector of the corpus in every field: 0 scripts, 0 requests but for images and players."""
    pieces = [shown(refined(vector)) for vector in vectors()]
    visit = chromium.visit(pieces)
    assert visit.caught == ()
    assert visit.pieces == len(pieces)


@pytest.mark.parametrize(
    "vector",
    [
        "<img src=x onerror=trap()>",
        "<script>trap()</script>",
        "<a href='javascript:trap()'>x</a>",
        "<svg onload=trap()>",
    ],
)
def test_the_trap_catches(vector: str) -> None:
    """The same page with a vector as it came is noticed: the silence above means something."""
    assert chromium.visit([vector]).caught != ()
