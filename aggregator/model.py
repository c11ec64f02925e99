"""What the rooms hand one another.

Rules of this file: values only. Nothing here does I/O, reads a clock or imports another
room; every dataclass is frozen; every `datetime` is aware and in UTC; durations are
seconds, sizes are bytes.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

CategoryPath = tuple[str, ...]
"""Names from the widest to the narrowest; the empty path stands for everything."""

SourceKind = Literal["feed", "seed"]


# --- collect ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Validators:
    """The validators of one response, verbatim (RFC 9110 section 8.8)."""

    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What a request brought.

    `body` is None when nothing changed (304, or the same bytes as last time). `moved_to` is
    the address that permanent redirects alone led to. `fresh_for` is how long the server
    says the answer stays fresh.
    """

    body: bytes | None
    url: str
    content_type: str | None = None
    validators: Validators = Validators()
    body_hash: str | None = None
    moved_to: str | None = None
    fresh_for: float | None = None


@dataclass(frozen=True, slots=True)
class FileStamp:
    """What tells that a file has not changed since it was read."""

    mtime_ns: int
    size: int
    inode: int = 0


# --- parse ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A file that goes with an entry; `length` in bytes, `duration` in seconds."""

    url: str
    type: str | None = None
    length: int | None = None
    title: str | None = None
    duration: int | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """What a podcast says of an episode (Podcasting 2.0): numbers as digits, `chapters` an address."""

    season: str | None = None
    number: str | None = None
    chapters: str | None = None
    transcripts: tuple[Enclosure, ...] = ()


@dataclass(frozen=True, slots=True)
class Text:
    """Text as the source gave it, and whether it is HTML or plain."""

    value: str = ""
    html: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """Where an entry is talked about, what it answers (RFC 4685), its "latitude longitude" (GeoRSS)."""

    comments: str | None = None
    answers: str | None = None
    point: str | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """The feed that an entry was first published in, as the entry names it (RFC 4287 4.2.11)."""

    title: str | None = None
    link: str | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One item of a feed or one file of a seed directory, as the source gave it.

    URLs are verbatim: relative to `base` if that is set, else to the document. `images` holds
    what the source names as pictures of the entry, best first; `pictures` those of Media RSS as files,
    which may be a gallery or the same in several sizes. `published_text` is the date
    as it was written, for explanations.
    """

    guid: str | None = None
    link: str | None = None
    title: Text = Text()
    authors: tuple[str, ...] = ()
    published: datetime | None = None
    updated: datetime | None = None
    published_text: str | None = None
    body: Text = Text()
    summary: Text = Text()
    enclosures: tuple[Enclosure, ...] = ()
    images: tuple[str, ...] = ()
    pictures: tuple[Enclosure, ...] = ()
    tags: tuple[str, ...] = ()
    language: str | None = None
    base: str | None = None
    origin: Origin | None = None
    rights: str | None = None
    episode: Episode | None = None
    beside: Beside | None = None
    # Only entries from seed directories have these.
    categories: CategoryPath | None = None
    lead_image: str | None = None
    uid_prefix: str | None = None
    file_time: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """What a feed says about how often to ask (RSS ttl, skipHours, skipDays, sy:*), and what it shows.

    `period` is seconds between changes; `skip_hours` are hours 0-23 GMT; `skip_days` are
    0 (Monday) to 6. `gap` (mean seconds between two entries) and `newest` are learned by collect.
    """

    ttl: float | None = None
    period: float | None = None
    skip_hours: frozenset[int] = frozenset()
    skip_days: frozenset[int] = frozenset()
    gap: float | None = None
    newest: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A parsed document: what the feed says of itself, and its entries in document order.

    `cut` counts the entries left out because of a limit; `notes` are sentences about what was
    odd and survived.
    """

    entries: tuple[Entry, ...]
    title: str | None = None
    link: str | None = None
    id: str | None = None
    updated: datetime | None = None
    language: str | None = None
    author: str | None = None
    rights: str | None = None
    base: str | None = None
    rhythm: Rhythm = Rhythm()
    cut: int = 0
    notes: tuple[str, ...] = ()


