"""From what feedparser found to the values of `aggregator.model`.

Rules of this file: pure; nothing is invented. Entries are read with `dict.get`, since
feedparser's own `get` answers some keys with others' values. Dates are read from their text,
since feedparser's depend on the machine's zone and clock.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from html.entities import html5
from typing import Any
from urllib.parse import urljoin

from aggregator.model import Document, Enclosure, Entry, Origin, Rhythm, Text
from aggregator.parse import podcasts, surroundings
from aggregator.parse.dates import parse_date
from aggregator.parse.repair import CDATA, unwrapped
from aggregator.parse.strict_tools import stays

Found = dict[str, Any]
_get = dict.get

_XHTML = "application/xhtml+xml"
_HTML_TYPES = frozenset(("text/html", _XHTML, "text/xhtml"))
_TAG = re.compile(r"<[^<>]{0,5000}>")
_REFERENCE = re.compile(r"&(?:#\d{1,7}|#x[0-9a-fA-F]{1,6}|[A-Za-z]{2,31});")
# What is markup in a title; anything else in angle brackets is text ("List<String>"), and so is what begins
# and never ends ("The <svg> element").
_TITLE_MARKUP = re.compile(
    r"</?(?:b|big|br|em|font|i|img|p|small|span|strong|sub|sup|tt|u|wbr)\b"
    r"|<(?:/|(?=[a-z]{1,6}[1-6]?\s+[a-z-]{1,30}\s*=))"
    r"(?:a|abbr|bdi|cite|code|del|div|h[1-6]|ins|kbd|mark|nobr|q|ruby|rp|rt|s|samp|script|strike|style|svg|time|var)\b",
    re.IGNORECASE,
)
_TAG_LIKE = re.compile(r"<[A-Za-z/!?]")
_ADDRESS = re.compile(r"(?:https?:/)?/", re.IGNORECASE)
# RSS authors, "a@b.example (Ana)" or "Ana <a@b.example>"; feedparser cuts top-level domains at four letters.
_MAILBOX = re.compile(
    r"(?:(?P<before>[^<>@()]{1,200}?)\s*<)?(?P<email>[^\s@<>()]{1,200}@[^\s@<>()]{1,200})>?\s*(?:\((?P<after>[^()]{1,200})\))?"
)
_FACES = re.compile(r"^https?://(?:\w+\.)?gravatar\.com/avatar/")
_PICTURED = frozenset(("media_thumbnail", "media_content", "image"))
_IMAGE_NAME = re.compile(r"\.(?:jpe?g|png|gif|webp|avif|bmp|svg|tiff?)(?:$|[?#])", re.IGNORECASE)

ICON = 64
"""Pixels up to which an image is a face or an icon beside the entry."""

_PERIODS = {"hourly": 3600, "daily": 86400, "weekly": 604800, "monthly": 2592000, "yearly": 31536000}
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SKIP = re.compile("<[Ss][Kk][Ii][Pp]")
_SKIPS = {
    name: re.compile(
        rf"<skip{name}s\b[^>]{{0,200}}>(.{{0,5000}}?)</skip{name}s\s*>", re.IGNORECASE | re.DOTALL
    )
    for name in ("hour", "day")
}
_SKIPPED = re.compile(r"<(?:hour|day)\b[^>]{0,200}>\s*(\w{1,10})\s*<", re.IGNORECASE)


def document(result: Found, text: str, url: str, notes: tuple[str, ...]) -> Document:
    """The document that feedparser made of `text`, which came from `url`."""
    feed: Found = result["feed"]
    atom = str(result.get("version") or "").startswith("atom")
    language = _string(feed, "language")
    links, base = _links(feed), _base(feed, ("title_detail", "subtitle_detail"), url)
    entries = tuple(entry(found, url=url, language=language, atom=atom) for found in result["entries"])
    return Document(
        entries=entries,
        title=_string(feed, "title"),
        link=_home(feed, links, base or url),
        id=_string(feed, "id"),
        updated=_first_date(feed, ("updated", "published", "created")),
        language=language,
        author=next(iter(_authors(feed)), None),
        rights=_rights(feed, links),
        base=base,
        rhythm=_rhythm(feed, text),
        notes=notes,
    )


def entry(found: Found, *, url: str, language: str | None, atom: bool) -> Entry:
    """One entry; `language` is the feed's, `atom` whether types are declared rather than guessed."""
    body, summary, detail = _body(found, atom=atom)
    links = _links(found)
    updated = _first_date(found, ("updated",))
    published_text = next(
        filter(None, (_string(found, name) for name in ("published", "created", "updated"))), None
    )
    return Entry(
        guid=_string(found, "id"),
        link=_link(found, links),
        title=_title(found, atom=atom),
        authors=tuple(_authors(found)),
        published=_first_date(found, ("published", "created")) or updated,
        updated=updated,
        published_text=published_text,
        body=body,
        summary=summary,
        enclosures=tuple(_enclosures(found, links)),
        images=tuple(_images(found)),
        pictures=tuple(_pictures(found)),
        tags=tuple(_tags(found)),
        language=_string(found, "language") or _string(detail, "language") or _language(found) or language,
        base=_different(_get(detail, "base"), url) or _base(found, ("title_detail", "summary_detail"), url),
        origin=_origin(_detail(found, "source")),
        rights=_rights(found, links),
        episode=podcasts.episode(found),
        beside=surroundings.beside(found),
    )


