"""HTML made safe: the policy of `policy.py`, applied with nh3.

    markup ──► bound ──► nh3 ──► frames ──► nh3 (only if frames were rewritten) ──► repairs ──► html

`bound` caps size, depth and attributes, as nh3's cost grows with the square of the depth.
nh3 parses like a browser (html5ever) and keeps what the policy names; `_attribute` sees every
attribute that is left. After the last nh3 pass nothing adds a tag (see `repairs`).
"""

import html as entities
import re
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import lru_cache

import nh3

from aggregator.refine import policy, text
from aggregator.refine.bounds import TOKEN, bound
from aggregator.refine.repair_tables import BOXES
from aggregator.refine.repairs import BLANK, repair, written_out
from aggregator.refine.urls import absolute, may_wrap, redirect_target, without_proxy, without_tracking

PASSES = 4
"""Sanitising again changes nothing for all but made-up markup; after so many passes it becomes text."""

MAX_CANDIDATES = 100
"""Addresses of one `srcset`; what comes after is cut."""

_NAME = re.compile(r"[a-z][a-z0-9_.:\-]*")
# The letters that names of elements begin with, also in end tags of what `_prepared` takes away.
_LETTERS = re.compile("<(?:/(?=[Nn]))?([A-Za-z]+)")
_ID = re.compile(r"""\s(?:id|name)\s*=\s*["']?([^"'\s>]+)""", re.IGNORECASE)
_FRAGMENT_LINK = re.compile(r"""=["']?\s*#""")
_FRAGMENT_HREF = re.compile(r' href="#([^"]*)"')
_FRAGMENT = re.compile(r"#[^\s\"'<>\\`]+")
_DATA_IMAGE = re.compile(
    rf"data:image/(?:{'|'.join(map(re.escape, policy.RASTER_TYPES))})[;,][A-Za-z0-9+/=%;,:._\-]*",
    re.IGNORECASE,
)
# Matches everywhere, lest blanks and commas without an address be looked through from each of them.
_CANDIDATE = re.compile(r"[\s,]*+(?:(\S*[^\s,])(?:,|\s*+([^,]*+)(?:,|\Z)))?")
_CSS_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_CSS_VALUE = re.compile(
    rf"(?:(?:{'|'.join(sorted(policy.STYLE_FUNCTIONS))})\([^\"'(){{}}\\<>@;]*\)"
    r"|[^\"'(){}\\<>@;]|\"[^\"\\<>;()]*\"|'[^'\\<>;()]*')*",
    re.IGNORECASE,
)
_CSS_NEGATIVE = re.compile(r"(?<![\w)])-[.\d]")
_STYLES = frozenset(name for names in policy.STYLES for name in names.split())
# In what nh3 writes: attributes always stand in double quotes, and a frame's text ends with the frame.
_FRAME = re.compile(r'<iframe((?: [^\s="<>]+="[^"]*")*)>.*?</iframe>', re.DOTALL)
_ATTRIBUTE = re.compile(r' ([^\s="<>]+)="([^"]*)"')
_PRE = re.compile(r'(<pre(?: [^\s="<>]+="[^"]*")*>)(?=\n)')
_AUTHORITY_END = re.compile(r"[/?#\\]")
_FOREIGN = frozenset(name for names in policy.FOREIGN for name in names.split())
# What is in these is no text, or no text that is shown.
_ENCLOSING = frozenset(("iframe", "script", "style", "textarea", "object", "video", "audio", "select"))
_PREPARED = _FOREIGN | _ENCLOSING | {"noscript", "amp", "input"}
_ENCLOSURE = re.compile(
    rf"""<(/?)({"|".join(sorted(_ENCLOSING))})(?=[\s/>])(?:[^<>"']++|"[^"]*+"|'[^']*+')*+>""", re.IGNORECASE
)
# A parser that runs scripts takes what is in it for text.
_NOSCRIPT = re.compile(r"</?noscript(?:[\s/][^<>]*+)?>", re.IGNORECASE)
_CHECKBOX = re.compile(r"""<input\b(?=[^<>]{0,500}\stype=["']?checkbox\b)[^<>]{0,1000}>""", re.IGNORECASE)
_CHECKED = re.compile(r"""\schecked(?=[\s=/>])""", re.IGNORECASE)
_AMP = re.compile(r"<(/?)amp-(img|anim|video|audio|iframe)\b", re.IGNORECASE)
# HTML Standard 13.2.6.4.7: start tags that close a `p`.
_CLOSE_P = (
    "address|article|aside|blockquote|center|d[dlt]|details|dir|div|fig(?:caption|ure)|footer|h[1-6r]|header"
    "|hgroup|li|main|menu|nav|[ou]l|p|pre|section|summary|table"
)
# Elements that stand in their own kind are parsed to another tree than the one that was written. They come
# from mis-nested markup, or from elements between them that went.
_SELF_NESTED = re.compile(
    "|".join(
        rf"<{start}[ >][^<]*+(?:<(?!(?:/?(?:{between})|{end})[ >])[^<]*+)*+<{end}[ >]"
        for start, between, end in (
            ("a", "a", "a"),
            ("p", "p", f"(?:{_CLOSE_P})"),
            ("h[1-6]", "h[1-6]", "h[1-6]"),
            ("(?:li|/[uo]l|/menu|/dir)", "li|[uo]l|menu|dir", "li"),
            ("(?:d[dt]|/dl)", "d[dtl]", "d[dt]"),
            ("r[tp]", "r[tp]|ruby", "r[tp]"),
        )
    )
    + "|<(?:math|rb|rtc)[ >]"
)


