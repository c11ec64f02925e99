"""Vectors in every field of feeds, a whole pass over these, and the outputs opened in real Chromium.

    feeds of vectors (RSS, Atom, JSON) ─► loopback ─► a pass ─► outputs ┬► pages ─► devtools
                                                                       └► feeds ─► chromium

A feed is read as readers do: what it calls HTML is put into a page, and so are RSS's titles,
which many take for HTML; the rest is escaped; addresses stand in attributes.
"""

import html
import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import chromium
import world
from devtools import Browser
from loopback import Reply, Server
from lxml import etree

PER_FEED = 40
"""Entries of a feed: a page and a feed of ours show 50."""
BATCH = 300
_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css"}
_CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
_CREATOR = "{http://purl.org/dc/elements/1.1/}creator"
_ATOM = "{http://www.w3.org/2005/Atom}"


@dataclass(frozen=True, slots=True)
class Opened:
    """What came of the outputs: how many pages and entries were opened, and everything that was caught."""

    pages: int
    entries: int
    caught: tuple[str, ...]


# --- feeds full of vectors --------------------------------------------------------------


def _moment(kind: int, number: int) -> datetime:
    """A date that no other entry has, so that none is taken for another."""
    return datetime(2026, 1, 1 + kind, tzinfo=UTC) + timedelta(minutes=number)


def _spelled(vector: str) -> tuple[str, str]:
    """A vector as the content of an element, and as the value of an attribute."""
    text = _NOT_XML.sub("", vector)
    return escape(text), quoteattr(text)


def rss(vectors: Sequence[tuple[int, str]]) -> bytes:
    """An RSS feed with an entry for each vector and its number."""
    items = []
    for number, vector in vectors:
        words, value = _spelled(vector)
        items.append(
            f"<item><guid isPermaLink='false'>urn:x:rss:{number}</guid><title>{words}</title>"
            f"<link>{words}</link><pubDate>{_moment(0, number):%a, %d %b %Y %H:%M:%S} GMT</pubDate>"
            f"<description>{words}</description><content:encoded>{words}</content:encoded>"
            f"<category>{words}</category><dc:rights>{words}</dc:rights><comments>{words}</comments>"
            f"<dc:creator>{words}</dc:creator><media:thumbnail url={value}/>"
            f"<enclosure url={value} type={value} length={value}/><source url={value}>{words}</source></item>"
        )
    spaces = (
        'xmlns:content="http://purl.org/rss/1.0/modules/content/" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:media="http://search.yahoo.com/mrss/"'
    )
    title, _ = _spelled(vectors[0][1])
    head = f"<title>{title}</title><link>{title}</link>"
    return f'<rss version="2.0" {spaces}><channel>{head}{"".join(items)}</channel></rss>'.encode()


def atom(vectors: Sequence[tuple[int, str]]) -> bytes:
    """An Atom feed with an entry for each vector and its number."""
    entries = []
    for number, vector in vectors:
        words, value = _spelled(vector)
        entries.append(
            f"<entry xml:lang={value}><id>urn:x:atom:{number}</id><title type='html'>{words}</title>"
            f"<updated>{_moment(1, number).isoformat()}</updated><content type='html'>{words}</content>"
            f"<summary type='html'>{words}</summary><author><name>{words}</name><uri>{words}</uri></author>"
            f"<category term={value} label={value}/><link href={value}/><rights type='html'>{words}</rights>"
            f"<link rel='enclosure' href={value} type={value} title={value}/></entry>"
        )
    title, _ = _spelled(vectors[0][1])
    head = f"<title type='html'>{title}</title><id>{title}</id>"
    return f'<feed xmlns="http://www.w3.org/2005/Atom">{head}{"".join(entries)}</feed>'.encode()


def json_feed(vectors: Sequence[tuple[int, str]]) -> bytes:
    """A JSON Feed with an item for each vector and its number."""
    items = [
        {
            "id": f"urn:x:json:{number}",
            "url": text,
            "title": text,
            "content_html": text,
            "summary": text,
            "image": text,
            "authors": [{"name": text, "url": text}],
            "tags": [text],
            "language": text,
            "date_published": _moment(2, number).isoformat(),
            "attachments": [{"url": text, "mime_type": text, "title": text}],
        }
        for number, text in vectors
    ]
    title = vectors[0][1]
    head = {"version": "https://jsonfeed.org/version/1.1", "title": title, "home_page_url": title}
    return json.dumps({**head, "items": items}).encode()


def feeds(vectors: Sequence[str]) -> Mapping[str, Reply]:
    """Feeds in three formats that hold every vector, by their paths."""
    numbered = list(enumerate(vectors))
    found = {}
    for start in range(0, len(numbered), PER_FEED):
        part = numbered[start : start + PER_FEED]
        for write in (rss, atom, json_feed):
            kind = "application/json" if write is json_feed else "application/xml"
            found[f"/{write.__name__}-{start}"] = Reply(write(part), type=kind)
    return found