# --- text -------------------------------------------------------------------------------


def _string(found: Found, key: str) -> str | None:
    value = _get(found, key)
    if not isinstance(value, str):
        return None
    value = value.strip()
    return (unwrapped(value) if value.startswith(CDATA) else value) or None


def _detail(found: Found, key: str) -> Found:
    """A dict under a key, else an empty one: any element of a feed can have the name of a key."""
    value = _get(found, key)
    return value if isinstance(value, dict) else {}


def _list(found: Found, key: str) -> list[Found]:
    value = _get(found, key)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _title(found: Found, *, atom: bool) -> Text:
    """The title. RSS does not say whether it is HTML: it is if it holds HTML's tags or references."""
    value = _string(found, "title") or ""
    detail = _detail(found, "title_detail")
    if atom:
        return Text(value, html=_get(detail, "type") in _HTML_TYPES)
    marked_up = _TITLE_MARKUP.search(value) or any(map(_is_reference, _REFERENCE.findall(value)))
    return Text(value, html=bool(marked_up))


def _is_reference(reference: str) -> bool:
    return reference.startswith("&#") or reference[1:] in html5


def _body(found: Found, *, atom: bool) -> tuple[Text, Text, Found]:
    """Body, summary (empty if it is the body) and feedparser's details on the body.

    The candidates are every content and the summary; the one with most to read is the body,
    HTML being worth half as much again as plain text. Media RSS captions and podcast summaries
    arrive as further contents, so that "content over summary" alone would lose the article.
    """
    contents = [item for item in _list(found, "content") if _content_text(item) and _is_text(item)]
    summary = _string(found, "summary") or ""
    detail = _detail(found, "summary_detail")
    short = _text(summary, _string(detail, "type"), atom=atom)
    if not contents:
        caption = Text(_string(found, "media_caption") or "", html=False)
        return short if summary else caption, Text(), detail
    best = contents[0] if len(contents) == 1 else max(contents, key=_weight)
    body = _text(_content_text(best), _string(best, "type"), atom=atom)
    if summary and detail and _outweighs(detail, summary, best):
        return short, body if body.value != short.value else Text(), detail
    return body, short if short.value != body.value else Text(), best


def _outweighs(detail: Found, summary: str, content: Found) -> bool:
    """Whether a summary has clearly more to read than a content; often the start of that tells."""
    start = _content_text(content)[: 2 * len(summary) + 100]
    whole = start[: start.rfind("<")] if start.rfind("<") > start.rfind(">") else start
    if 1.5 * (len(summary) + 1) <= 1.2 * len(_TAG.sub("", whole)):
        return False
    return _weight({**detail, "value": summary}) > 1.2 * _weight(content)