@dataclass(frozen=True, slots=True)
class Frame:
    """What attributes are judged by while one body is cleaned."""

    base: str | None = None
    proxies: tuple[str, ...] = ()
    players: frozenset[str] = frozenset(policy.PLAYERS)
    ids: frozenset[str] = frozenset()
    tidy: bool = True
    tracking: bool = False  # links keep their tracking parameters
    last: bool = False  # frames were rewritten: only players may load
    notes: set[str] = field(default_factory=set)
    boxes: set[str] = field(default_factory=set)


_frame: ContextVar[Frame] = ContextVar("frame")


@dataclass(frozen=True, slots=True)
class Cleaned:
    """Safe HTML, and in short codes what was done to it."""

    html: str
    notes: tuple[str, ...] = ()


def sanitize(
    markup: str,
    *,
    base: str | None = None,
    proxies: tuple[str, ...] = (),
    players: frozenset[str] = frozenset(policy.PLAYERS),
    tidy: bool = True,
    tracking: bool = False,
) -> Cleaned:
    """`markup` as the policy allows it, repaired, every address absolute against `base`. Never raises.

    `tidy` also takes away what is no text: share bars, empty paragraphs, tracking in links (which
    `tracking` lets be). Otherwise safe markup keeps its DOM. Cleaning what was cleaned changes nothing.
    """
    source, notes = bound(text.scrub(markup))
    if "<" not in source and "&" not in source:
        plain = source.replace(">", "&gt;").replace("\xa0", "&nbsp;")
        return Cleaned(_unless_blank(plain) if tidy else plain, notes)
    elements = _elements(source)
    if not _PREPARED.isdisjoint(elements) and (prepared := _prepared(source, elements)) != source:
        source, more = bound(prepared)  # tags that went may have hidden others
        notes, elements = notes + more, _elements(source)
    ids = frozenset(_ID.findall(source)) if _FRAGMENT_LINK.search(source) else frozenset[str]()
    frame = Frame(base, proxies, players, ids, tidy=tidy, tracking=tracking, notes=set(notes))
    token = _frame.set(frame)
    try:
        cleaned = _clean(source, references="&" in source and "&#" in source)
        if "iframe" in elements and "<iframe" in cleaned:
            cleaned = _FRAME.sub(_player_or_link, cleaned)
            _frame.set(replace(frame, last=True))
            cleaned = _clean(_pre(cleaned))
        if _SELF_NESTED.search(cleaned):
            cleaned = _settle(cleaned)
        cleaned = repair(cleaned, _attribute, frame.notes, tidy=tidy, boxes=bool(frame.boxes))
        cleaned = _unless_blank(cleaned) if tidy else cleaned
        if ids:
            cleaned = _with_targets(cleaned, base)
    finally:
        _frame.reset(token)
    return Cleaned(_pre(cleaned) if "pre" in elements else cleaned, tuple(sorted(frame.notes)))


def _unless_blank(cleaned: str) -> str:
    """Nothing for a body of which nobody would see anything."""
    return "" if BLANK.fullmatch(cleaned) else cleaned


def _elements(source: str) -> set[str]:
    """The elements that there can be in a body: one look at its tags spares many at all of it."""
    return {name.lower() for name in set(_LETTERS.findall(source))}