def passed(vectors: Sequence[str], folder: Path) -> Path:
    """The outputs of a pass over feeds that hold every vector."""
    replies = feeds(vectors)
    with Server(dict(replies), host="0.0.0.0") as server:
        # A host for each, as relative links are the same at one host, and then the articles are, too.
        hosts = (f"127.0.0.{number}" for number in itertools.count(1))
        sources = "".join(
            world.source(path[1:], server.url(path, host=host), "hostile")
            for path, host in zip(replies, hosts, strict=False)
        )
        installation = world.World(folder, sources)
        report = installation.run(everything=True)
    assert not report.failed, report
    assert not report.publish.problems, report
    return installation.outputs


# --- the outputs in a browser -----------------------------------------------------------


def opened(outputs: Path) -> Opened:
    """Every page as a static host serves it, and every entry of every feed as a reader shows it."""
    pages = sorted(outputs.rglob("*.html"))
    caught = []
    with Server(_files(outputs)) as server, Browser() as browser:
        for path in pages:
            visit = browser.open(server.url(f"/{path.relative_to(outputs).as_posix()}"))
            strange = [url for url in visit.asked if not url.startswith(server.url("/"))]
            assert visit.elements > 10, path
            caught += [f"{path.name}: {what}" for what in (*visit.caught, *strange)]
    entries = [piece for path in sorted((outputs / "feeds").rglob("*")) for piece in shown(path)]
    pieces = list(dict.fromkeys(entries))
    for start in range(0, len(pieces), BATCH):
        caught += chromium.problems(pieces[start : start + BATCH])
    return Opened(len(pages), len(entries), tuple(caught))


def _files(outputs: Path) -> dict[str, Reply]:
    return {
        f"/{path.relative_to(outputs).as_posix()}": Reply(path.read_bytes(), type=_TYPES[path.suffix])
        for path in outputs.rglob("*")
        if path.is_file() and path.suffix in _TYPES
    } | {"*": Reply(status=404)}


def shown(path: Path) -> Iterator[str]:
    """The entries of an output feed as HTML that a reader puts into its page."""
    if path.name == "feed.json":
        yield from map(_from_json, json.loads(path.read_bytes())["items"])
    elif path.name == "rss.xml":
        yield from map(_from_rss, etree.fromstring(path.read_bytes()).iter("item"))
    elif path.name == "atom.xml" or path.suffix == ".atom":
        yield from map(_from_atom, etree.fromstring(path.read_bytes()).iter(f"{_ATOM}entry"))


def _page(texts: list[str], addresses: list[str], markup: list[str]) -> str:
    escaped = "".join(f"<p>{html.escape(text)}</p>" for text in texts)
    links = "".join(f'<a href="{html.escape(address)}">x</a>' for address in addresses)
    images = "".join(f'<img src="{html.escape(address)}">' for address in addresses)
    return escaped + links + images + "".join(f"<div>{one}</div>" for one in markup)


def _from_json(item: dict[str, object]) -> str:
    source, files = item["_source"], item.get("attachments", [])
    assert isinstance(source, dict)
    assert isinstance(files, list)
    texts = [
        str(item.get(key, "")) for key in ("title", "summary", "content_text", "authors", "tags", "_rights")
    ]
    addresses = [item.get("url"), item.get("image"), source.get("url"), *(file["url"] for file in files)]
    return _page(
        [*texts, str(source)], [str(url) for url in addresses if url], [str(item.get("content_html", ""))]
    )


def _from_rss(item: etree._Element) -> str:
    texts = [one.text or "" for one in item.iter(_CREATOR, "category", "source")]
    addresses = [one.text or "" for one in item.iter("link")] + [
        url for one in item if (url := one.get("url"))
    ]
    names = ("title", "description", _CONTENT, "{http://purl.org/dc/elements/1.1/}rights")
    return _page(texts, addresses, [one.text or "" for one in item.iter(*names)])


def _from_atom(entry: etree._Element) -> str:
    constructs = list(entry.iter(*(f"{_ATOM}{name}" for name in ("title", "content", "summary", "rights"))))
    texts = [one.text or "" for one in constructs if one.get("type") != "html"]
    texts += [one.text or "" for one in entry.iter(f"{_ATOM}name")]
    texts += [one.get("term", "") for one in entry.iter(f"{_ATOM}category")]
    addresses = [value for one in entry.iter() if (value := one.get("href") or one.get("url"))]
    markup = [one.text or "" for one in constructs if one.get("type") == "html"]
    return _page(texts, addresses, markup)