def _content_text(item: Found) -> str:
    return _string(item, "value") or ""


def _is_text(item: Found) -> bool:
    kind = _string(item, "type") or "text/html"
    return kind.startswith("text/") or kind.endswith("xml")


def _weight(item: Found) -> float:
    length = len(_TAG.sub("", _content_text(item))) + 1
    return length * 1.5 if _get(item, "type") in _HTML_TYPES else length


def _text(value: str, kind: str | None, *, atom: bool) -> Text:
    """RSS text without a tag or reference is plain text, whose line breaks count."""
    html = (kind or "text/html") in _HTML_TYPES
    if kind == _XHTML:
        value = value.replace("</br>", "")  # feedparser closes `<br/>`, and HTML takes that for one more
    return Text(value, html=html and (atom or _is_markup(value)))


def _is_markup(value: str) -> bool:
    return _TAG_LIKE.search(value) is not None or any(map(_is_reference, _REFERENCE.findall(value)))


# --- links ------------------------------------------------------------------------------


def _links(found: Found) -> list[Found]:
    return [link for link in _list(found, "links") if _string(link, "href")]


def _link(found: Found, all_links: list[Found]) -> str | None:
    """The page of an entry or feed: before Feedburner, else the first alternate, HTML before others."""
    links = [link for link in all_links if _get(link, "rel") == "alternate"]
    pages = [link for link in links if (_string(link, "type") or "text/html") in _HTML_TYPES]
    original = _string(found, "feedburner_origlink")
    if original:
        return original
    return next((link["href"].strip() for link in (*pages, *links)), None) or _permalink(found)


def _home(feed: Found, links: list[Found], base: str) -> str | None:
    """The page of a feed, absolute; a link to the feed itself is none."""
    link = _link(feed, links)
    if link is None or any(link == one["href"].strip() for one in links if _get(one, "rel") == "self"):
        return None
    try:
        return link if stays(link, base) else urljoin(base, link)
    except ValueError:
        return link


def _permalink(found: Found) -> str | None:
    """The link that feedparser took from the guid, if it is an address and not only a name."""
    link = _string(found, "link")
    return link if link and (_ADDRESS.match(link) or link != _string(found, "id")) else None


def _different(base: object, url: str) -> str | None:
    return base if isinstance(base, str) and base and base != url else None


def _base(found: Found, keys: Iterable[str], url: str) -> str | None:
    details = (_detail(found, key) for key in keys)
    return next(filter(None, (_different(_get(detail, "base"), url) for detail in details)), None)


def _language(found: Found) -> str | None:
    return _string(_detail(found, "title_detail"), "language")


# --- people, tags, rights ---------------------------------------------------------------


def _authors(found: Found) -> Iterator[str]:
    seen = set()
    people = _list(found, "authors")
    names = [
        _string(person, "name") or _string(person, "email") or _string(person, "href") for person in people
    ]
    written = _string(found, "author") or ""
    if len(people) < 2 and (mailbox := _MAILBOX.fullmatch(written)):
        names = [mailbox["before"] or mailbox["after"] or mailbox["email"]]
    credited = podcasts.credits_of(found)
    for name in (*(names if any(names) else [written]), *credited):
        if name and name not in seen:
            seen.add(name)
            yield name


def _tags(found: Found) -> Iterator[str]:
    seen = set()
    for tag in _list(found, "tags"):
        name = _string(tag, "label") or _string(tag, "term")
        if name and name not in seen:
            seen.add(name)
            yield name


def _rights(found: Found, links: list[Found]) -> str | None:
    licences = (link["href"] for link in links if _get(link, "rel") == "license")
    return _string(found, "rights") or next(licences, None)


def _origin(source: Found) -> Origin | None:
    if not source:
        return None
    origin = Origin(
        title=_string(source, "title"),
        link=_link(source, _links(source)) or _string(source, "href"),
        id=_string(source, "id"),
    )
    return origin if origin != Origin() else None


# --- media ------------------------------------------------------------------------------