def _prepared(source: str, elements: set[str]) -> str:
    """Markup of kinds that nh3 does not know, in words that it knows."""
    if "/>" in source and not _ENCLOSING.isdisjoint(elements):
        source = _with_ends(source)
    if not _FOREIGN.isdisjoint(elements):
        source = TOKEN.sub(_unless_foreign, source)
    if "noscript" in source or "NOSCRIPT" in source:
        source = _NOSCRIPT.sub("", source)
    if "<amp-" in source:
        source = _AMP.sub(r"<\1\2", source)
    if "checkbox" in source:
        source = _CHECKBOX.sub(_ticked, source)
    return source


def _with_ends(source: str) -> str:
    """`source` with an end for elements without one, `<iframe src="..."/>`: in HTML the rest is in them.

    One whose end comes before the next of its name has it.
    """
    tags = list(_ENCLOSURE.finditer(source))
    following: dict[str, bool] = {}  # by name: whether the next tag is an end
    pieces: list[str] = []
    rest = len(source)
    for tag in reversed(tags):
        name = tag[2].lower()
        if not tag[1] and tag[0].endswith("/>") and not following.get(name, False):
            pieces += (source[tag.end() : rest], f"</{name}>")
            rest = tag.end()
        following[name] = bool(tag[1])
    return "".join((source[:rest], *reversed(pieces)))


def _unless_foreign(token: re.Match[str]) -> str:
    return "" if (token[3] or "").lower() in _FOREIGN else token[0]


def _ticked(box: re.Match[str]) -> str:
    """A box of a list of tasks as a character: forms go."""
    return "\N{BALLOT BOX WITH CHECK}" if _CHECKED.search(box[0]) else "\N{BALLOT BOX}"


def _clean(markup: str, *, references: bool = True) -> str:
    """What nh3 leaves of `markup`; `references` says that it may hold numeric character references."""
    cleaned = _cleaner.clean(markup)
    scrubbed = text.scrub(cleaned) if references else cleaned
    if scrubbed != cleaned:
        # References brought in what XML forbids; without it a name may read differently.
        cleaned = text.scrub(_cleaner.clean(_pre(scrubbed)))
    return cleaned


def _pre(cleaned: str) -> str:
    """Parsers drop the first newline of a pre; nh3 does not write it again."""
    return _PRE.sub(r"\1\n", cleaned) if "<pre" in cleaned else cleaned


def _settle(cleaned: str) -> str:
    """`cleaned`, cleaned until that changes nothing: text of elements that went may stand elsewhere then."""
    for _ in range(PASSES):
        again = _clean(_pre(cleaned))
        if again == cleaned:
            return cleaned
        cleaned = again
    _frame.get().notes.add("text-only")
    return entities.escape(text.plain(cleaned), quote=False)


def _with_targets(cleaned: str, base: str | None) -> str:
    """Links within the article whose target went lead to the page instead, or nowhere."""
    ids = set(_ID.findall(cleaned))

    def lead(match: re.Match[str]) -> str:
        if entities.unescape(match[1]) in ids:
            return match[0]
        found = absolute("#" + entities.unescape(match[1]), base)
        return f' href="{entities.escape(found)}"' if found else ""

    return _FRAGMENT_HREF.sub(lead, cleaned)


# --- attributes -------------------------------------------------------------------------


def _attribute(tag: str, name: str, value: str) -> str | None:
    """The value that an allowed attribute leaves with, or None if it goes."""
    rule = _RULES.get(name)
    if rule is not None:
        return rule(tag, value)
    if name.startswith(("data-", "aria-")) and not _NAME.fullmatch(name):
        return None
    return value


def _address(tag: str, value: str) -> str | None:
    frame = _frame.get()
    start = value[:1]
    if start == "#" and value[1:] in frame.ids and tag not in policy.FETCHING and _FRAGMENT.fullmatch(value):
        return value
    if start in {"d", "D"} and value[:5].lower() == "data:":
        return value if tag == "img" and _is_raster(value) else None
    url = without_proxy(value, frame.proxies) if frame.proxies else value
    if url is not value:
        frame.notes.add("proxy")
    found = absolute(url, frame.base)
    if found is None:
        if value.strip():
            frame.notes.add("address")
        return None
    if tag in policy.FETCHING:
        return found if _may_fetch(tag, found, frame) else None
    return _target(found, frame) if frame.tidy and may_wrap(found) else found


def _is_raster(value: str) -> bool:
    return len(value) <= policy.MAX_DATA and _DATA_IMAGE.fullmatch(value) is not None


