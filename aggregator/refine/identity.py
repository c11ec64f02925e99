"""What an entry is known by: keys, hashes, fingerprint, uid; and which keys of a document are worth nothing.

Rules of this file: a key that might name two writings names none. Nothing here depends on the
clock, the source, a path, or on entries of other documents, but for the void keys handed in.

Two entries of one document never get the same uid: a link that several of them share is void
and not used; a guid that several share is void, or they are the same entry and one goes; equal
contents under different guids are told apart by these.
"""

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from aggregator.refine.text import collapse

FINGERPRINT_MIN = 200
"""Characters of text, tags removed and blanks collapsed; shorter texts are equal by chance."""

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:[^\s<>\"{}|\\^`]+")
_LF = "\n"
_MARKS = ".,:;!?。！？；，：、…"
# What makes most English texts more than ASCII; without it there is a quick way.
_TYPOGRAPHY = (
    ("’", "'"),
    ("‘", "'"),
    ("“", "'"),
    ("”", "'"),
    ("–", "-"),
    ("—", "-"),
    ("…", "."),
    ("\xa0", " "),
)
_ASCII = {
    code: "\n" if chr(code) in _MARKS else chr(code).lower() if chr(code).isalnum() else None
    for code in range(128)
}
_NOISE = re.compile(r"[^\w\n]+")

# What moves by itself beside a text. It counts for nothing where it stands alone, not in a sentence.
COUNTED: dict[str, str] = {
    "views? reads? hits? plays? downloads? watching": "how many looked",
    "comments? replies responses? answers?": "how many answered",
    "likes? shares? votes? upvotes? points? claps? stars? reactions? favorites?": "how many liked it",
    "次?阅读 人?阅读 次?浏览 次?播放 人?观看 次?下载": "how many looked",
    "条?评论 个?回复 个?回答": "how many answered",
    "个?赞 次?点赞 次?收藏 次?转发 次?分享 人?喜欢 个?推荐": "how many liked it",
}
_WORDS = "|".join(word for words in COUNTED for word in words.split())
_COUNTERS = (
    rf"\d[\d,.]*[kmw万千]?\+?\s*(?:{_WORDS})(?:数|量)?",
    rf"(?:{_WORDS})(?:数|量|次数)?\s*[:：]?\s*\d[\d,.]*[kmw万千]?\+?",
    r"(?:about |over )?(?:\d+|an?)\s*(?:second|sec|minute|min|hour|hr|day|week|month|year)s? ago",
    r"\d+\s*(?:秒|分钟|小时|天|周|个月|月|年)前",
)
_COUNTER = re.compile(rf"\s*(?:(?:{'|'.join(_COUNTERS)})\s*)+", re.IGNORECASE)
_ASIDE = re.compile(r"[|·•/()\[\]–—-]")
COUNTER = 40
"""Characters of the longest counter, and of the longest line with one; longer ones are sentences."""
COUNTER_LINE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What identity looks at in one entry.

    `text` is the body's as `steady` gives it. `seed`: the guid is a path and enters no hash.
    """

    guid: str | None
    canonical_link: str | None
    title: str
    text: str
    body: str
    date: datetime | None
    exact_hash: str
    uid_prefix: str | None = None
    seed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """What the draft at position `at` of its document is called; guid and link are None where void."""

    at: int
    key: str
    uid: str
    guid: str | None
    canonical_link: str | None


@dataclass(frozen=True, slots=True)
class Settled:
    """The drafts of a document that stay, in order, and the keys that identify nothing."""

    names: tuple[Name, ...]
    void_guids: frozenset[str]
    void_links: frozenset[str]


def digest(*parts: str) -> str:
    """64 hex digits of SHA-256 over `parts`, kept apart by a character that no text holds."""
    return hashlib.sha256("\x00".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def pieces(text: str) -> tuple[str, ...]:
    """The clauses of `text` as they are compared: NFKC, without case, blanks and punctuation."""
    for mark, plain_mark in _TYPOGRAPHY:
        text = text.replace(mark, plain_mark)
    if text.isascii():
        words = text.translate(_ASCII)
    else:
        words = "".join(text.split())
        for mark in _MARKS:
            words = words.replace(mark, _LF)
        if not words.replace(_LF, "").isalnum():
            words = _NOISE.sub("", words).replace("_", "")
        words = unicodedata.normalize("NFKC", words).casefold()
    return tuple(filter(None, words.split(_LF)))


def normal(text: str) -> str:
    """All `pieces` of a text as one."""
    return "".join(pieces(text))


def steady(text: str) -> str:
    """`text` (a line for each block) as it is compared with its own past: no counters, blanks collapsed."""
    kept = [line if len(line) > COUNTER_LINE else _without_counters(line) for line in text.split(_LF) if line]
    return unicodedata.normalize("NFC", collapse(" ".join(kept)))


def _without_counters(line: str) -> str:
    """`line` without what stands between marks (or alone) and is a counter or age."""
    if len(line) > COUNTER and not _ASIDE.search(line):
        return line
    found = _ASIDE.split(line)
    kept = [piece for piece in found if len(piece) > COUNTER or not _COUNTER.fullmatch(piece)]
    return line if len(kept) == len(found) else " ".join(kept)


def text_hash(title: str, text: str, canonical_link: str | None) -> str:
    """32 hex digits that move only when title, text or link were edited.

    `text` is steady: blanks, markup, tracking parameters, view counters and ages ("5 hours ago")
    do not count.
    """
    return digest(unicodedata.normalize("NFC", collapse(title)), text, canonical_link or "")[:32]


def exact_hash(title: str, date: datetime | None, body: str) -> str:
    """32 hex digits that only a copy of title, date and sanitised body shares."""
    return digest(title, date.isoformat() if date else "", collapse(body))[:32]


def post_hash(title: str, date: datetime | None, body: str, prefix: str | None) -> str:
    """The `exact_hash` of a file, whose uid begins with `prefix` if it is a post of ours.

    Where digits are those of the words alone, there was no date: the post's is when it was first seen.
    """
    undated = exact_hash(title, None, body) if prefix else ""
    return undated if prefix and digest(undated).startswith(prefix) else exact_hash(title, date, body)


def key(guid: str | None, canonical_link: str | None, exact: str) -> str:
    """The name of an entry within its source: its guid, else its link, else its content."""
    if guid:
        return f"g:{guid}"
    return f"l:{canonical_link}" if canonical_link else f"h:{exact}"


def is_uri(guid: str) -> bool:
    """Whether a guid names its entry everywhere, and not only in its feed (RFC 3986 section 3)."""
    return _URI.fullmatch(guid) is not None


def uid(draft: Draft, guid: str | None, canonical_link: str | None) -> str:
    """The 32 hex digits that name an article for good.

    SHA-256 of the canonical link if there is one, else of a guid that is a URI, else of title,
    date and sanitised body; `guid` and `canonical_link` are None where they identify nothing.
    The first 8 digits of a post of ours that came back as a seed stay.
    """
    if canonical_link:
        value = digest(canonical_link)
    elif guid and not draft.seed and is_uri(guid):
        value = digest(guid)
    else:
        value = digest(draft.exact_hash)
    return (draft.uid_prefix or value[:8]) + value[8:32]


def _apart(draft: Draft) -> str:
    """32 hex digits for an entry whose content, or guid, is another's too: all that it has together."""
    return digest(draft.exact_hash, draft.guid or "", draft.canonical_link or "")[:32]


