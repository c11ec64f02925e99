"""Documents to articles: parse and refine together, as one step that a worker process can do.

Pure; the arguments and results are values that travel between processes.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from aggregator import seen
from aggregator.digested import Digested, DigestedFiles, RawFile
from aggregator.errors import ParseError
from aggregator.model import Document, FileStamp, Refined, SourceState
from aggregator.options import Source
from aggregator.parse.delta import parse_changes
from aggregator.parse.encodings import decode
from aggregator.refine.entries import Context, refine
from aggregator.refine.page import Page, read_page
from aggregator.refine.policy import PLAYERS
from aggregator.refine.results import Ruled, sum_up, too_slow
from aggregator.refine.urls import canonical

_CHARSET = re.compile(rb"""<meta[^>]+charset\s*=\s*["']?\s*([A-Za-z0-9_.:-]+)""", re.IGNORECASE)


def digest_feed(
    source: Source,
    state: SourceState,
    body: bytes,
    url: str,
    content_type: str | None,
    now: datetime,
    known: bytes = b"",
) -> Digested:
    """Parse and refine what is new in the document at `url`, going by `known`, what the last one left.

    Raises ParseError.
    """
    context = _context(source, state, url, now)
    # Of entries with pages of their own the whole document is looked at: a page may have been missed.
    marked = b"" if source.full_text else seen.mark(context)
    before = seen.unpack(known, marked) if marked else seen.NOTHING
    delta = parse_changes(
        body,
        url=url,
        canonical=canonical,
        seen=before.names,
        content_type=content_type,
        max_entries=source.fetch.max_entries,
    )
    refined = refine(delta.document, context)
    if delta.cut_out and not seen.all_named(refined.articles):
        return digest_feed(source, state, body, url, content_type, now)
    left_out = [before.entries[piece] for piece in delta.pieces if delta.cut_out and piece in before.entries]
    return Digested(
        replace(delta.document, entries=()),
        refined,
        seen.pack(seen.after(delta, refined, before), marked) if marked else b"",
        seen.keys(left_out),
        seen.dates(left_out),
    )


def digest_files(
    source: Source, files: Sequence[RawFile], fallback_image: str, now: datetime
) -> DigestedFiles:
    """Parse and refine seed files, each a document of its own; one that fails costs only itself."""
    from aggregator.parse import frontmatter  # what reads YAML and Markdown: feeds need neither

    articles: list[Refined] = []
    stamps: dict[str, FileStamp] = {}
    problems: list[str] = []
    ruled: list[tuple[Ruled, ...]] = []
    context = _context(source, SourceState(), "", now)
    for file in files:
        try:
            entry = frontmatter.read(
                file.data,
                path=file.path,
                mtime=datetime.fromtimestamp(file.stamp.mtime_ns / 1e9, UTC),
                timezone=source.timezone,
                proxy_prefixes=source.proxy_prefixes,
                markup=source.markup,
                fallback_image=fallback_image,
            )
        except ParseError as error:
            problems.append(f"{file.path}: {error}")
            continue
        refined = refine(Document(entries=(entry,)), context)
        articles += refined.articles
        problems += (f"{file.path}: {note}" for note in refined.notes)
        ruled.append(refined.ruled)
        stamps[file.path] = file.stamp
    done = sum_up(ruled)
    return DigestedFiles(tuple(articles), stamps, (*problems, *too_slow(done)), done)


def digest_page(source: Source, title: str, body: bytes, url: str, content_type: str | None) -> Page:
    """Read the article of a page that an entry titled `title` links to."""
    return read_page(
        decode(body, _with_charset(body, content_type)).text,
        url,
        title=title,
        players=players_of(source),
        tracking=source.tracking,
    )


def _with_charset(body: bytes, content_type: str | None) -> str | None:
    """The content type with the encoding that the page itself names, if the server names none."""
    named = None if "charset" in (content_type or "").lower() else _CHARSET.search(body[:4096])
    return f"text/html; charset={named[1].decode()}" if named else content_type


def players_of(source: Source) -> frozenset[str]:
    """The hosts whose frames may stay."""
    return frozenset(PLAYERS) if source.players is None else source.players


def _context(source: Source, state: SourceState, url: str, now: datetime) -> Context:
    return Context(
        url=url,
        now=now,
        proxy_prefixes=source.proxy_prefixes,
        void_guids=state.void_guids,
        void_links=state.void_links,
        players=players_of(source),
        tracking=source.tracking,
        rules=source.rules,
        categories=source.categories,
        excerpt=source.excerpt,
    )