def _target(url: str, frame: Frame) -> str:
    """Where a link leads: past redirectors that name their target, without tracking."""
    target = redirect_target(url)
    if target != url:
        frame.notes.add("redirect")
    plain_target = target if frame.tracking else without_tracking(target)
    if plain_target != target:
        frame.notes.add("tracking")
    return plain_target


def _may_fetch(tag: str, url: str, frame: Frame) -> bool:
    if tag == "iframe" and frame.last:
        return is_player(url, frame.players)
    return not url.startswith("mailto:")


def _srcset(_tag: str, value: str) -> str | None:
    kept: list[str] = []
    same = True
    candidates = [found for found in _CANDIDATE.findall(value) if found[0]]
    for url, descriptor in candidates[:MAX_CANDIDATES]:
        found = _address("source", url)
        same = same and found == url
        if found:
            # A comma at an end would be read as the next candidate's.
            kept.append(f"{found.strip(',')} {descriptor.strip()}".strip())
    return value if same and 0 < len(kept) == len(candidates) else ", ".join(kept) or None


def _style(_tag: str, value: str) -> str | None:
    return _declarations(value) if len(value) <= policy.MAX_STYLE else None


@lru_cache(maxsize=4096)
def _declarations(style: str) -> str | None:
    plain_style = _CSS_COMMENT.sub(" ", style)
    pieces = [piece for piece in plain_style.split(";") if piece.strip()]
    kept = [piece for piece in pieces if _is_harmless(piece)]
    if len(kept) == len(pieces) and plain_style == style:
        return style if kept else None
    return "; ".join(piece.strip() for piece in kept) or None


def _is_harmless(declaration: str) -> bool:
    name, colon, value = declaration.partition(":")
    name = name.strip().lower()
    if not colon or name not in _STYLES or not _CSS_VALUE.fullmatch(value):
        return False
    return not (name.startswith(policy.NO_NEGATIVES) and _CSS_NEGATIVE.search(value))


def _names(_tag: str, value: str) -> str:
    """Classes and ids stay; those of boxes that are no text are remembered."""
    frame = _frame.get()
    if frame.tidy and not BOXES.keys().isdisjoint(value.split()):
        frame.boxes.add(value)
    return value


_RULES: dict[str, Callable[[str, str], str | None]] = {
    **dict.fromkeys(policy.ADDRESSES, _address),
    "class": _names,
    "id": _names,
    "srcset": _srcset,
    "style": _style,
}


# --- frames -----------------------------------------------------------------------------


def _player_or_link(match: re.Match[str]) -> str:
    """A frame as it may stay: a player, or a link to what it shows, or nothing."""
    frame = _frame.get()
    attributes = dict(_ATTRIBUTE.findall(match[1]))
    url = entities.unescape(attributes.get("src") or attributes.pop("data-src", ""))
    found = absolute(url, frame.base)
    if found is None or found.startswith("mailto:"):
        frame.notes.add("frame-gone")
        return ""
    if is_player(found, frame.players):
        frame.notes.add("player")
        attributes["src"] = entities.escape(found)
        return f"<iframe{written_out(attributes)}></iframe>"
    frame.notes.add("frame-link")
    shown = attributes.get("title") or entities.escape(found)
    return f'<a href="{entities.escape(found)}">{shown}</a>'


def is_player(url: str, players: frozenset[str]) -> bool:
    """Whether `url` lies on one of the hosts `players` or below one."""
    authority = _AUTHORITY_END.split(url.partition("://")[2], 1)[0].lower()
    labels = authority.rpartition("@")[2].partition(":")[0].split(".")
    return any(".".join(labels[at:]) in players for at in range(len(labels) - 1))


_TAGS = {name for names in policy.ELEMENTS for name in names.split()}
_cleaner = nh3.Cleaner(
    tags=_TAGS,
    clean_content_tags={name for names in policy.DROPPED_WITH_CONTENT for name in names.split()},
    attributes={"*": set(policy.EVERYWHERE), **{tag: set(names) for tag, names in policy.ATTRIBUTES.items()}},
    generic_attribute_prefixes=set(policy.PREFIXES),
    set_tag_attribute_values={"iframe": {"sandbox": policy.SANDBOX}},
    url_schemes={*policy.SCHEMES, "data"},
    link_rel=policy.LINK_REL,
    strip_comments=True,
    attribute_filter=_attribute,
)