def identifies(canonical_link: str | None, *homes: str | None) -> bool:
    """Whether a canonical link may name one entry: not the front page of a site, and none of `homes`."""
    if canonical_link is None or canonical_link in homes:
        return False
    return (
        canonical_link.partition("://")[2].partition("/")[2] != ""
        or "?" in canonical_link
        or "#" in canonical_link
    )


def settle(drafts: Sequence[Draft], void_guids: frozenset[str], void_links: frozenset[str]) -> Settled:
    """Name the entries of one document, and decide which are repeats and which guids and links name several.

    A guid with different titles or texts is void. Entries with one guid, or with none and one
    link, and the same title and text are one. A link under entries that are not one is void.
    """
    kept = _without_repeats(drafts)
    void_guids |= _shared(drafts[at].guid for at in kept)
    void_links |= _shared(drafts[at].canonical_link for at in kept)
    guids = [_unless_void(drafts[at].guid, void_guids) for at in kept]
    links = [_unless_void(drafts[at].canonical_link, void_links) for at in kept]
    exact = Counter(drafts[at].exact_hash for at in kept)
    keys = [
        key(guid, link, drafts[at].exact_hash if exact[drafts[at].exact_hash] == 1 else _apart(drafts[at]))
        for at, guid, link in zip(kept, guids, links, strict=True)
    ]
    uids = [uid(drafts[at], guid, link) for at, guid, link in zip(kept, guids, links, strict=True)]
    holders = Counter(uids)
    names = tuple(
        Name(
            at=at,
            key=one_key,
            uid=one_uid if link or holders[one_uid] == 1 else _apart(drafts[at]),
            guid=guid,
            canonical_link=link,
        )
        for at, one_key, one_uid, guid, link in zip(kept, keys, uids, guids, links, strict=True)
    )
    return Settled(names, void_guids, void_links)


def _unless_void(name: str | None, void: frozenset[str]) -> str | None:
    return None if name in void else name


def _without_repeats(drafts: Sequence[Draft]) -> tuple[int, ...]:
    """The positions of the drafts that stay; of repeats the one with the first link of the alphabet."""
    chosen: dict[Hashable, int] = {}
    for at, draft in enumerate(drafts):
        where = draft.guid or (draft.canonical_link, draft.date)
        mark = (where, collapse(draft.title), draft.text, None if draft.text else draft.body)
        other = chosen.setdefault(mark, at)
        if _linked(draft) < _linked(drafts[other]):
            chosen[mark] = at
    return tuple(sorted(chosen.values()))


def _linked(draft: Draft) -> tuple[bool, str]:
    return draft.canonical_link is None, draft.canonical_link or ""


def _shared(names: Iterable[str | None]) -> frozenset[str]:
    """The names that more than one entry has."""
    return frozenset(name for name, count in Counter(names).items() if name and count > 1)