# --- refine -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Refined:
    """An entry ready to be stored: clean, absolute, and with its identity keys.

    key             names the entry within its source: its guid, else its link, else its content
    guid            the source's own id, verbatim, if it is one
    link            absolute address as it is to be published
    canonical_link  the same address as an identity; None if it identifies nothing
    title           plain text; empty for an untitled entry
    body            sanitised HTML, every URL absolute
    image           absolute URL of the lead image
    image_from      "enclosure", "media", "body", "file", "page" or ""
    fingerprint     of the normalised text; None under 200 characters
    text_hash       of title, text and link: when it moves, the article was edited
    exact_hash      of title, date and body: equal only for copies
    bands           signed 64-bit keys of which nearly equal texts share one or more; empty where
                    the text is too short or too common to be compared (refine.similarity)
    uid             32 hex digits, see identity.uid
    date_text       the date as the source wrote it
    """

    key: str
    uid: str
    guid: str | None = None
    link: str | None = None
    canonical_link: str | None = None
    title: str = ""
    authors: tuple[str, ...] = ()
    published: datetime | None = None
    updated: datetime | None = None
    body: str = ""
    summary: str = ""
    enclosures: tuple[Enclosure, ...] = ()
    image: str | None = None
    image_from: str = ""
    tags: tuple[str, ...] = ()
    language: str | None = None
    origin: Origin | None = None
    rights: str | None = None
    date_text: str | None = None
    episode: Episode | None = None
    beside: Beside | None = None
    categories: CategoryPath | None = None
    file_time: datetime | None = None
    uid_prefix: str | None = None
    fingerprint: str | None = None
    text_hash: str = ""
    exact_hash: str = ""
    bands: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()


# --- store ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceState:
    """What is remembered of a source between passes; the store keeps it field by field.

    `void_guids` and `void_links` (canonical): it gave them to different entries, so they identify nothing.
    """

    url: str | None = None
    validators: Validators = Validators()
    body_hash: str | None = None
    next_due: datetime | None = None
    last_attempt: datetime | None = None
    last_success: datetime | None = None
    last_error: str | None = None
    failing_since: datetime | None = None
    failures: int = 0
    retry_after: datetime | None = None
    gone: bool = False
    moved_to: str | None = None
    moved_since: datetime | None = None
    moved_count: int = 0
    rhythm: Rhythm = Rhythm()
    fresh_until: datetime | None = None
    cut: int = 0
    feed_title: str | None = None
    feed_link: str | None = None
    feed_id: str | None = None
    feed_updated: datetime | None = None
    void_guids: frozenset[str] = frozenset()
    void_links: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Counts:
    """What storing a source's entries came to; `expired` are older than `keep` lets them come in."""

    new: int = 0
    changed: int = 0
    duplicate: int = 0
    unchanged: int = 0
    expired: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """One source that carried an article: what outputs say of it. `link` is that of its entry."""

    source: str
    kind: SourceKind
    location: str
    feed_link: str | None = None
    feed_id: str | None = None
    link: str | None = None
    categories: CategoryPath = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Related:
    """Another article that covers nearly the same: what outputs say of it."""

    uid: str
    title: str
    link: str | None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """A stored article, with every source that carried it, its origin first.

    `published` is None where no source gave a date; `date` is what outputs show. `sort_at`
    orders listings. `updated` is when title, text or link last changed. `related` are the other
    articles with nearly the same text, by date.
    """

    id: int
    uid: str
    title: str
    first_seen: datetime
    sort_at: datetime
    updated: datetime
    sources: tuple[Provenance, ...]
    guid: str | None = None
    link: str | None = None
    authors: tuple[str, ...] = ()
    published: datetime | None = None
    body: str = ""
    summary: str = ""
    enclosures: tuple[Enclosure, ...] = ()
    image: str | None = None
    tags: tuple[str, ...] = ()
    language: str | None = None
    origin: Origin | None = None
    rights: str | None = None
    date_text: str | None = None
    episode: Episode | None = None
    beside: Beside | None = None
    related: tuple[Related, ...] = ()
    image_from: str = ""
    notes: tuple[str, ...] = ()

    @property
    def date(self) -> datetime:
        """The date that outputs show: as published, else when it was first seen."""
        return self.published or self.first_seen

    @property
    def categories(self) -> CategoryPath:
        """The category path of the origin."""
        return self.sources[0].categories


@dataclass(frozen=True, slots=True)
class Outline:
    """An article as far as the order and the form of a feed depend on it.

    `size` is that of its body in bytes of UTF-8, `more` about that of all else it holds, `changed` the
    serial of the last change of anything that outputs show of it, `source` the name of its origin.
    """

    id: int
    uid: str
    guid: str | None
    updated: datetime
    size: int
    changed: int
    source: str
    more: int = 0


@dataclass(frozen=True, slots=True, order=True)
class Node:
    """What an output feed is of: a category path (empty: everything) or a source by name."""

    kind: Literal["category", "source"]
    path: CategoryPath


# --- publish ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tombstone:
    """An entry that was taken down (RFC 6721): its id in the feeds, and when it went."""

    id: str
    when: datetime