def _enclosures(found: Found, links: list[Found]) -> Iterator[Enclosure]:
    seen = set()
    length_of_all = podcasts.seconds(_get(found, "itunes_duration"))
    attached = [link for link in links if _get(link, "rel") == "enclosure"]
    for item in (*attached, *_playable(found)):
        address = _string(item, "href") or _string(item, "url")
        if address and address not in seen:
            seen.add(address)
            length = _get(item, "length") or _get(item, "filesize")
            yield Enclosure(
                url=address,
                type=_string(item, "type"),
                length=_number(length),
                title=_string(item, "title"),
                duration=podcasts.seconds(_get(item, "duration"))
                or (None if len(seen) > 1 else length_of_all),
            )


def _pictures(found: Found) -> Iterator[Enclosure]:
    for item in _list(found, "media_content"):
        address = _string(item, "url")
        if address and _is_image(item) and not _FACES.match(address):
            yield Enclosure(address, _string(item, "type"), _number(_get(item, "filesize")))


def _playable(found: Found) -> Iterator[Found]:
    contents = _list(found, "media_content")
    for item in sorted(contents, key=lambda item: _get(item, "isdefault") != "true"):
        if _get(item, "medium") in {"audio", "video"} or (_string(item, "type") or "").startswith(
            ("audio/", "video/")
        ):
            yield item


def _images(found: Found) -> Iterator[str]:
    """Addresses of Media RSS and iTunes images, the widest first; unknown widths count as middling."""
    if _PICTURED.isdisjoint(found):
        return
    named: list[tuple[int, int, str]] = []
    thumbnails = _list(found, "media_thumbnail")
    pictures = [item for item in _list(found, "media_content") if _is_image(item)]
    for rank, items in enumerate((thumbnails, pictures)):
        sized = ((_number(_get(item, "width")) or 400, item) for item in items)
        named += [(-width, rank, _string(item, "url") or "") for width, item in sized if width > ICON]
    named.append((-300, 2, _string(_detail(found, "image"), "href") or ""))
    seen = {""}
    for *_, address in sorted(named, key=lambda item: item[:2]):
        if address not in seen and not _FACES.match(address):
            seen.add(address)
            yield address


def _is_image(item: Found) -> bool:
    kind = (_string(item, "medium") or _string(item, "type") or "").lower()
    return kind.startswith("image") or (
        not kind and _IMAGE_NAME.search(_string(item, "url") or "") is not None
    )


def _number(value: object) -> int | None:
    """A whole number above zero, of at most 18 digits; anything else is None."""
    found = re.match(r"\s*(\d{1,18})(?:\.\d*)?\s*(?:px)?\s*$", value) if isinstance(value, str) else None
    return int(found[1]) or None if found else None


# --- time -------------------------------------------------------------------------------


def _first_date(found: Found, keys: Iterable[str]) -> datetime | None:
    for key in keys:
        text = _string(found, key)
        if text and (moment := parse_date(text)):
            return moment
    return None


def _rhythm(feed: Found, text: str) -> Rhythm:
    """RSS 2.0 ttl (minutes), skipHours, skipDays; RSS 1.0 syndication module.

    feedparser keeps only the last hour and day, so those are looked up in the text.
    """
    ttl = _number(_get(feed, "ttl"))
    period = _PERIODS.get((_string(feed, "sy_updateperiod") or "").lower())
    times = _number(_get(feed, "sy_updatefrequency")) or 1
    text = text if _SKIP.search(text) else ""
    hours = {int(hour) % 24 for hour in _skipped(text, "hour") if hour.isdecimal() and int(hour) <= 24}
    days = {_DAYS.index(day.lower()) for day in _skipped(text, "day") if day.lower() in _DAYS}
    return Rhythm(
        ttl=min(ttl, 10**6) * 60.0 if ttl else None,
        period=period / min(times, 10**6) if period else None,
        skip_hours=frozenset(hours),
        skip_days=frozenset(days),
    )


def _skipped(text: str, name: str) -> list[str]:
    found = _SKIPS[name].search(text)
    return _SKIPPED.findall(found[1]) if found else []
