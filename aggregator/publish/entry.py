"""What the three formats say alike of an article.

Rules of this file: pure; an article in, values out. Each format puts them into its own words.
"""

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from itertools import chain
from mimetypes import MimeTypes
from urllib.parse import quote, urlsplit

from aggregator.model import Article, Beside, Enclosure, Episode, Origin, Outline
from aggregator.options import Site, holds_secret
from aggregator.publish.pieces import Listed
from aggregator.publish.terms import article_terms
from aggregator.refine.text import headline, plain, shorten
from aggregator.refine.urls import published

EXCERPT = 280
"""Characters of a summary that is made from the body."""
MAX_BODY = 500_000
"""Characters of a body beyond which feeds show an excerpt, as readers refuse feeds of many megabytes."""
_EXCERPT_SCANS = (1_000, 20_000)
"""Characters of the body that are read for it; the second if the first are nearly all tags."""

NEVER = datetime(1990, 1, 1, tzinfo=UTC)
"""When a feed without articles last changed."""

# XML 1.0 section 2.2 forbids these; C1 controls, which it only discourages, no reader shows.
_NOT_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
# RFC 3986: a scheme, and nothing but URI characters; `%` begins an escape, brackets enclose an IP address.
_URI = re.compile(
    r"[A-Za-z][A-Za-z0-9+.\-]*:(?://\[[0-9A-Fa-f:.]+\])?"
    r"(?:[A-Za-z0-9\-._~:/?#@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+"
)
_URN = re.compile(r"urn:[a-z0-9][a-z0-9\-]{1,31}:(?:[a-z0-9()+,.:=@;$_!*'\-]|%[0-9a-f]{2})+", re.IGNORECASE)
_URN_UUID = re.compile(r"urn:uuid:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_TAG = re.compile(r"tag:(?:[a-z0-9\-._]+@)?[a-z0-9.\-]+,\d{4}(?:-\d\d(?:-\d\d)?)?:[^\[\]]*", re.IGNORECASE)
_WEB = re.compile(r"https?://[^/?#\s]+", re.IGNORECASE)
# A web address that is a URI already, as nearly all are: nothing in it would be escaped or left out.
_PLAIN_WEB = re.compile(
    r"https?://[a-z0-9.\-]+(?:/(?!/)[A-Za-z0-9\-._~/@!$&'()*+,;=:]*(?:\?[A-Za-z0-9\-._~/@!$&'()*+,;=:?]+)?)?"
)
# RFC 3986 3.2: user, an IP literal or a name, a port; what no name on the web has is left out.
_AUTHORITY = re.compile(r"(?:[^@\[\]<>]*@)?(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~%\-]+)(?::[0-9]*)?")
_LONE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CUT_OFF = re.compile(r"(?:<[^<>]*|&[#\w]{0,31})\Z")  # a tag or entity without its end
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")  # RFC 5646, its common part
_MIME = re.compile(r"[\w.+\-]+/[\w.+\-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The same article in another source."""

    title: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Whence:
    """The feed that an entry was first published in.

    id     its own if that is a URI, else its address, else one made from its name
    title  what to call it
    feed   its address; None if it has none, as a file on this machine is nobody's business
    link   its page
    """

    id: str
    title: str
    feed: str | None
    link: str | None


_NO_EPISODE, _NOTHING_BESIDE = Episode(), Beside()


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """An article as feeds show it: every text fit for XML, every address a URI.

    `title` is never empty, `untitled` says that we made it; `html` is empty for an article
    without a body, and for one of which only an excerpt is shown. `also` is the same article in
    other sources, `covered` are other articles that say nearly the same.
    """

    id: str
    permalink: bool
    title: str
    untitled: bool
    link: str | None
    authors: tuple[str, ...]
    published: datetime
    updated: datetime
    html: str
    summary: str
    enclosures: tuple[Enclosure, ...]
    episode: Episode
    beside: Beside
    image: str | None
    categories: tuple[str, ...]
    language: str | None
    rights: str
    also: tuple[Elsewhere, ...]
    covered: tuple[Elsewhere, ...]
    whence: Whence


def clean(text: str) -> str:
    """`text` without characters that may not, or had better not, stand in XML 1.0."""
    if text.replace("\n", "").isprintable():  # nothing that is printable is forbidden: the quick way
        return text
    return _NOT_TEXT.sub("", text)


@lru_cache(maxsize=8192)
def uri(address: str | None) -> str | None:
    """`address` as an ASCII URI (RFC 3987 section 3.1), or None if it is no absolute web address."""
    if address and _PLAIN_WEB.fullmatch(address):
        return address
    if not address or not _WEB.match(address):
        return None
    escaped = _LONE_PERCENT.sub("%25", clean(address).strip())
    try:
        parts = urlsplit(escaped)
        host = parts.netloc if parts.netloc.isascii() else urlsplit(published(escaped) or "").netloc
        rest = parts._replace(netloc="", scheme="").geturl()
    except ValueError:  # UnicodeError is one
        return None
    if not _AUTHORITY.fullmatch(host):
        return None
    return f"{parts.scheme}://{host}" + quote(rest, safe="/?#@!$&'()*+,;=:~%")


@lru_cache(maxsize=8192)
def is_uri(text: str) -> bool:
    """Whether `text` can be an id as it is: a URI of RFC 3986, and a correct one if it is a urn: or tag:."""
    if not _URI.fullmatch(text) or text.lower().startswith(("javascript:", "data:")):
        return False
    scheme = text.split(":", 1)[0].lower()
    if scheme == "urn":
        pattern = _URN_UUID if text.lower().startswith("urn:uuid:") else _URN
        return pattern.fullmatch(text) is not None
    if scheme == "tag":
        return _TAG.fullmatch(text) is not None
    return scheme not in {"http", "https"} or _WEB.match(text) is not None


def own_id(uid: str) -> str:
    """An id of our own that stays with the article; its first 8 digits are those of its post."""
    return uuid.UUID(hex=uid, version=5).urn


def entry_id(guid: str | None, uid: str) -> str:
    """The source's own id, verbatim, if it is a URI, else `own_id`."""
    return guid if guid and is_uri(guid) else own_id(uid)


def entry_ids(articles: Sequence[Outline]) -> dict[str, str]:
    """The id of each article by uid, no id twice: of two with one guid, the first stored has it."""
    ids = {article.uid: entry_id(article.guid, article.uid) for article in articles}
    if len(set(ids.values())) == len(articles):
        return ids
    owners: dict[str, str] = {}
    for article in sorted(articles, key=lambda article: (article.id, article.uid)):
        found = entry_id(article.guid, article.uid)
        if owners.setdefault(found, article.uid) != article.uid:
            found = own_id(article.uid)
        ids[article.uid] = found
    return ids


def changed_at(article: Article | Outline) -> datetime:
    """When the article last changed, with a fraction of a second of its own.

    RFC 4287 4.1.1 and validators tell versions of entries apart by `updated`; those that were
    stored in one second would all look like one.
    """
    return article.updated.replace(microsecond=int(article.uid[:8], 16) % 1_000_000)


def newest_change(articles: Sequence[Outline]) -> datetime:
    """When a feed of these articles last changed; never the clock."""
    last = max((article.updated for article in articles), default=NEVER).replace(microsecond=0)
    # `changed_at` moves none of them beyond its second.
    return max((changed_at(article) for article in articles if article.updated >= last), default=NEVER)


def listed(articles: Sequence[Outline]) -> Listed:
    """The articles of a document, newest first, with what all its formats say of them together."""
    by_uid = entry_ids(articles)
    ids = tuple(by_uid[article.uid] for article in articles)
    owns = tuple(found != article.guid for found, article in zip(ids, articles, strict=True))
    return Listed(articles, ids, owns, newest_change(articles))


def language_tag(text: str | None) -> str | None:
    """`text` if it is a language tag."""
    return text if text and _LANGUAGE.fullmatch(text) else None


def facts(article: Article, article_id: str, site: Site) -> Facts:
    """What the formats say of `article`, under the id that it has in this feed."""
    terms, whence = article_terms(site, article), _whence_of(article)
    link = uri(article.link)
    title = " ".join(clean(article.title).split())
    body = clean(article.body)
    whole = bool(body.strip()) and not terms.excerpt and len(body) <= MAX_BODY
    language = language_tag(article.language)
    return Facts(
        id=article_id,
        permalink=article_id == link,
        title=title or clean(headline(body, article.sources[0].source, article.date)).strip() or "?",
        untitled=not title,
        link=link,
        authors=_authors(article) or (whence.title,),  # RFC 4287 4.1.2 requires somebody
        published=article.date,
        updated=changed_at(article),
        html=body if whole else "",
        summary=_summary(article, body, short=terms.excerpt),
        enclosures=tuple(filter(None, map(_enclosure, article.enclosures))),
        episode=_episode(article.episode) if article.episode else _NO_EPISODE,
        beside=_beside(article.beside) if article.beside else _NOTHING_BESIDE,
        image=uri(article.image),
        categories=_categories(article),
        language=None if language == site.language else language,
        rights=clean(article.rights or terms.licence),
        also=elsewhere(article, link),
        covered=covered(article, link),
        whence=whence,
    )


def _summary(article: Article, body: str, *, short: bool) -> str:
    """The source's own summary, else the beginning of the body; with `short` never more than an excerpt."""
    summary = clean(article.summary) or _excerpt(body)
    return shorten(summary, EXCERPT) if short else summary


def _excerpt(body: str) -> str:
    """The beginning of the body as plain text."""
    text = ""
    for scanned in _EXCERPT_SCANS:
        text = plain(_CUT_OFF.sub("", body[:scanned]) if len(body) > scanned else body)
        if len(text) > EXCERPT or len(body) <= scanned:
            break
    return shorten(text, EXCERPT)


def elsewhere(article: Article, link: str | None) -> tuple[Elsewhere, ...]:
    """The other sources that carried the article under an address of their own, each address once."""
    found: dict[str, Elsewhere] = {}
    for source in article.sources[1:]:
        url = uri(source.link)
        if url and url != link:
            found.setdefault(url, Elsewhere(clean(source.source).strip() or "?", url))
    return tuple(found.values())


def covered(article: Article, link: str | None) -> tuple[Elsewhere, ...]:
    """Other articles that say nearly the same, each address once."""
    found: dict[str, Elsewhere] = {}
    for other in article.related:
        url = uri(other.link)
        if url and url != link:
            title = " ".join(clean(other.title).split()) or clean(other.source).strip() or "?"
            found.setdefault(url, Elsewhere(title, url))
    return tuple(found.values())


def _authors(article: Article) -> tuple[str, ...]:
    names = (clean(name).strip() for name in article.authors)
    return tuple(name for name in names if name)


def _whence_of(article: Article) -> Whence:
    source = article.sources[0]
    return _whence(article.origin, source.source, source.location, source.feed_id, source.feed_link)


@lru_cache(maxsize=256)
def _whence(
    origin: Origin | None, name: str, location: str, feed_id: str | None, feed_link: str | None
) -> Whence:
    """Where the articles of a source come from: as their entries say, else as the settings do."""
    shown = "" if holds_secret(location) else location
    page = origin.link if origin else feed_link
    named = clean((origin.title if origin else None) or "").strip()
    addresses = (origin.id if origin else feed_id, origin.link if origin else None, shown)
    own = (found for found in addresses if found and is_uri(found) and not _is_ours_alone(found))
    return Whence(
        id=next(own, None) or uuid.uuid5(uuid.NAMESPACE_URL, f"aggregator:source:{clean(name)}").urn,
        title=named or clean(name).strip() or "?",
        feed=(uri(origin.id) if origin else None) or uri(shown),
        link=None if holds_secret(page) else uri(page),
    )


def _is_ours_alone(address: str) -> bool:
    """Whether an address is a file of this machine, or holds the operator's secret."""
    return address.startswith("file:") or holds_secret(address)


def _categories(article: Article) -> tuple[str, ...]:
    """The category paths of all its sources, then the tags, each name once whatever its case."""
    paths = (source.categories for source in article.sources)
    seen: dict[str, str] = {}
    for name in map(clean, chain(*paths, article.tags)):
        if name.strip():
            seen.setdefault(name.casefold(), name)
    return tuple(seen.values())


_KNOWN_TYPES = MimeTypes()  # the built-in table alone: what a machine has in /etc must not show in outputs
_MORE_TYPES: Mapping[str, str] = {
    ".opus": "audio/ogg",
    ".m4a": "audio/mp4",
    ".webp": "image/webp",
    ".vtt": "text/vtt",
    ".srt": "application/x-subrip",
}
"""What the standard library's table leaves out or has wrong for podcasts."""


def _enclosure(enclosure: Enclosure) -> Enclosure | None:
    """The enclosure with a URI and a media type, which RSS requires; None without an address."""
    url = uri(enclosure.url)
    if url is None:
        return None
    length = enclosure.length if enclosure.length and enclosure.length > 0 else None
    title = clean(enclosure.title or "") or None
    return Enclosure(url, _type(enclosure.type, url), length, title, enclosure.duration)


def _type(given: str | None, url: str) -> str:
    """The media type as given, else what the name of the file says."""
    if given and _MIME.fullmatch(given):
        return given
    path = urlsplit(url).path
    suffix = "." + path.rsplit(".", 1)[-1].lower()
    return _MORE_TYPES.get(suffix) or _KNOWN_TYPES.guess_type(path)[0] or "application/octet-stream"


def _beside(beside: Beside) -> Beside:
    """The same with every address a URI."""
    return replace(beside, comments=uri(beside.comments), answers=uri(beside.answers))


def _episode(episode: Episode) -> Episode:
    """The episode with every address a URI."""
    found = ((one, uri(one.url)) for one in episode.transcripts)
    return replace(
        episode,
        chapters=uri(episode.chapters),
        transcripts=tuple(
            Enclosure(url, _type(one.type, url), language=language_tag(one.language))
            for one, url in found
            if url
        ),
    )
