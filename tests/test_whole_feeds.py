"""Whole feeds as sites send them, before and after: `NN-name.xml` becomes `NN-name.expected.md`.

All are made up; each shows what one kind of site does, in the words of its first comment or
title. To accept a change: `AGGREGATOR_GOLDEN=write pytest tests/test_whole_feeds.py`, then read the diff.
"""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from oracle import offences

from aggregator.digest import digest_feed
from aggregator.digested import Digested
from aggregator.errors import ParseError
from aggregator.model import Beside, Enclosure, Episode, Refined, SourceState
from aggregator.options import Source
from aggregator.refine.repair_tables import NOTES

FEEDS = Path(__file__).parent / "data" / "feeds"
CASES = sorted(file for file in FEEDS.glob("[0-9]*") if not file.name.endswith(".expected.md"))
NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
# What the settings, or the server, say beside the document.
OPTIONS: dict[str, dict[str, Any]] = {
    "13-russian-header": {"content_type": "text/xml; charset=windows-1251"},
    "27-proxied": {"proxy_prefixes": ("https://cors.zfour.workers.dev/?",)},
    "40-excerpts": {"excerpt": 120},
    "41-keeps-tracking": {"tracking": True},
}


def digested(file: Path) -> Digested:
    """What a pass makes of a feed."""
    options = dict(OPTIONS.get(file.stem, {}))
    kind = options.pop("content_type", None)
    url = f"https://feeds.example/{file.name}"
    source = Source(name=file.stem, kind="feed", categories=("News",), url=url, **options)
    return digest_feed(source, SourceState(), file.read_bytes(), url, kind, NOW)


def written(file: Path) -> str:
    """The same as text that people can hold against the feed."""
    try:
        found = digested(file)
    except ParseError as error:
        return f"# {file.name}\n\nno feed: {error}\n"
    document = found.document
    lines = [
        f"# {file.name}",
        "",
        *_fields(
            title=document.title, link=document.link, language=document.language, rights=document.rights
        ),
        *(f"- note: {note}" for note in found.notes),
    ]
    for number, article in enumerate(found.refined.articles, 1):
        lines += ["", f"## {number}. {article.title or '(untitled)'}", "", *_article(article)]
    return "\n".join(lines) + "\n"


def _fields(**values: object) -> Iterator[str]:
    yield from (f"- {name}: {value}" for name, value in values.items() if value)


def _article(article: Refined) -> Iterator[str]:
    yield from _fields(
        link=article.link,
        guid=article.guid,
        date=article.published and article.published.isoformat(),
        written=article.date_text,
        updated=article.updated and article.updated.isoformat(),
        authors=", ".join(article.authors),
        tags=", ".join(article.tags),
        language=article.language,
        image=article.image and f"{article.image} (from {article.image_from})",
        origin=article.origin and f"{article.origin.title} {article.origin.link or ''}".strip(),
        rights=article.rights,
        summary=article.summary,
    )
    yield from (f"- file: {_file(one)}" for one in article.enclosures)
    yield from _episode(article.episode or Episode())
    beside = article.beside or Beside()
    yield from _fields(comments=beside.comments, answers=beside.answers, point=beside.point)
    yield from (f"- done: {note}: {NOTES[note]}" for note in article.notes)
    if article.body:
        yield from ("", "```html", article.body, "```")


def _file(one: Enclosure) -> str:
    length = f"{one.length} bytes" if one.length else ""
    duration = f"{one.duration} s" if one.duration else ""
    return " · ".join(filter(None, (one.url, one.type, length, duration, one.title)))


def _episode(episode: Episode) -> Iterator[str]:
    yield from _fields(season=episode.season, episode=episode.number, chapters=episode.chapters)
    for one in episode.transcripts:
        yield f"- transcript: {' · '.join(filter(None, (one.url, one.type, one.language)))}"


@pytest.mark.parametrize("file", CASES, ids=lambda file: file.stem)
def test_before_and_after(file: Path) -> None:
    """What subscribers get of the feed is what the file beside it says, and it is safe."""
    expected = file.with_suffix(".expected.md")
    after = written(file)
    if os.environ.get("AGGREGATOR_GOLDEN") == "write":
        expected.write_text(after, "utf-8")
    assert after == expected.read_text("utf-8")


@pytest.mark.parametrize("file", CASES[:-1], ids=lambda file: file.stem)
def test_what_comes_out_is_safe(file: Path) -> None:
    """No body holds what the policy forbids, and every address is one of the web."""
    for article in digested(file).refined.articles:
        assert offences(article.body) == []
        addresses = [article.link, article.image, *(one.url for one in article.enclosures)]
        assert all(address.startswith(("https://", "http://")) for address in addresses if address)


def test_there_are_enough() -> None:
    """Each kind of feed, and each repair that an entry of a feed can need, is shown at least once."""
    texts = [file.with_suffix(".expected.md").read_text("utf-8") for file in CASES]
    shown = {note for note in NOTES if any(f"- done: {note}: " in text for text in texts)}
    rare = {"cut-attributes", "cut-depth", "cut-size", "full-text", "text-only"}
    assert set(NOTES) - shown <= rare
    assert len(CASES) >= 30
