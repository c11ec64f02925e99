"""One document's entries, made ready to be stored.

    entry ──► text, links, body, image ──► draft ─┐
                                                  ├─ settle: repeats and void keys ──► Refined
    entry ──► ...                      ──► draft ─┘

Rules of this file: pure; `now` comes in. An entry that cannot be refined costs only itself.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from html import escape

from aggregator.model import (
    Beside,
    CategoryPath,
    Document,
    Enclosure,
    Entry,
    Episode,
    Origin,
    Refined,
)
from aggregator.options import Rule
from aggregator.refine import excerpts, identity, images, language, policy, rules, similarity, text
from aggregator.refine.html import Cleaned, sanitize
from aggregator.refine.repairs import without_closing
from aggregator.refine.results import RefinedDocument
from aggregator.refine.urls import (
    absolute,
    canonical,
    may_wrap,
    published,
    redirect_target,
    without_proxy,
    without_tracking,
)

SKEW = timedelta(minutes=10)
"""How far ahead of ours another clock may be; later dates are in the future."""

MAX_TITLE = 1_000
MAX_SUMMARY = 1_000
MAX_NAME = 200
MAX_DATE = 60
MAX_NAMES = 50
MAX_FILES = 100_000
"""Characters of the addresses of all files of an entry together."""
MAX_VOID = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a document is refined against.

    url             address of the document; relative addresses are against it in the end
    now             the moment of the pass, aware, UTC
    proxy_prefixes  proxies put in front of addresses, undone
    void_guids      guids, and void_links canonical links, known to name several entries
    players         hosts whose frames may stay
    tracking        links keep their tracking parameters
    rules           what is kept, dropped, rewritten, routed; `categories` are those of the source
    excerpt         characters of each body that may be republished; None for all
    """

    url: str
    now: datetime
    proxy_prefixes: tuple[str, ...] = ()
    void_guids: frozenset[str] = frozenset()
    void_links: frozenset[str] = frozenset()
    players: frozenset[str] = frozenset(policy.PLAYERS)
    tracking: bool = False
    rules: tuple[Rule, ...] = ()
    categories: CategoryPath = ()
    excerpt: int | None = None


@dataclass(frozen=True, slots=True)
class _Cleaned:
    """An entry and what was made of it, before its document decides on keys."""

    entry: Entry
    draft: identity.Draft
    link: str | None
    whole_link: str | None
    authors: tuple[str, ...]
    base: str | None
    notes: tuple[str, ...]


def refine(document: Document, context: Context) -> RefinedDocument:
    """Turn the entries of `document` into articles. Exact repeats are dropped. Raises nothing."""
    cleaned: list[_Cleaned] = []
    notes: list[str] = []
    homes = (canonical(document.link), canonical(context.url))
    judge = rules.Judge(context.rules, context.categories) if context.rules else None
    for number, entry in enumerate(document.entries, 1):
        try:
            cleaned.append(_clean(entry, document, context, homes, judge))
        except Exception as error:  # noqa: BLE001 - whatever one entry does, the others are kept
            notes.append(_complaint(number, entry, error))
    settled = identity.settle([one.draft for one in cleaned], context.void_guids, context.void_links)
    articles: list[Refined] = []
    for name in settled.names:
        try:
            article = _refined(cleaned[name.at], name, document, context)
            kept = judge.judged(article) if judge else article
            if kept is not None:
                articles.append(excerpts.shortened(kept, context.excerpt))
        except Exception as error:  # noqa: BLE001 - as above
            notes.append(_complaint(name.at + 1, cleaned[name.at].entry, error))
    return RefinedDocument(
        articles=tuple(articles),
        void_guids=_bounded(settled.void_guids, {one.draft.guid or "" for one in cleaned}),
        void_links=_bounded(settled.void_links, {one.draft.canonical_link or "" for one in cleaned}),
        notes=tuple(notes),
        ruled=judge.done if judge else (),
    )


def _complaint(number: int, entry: Entry, error: Exception) -> str:
    what = text.shorten(text.scrub_line(entry.title.value or entry.guid or ""), 60)
    return f"entry {number} ({what}) was left out: {type(error).__name__}: {text.shorten(str(error), 200)}"


def _bounded(void: frozenset[str], present: set[str]) -> frozenset[str]:
    """At most `MAX_VOID` keys, those that this document shows first."""
    if len(void) <= MAX_VOID:
        return void
    return frozenset([*sorted(void & present), *sorted(void - present)][:MAX_VOID])


def _clean(
    entry: Entry,
    document: Document,
    context: Context,
    homes: tuple[str | None, ...],
    judge: rules.Judge | None,
) -> _Cleaned:
    base, link = _addresses(entry, document, context)
    body = _body(entry, base, context)
    title = _title(entry)
    authors = _labels(entry.authors or (document.author or "",))
    link, notes = _straight(link, body.notes, context) if link and not _is_seed(entry) else (link, body.notes)
    if judge is not None:
        rewritten = _rewritten(judge, entry, document, (title, link, authors, body.html))
        title, link, notes = rewritten.title, rewritten.link or None, notes + rewritten.notes
    whole_link = canonical(link)
    date = entry.published or entry.updated
    draft = identity.Draft(
        guid=_guid(entry),
        canonical_link=whole_link if identity.identifies(whole_link, *homes) else None,
        title=title,
        text=identity.steady(text.lines(body.html)),
        body=body.html,
        date=date,
        exact_hash=identity.post_hash(title, date, body.html, entry.uid_prefix),
        uid_prefix=entry.uid_prefix,
        seed=_is_seed(entry),
    )
    return _Cleaned(entry, draft, link, whole_link, authors, base, notes)


def _rewritten(
    judge: rules.Judge,
    entry: Entry,
    document: Document,
    found: tuple[str, str | None, tuple[str, ...], str],
) -> rules.Rewritten:
    """Title and link as rules leave them; a link that is then none stays as it was."""
    title, link, authors, body = found
    texts = rules.texts_from(
        {
            "title": lambda: title,
            "text": lambda: text.lines(body),
            "author": lambda: "\n".join(authors),
            "tags": lambda: "\n".join(_labels(entry.tags)),
            "link": lambda: link or "",
            "language": lambda: (
                language.tag(entry.language, document.language)
                or language.guess(f"{title}. {text.lines(body)}")
                or ""
            ),
        }
    )
    result = judge.rewritten(texts, entry.categories)
    if result.title != title:
        result = replace(result, title=text.shorten(text.collapse(result.title), MAX_TITLE))
    if result.link != (link or ""):
        address = published(result.link, None) or ""
        result = replace(result, link=address if address.startswith("http") else link or "")
    return result


def _is_seed(entry: Entry) -> bool:
    return entry.categories is not None or entry.file_time is not None


def _addresses(entry: Entry, document: Document, context: Context) -> tuple[str | None, str | None]:
    """What relative addresses of the body are against, and the entry's own link."""
    site = absolute(document.link or "", context.url) or context.url
    stated = absolute(entry.base or document.base or "", site)
    link = (
        published(without_proxy(entry.link, context.proxy_prefixes), stated or site) if entry.link else None
    )
    if link is not None and link.startswith("mailto:"):
        link = None
    return stated or link or site, link


def _straight(link: str, notes: tuple[str, ...], context: Context) -> tuple[str, tuple[str, ...]]:
    """The entry's own link past redirectors and without tracking, as links of its body are; the notes."""
    if not may_wrap(link):
        return link, notes
    target = redirect_target(link)
    plain = target if context.tracking else without_tracking(target)
    made = {"redirect"} if target != link else set()
    made |= {"tracking"} if plain != target else set()
    return plain, tuple(sorted({*notes, *made})) if made else notes


def _guid(entry: Entry) -> str | None:
    """The guid as given, on one line; a huge one by its hash."""
    guid = text.scrub_line(entry.guid or "").strip()
    if len(guid) > MAX_TITLE:
        return f"sha256:{identity.digest(guid)}"
    return guid or None


def _title(entry: Entry) -> str:
    """Plain text. A seed file's title keeps every blank (format.md "Title" 4)."""
    if _is_seed(entry) and not entry.title.html:
        return text.scrub_line(entry.title.value)
    return text.shorten(text.label(entry.title.value, markup=entry.title.html), MAX_TITLE)


def _body(entry: Entry, base: str | None, context: Context) -> Cleaned:
    content = entry.body if entry.body.value.strip() else entry.summary
    markup = content.value if content.html else text.paragraphs(content.value)
    return sanitize(
        markup,
        base=base,
        proxies=context.proxy_prefixes,
        players=context.players,
        tidy=not _is_seed(entry),
        tracking=context.tracking,
    )


def _summary(entry: Entry) -> str:
    """What the source says shortly of an entry; nothing where that is the body."""
    if not entry.body.value.strip() or entry.summary.value == entry.body.value:
        return ""
    summary = without_closing(entry.summary.value) if entry.summary.html else entry.summary.value
    return text.shorten(text.label(summary, markup=entry.summary.html), MAX_SUMMARY)


def _labels(names: tuple[str, ...]) -> tuple[str, ...]:
    """Names as plain text, each once, in their order."""
    found = (text.shorten(text.label(name), MAX_NAME) for name in names)
    return tuple(dict.fromkeys(name for name in found if name))[:MAX_NAMES]


def _enclosures(entry: Entry, base: str | None, body: str) -> tuple[Enclosure, ...]:
    found: dict[str, Enclosure] = {}
    room = MAX_FILES
    for enclosure in (*entry.enclosures, *_gallery(entry, body)):
        url = published(enclosure.url, base)
        if url is not None and url.startswith("http") and url not in found:
            kind = text.label(enclosure.type or "")
            title = text.shorten(text.label(enclosure.title or ""), MAX_NAME)
            length = enclosure.length if enclosure.length and enclosure.length > 0 else None
            room -= len(url)
            if room < 0:
                break
            found[url] = Enclosure(
                url, kind if "/" in kind else None, length, title or None, enclosure.duration
            )
    return tuple(found.values())


def _gallery(entry: Entry, body: str) -> list[Enclosure]:
    """The pictures of Media RSS that are not in the body, if there are several; one alone is the lead image.

    The same picture in several sizes has one path, and differs in the query.
    """
    found: dict[str, Enclosure] = {}
    for picture in entry.pictures if len(entry.pictures) > 1 else ():
        path = picture.url.partition("?")[0]
        if escape(path) not in body:
            found.setdefault(path, picture)
    return list(found.values()) if len(found) > 1 else []


def _episode(episode: Episode | None, base: str | None) -> Episode | None:
    """The same with addresses that may leave the program, or None if nothing is left."""
    if episode is None:
        return None
    transcripts: dict[str, Enclosure] = {}
    for one in episode.transcripts[:MAX_NAMES]:
        if url := _web(one.url, base):
            kind, tongue = text.label(one.type or ""), language.tag(one.language)
            transcripts.setdefault(url, Enclosure(url, kind if "/" in kind else None, language=tongue))
    made = replace(episode, chapters=_web(episode.chapters, base), transcripts=tuple(transcripts.values()))
    return made if made != Episode() else None


def _beside(beside: Beside | None, base: str | None) -> Beside | None:
    if beside is None:
        return None
    made = replace(beside, comments=_web(beside.comments, base), answers=_web(beside.answers, base))
    return made if made != Beside() else None


def _web(address: str | None, base: str | None) -> str | None:
    url = published(address, base) if address else None
    return url if url and url.startswith("http") else None


def _origin(origin: Origin | None, base: str | None) -> Origin | None:
    if origin is None:
        return None
    title = text.label(origin.title or "") or None
    return Origin(title, published(origin.link, base), text.scrub_line(origin.id or "").strip() or None)


def _past(moment: datetime | None, now: datetime) -> datetime | None:
    """`moment`, or None if it lies in the future: the moment an article was first seen stands in then."""
    return moment if moment is None or moment <= now + SKEW else None


def _refined(one: _Cleaned, name: identity.Name, document: Document, context: Context) -> Refined:
    entry, draft = one.entry, one.draft
    writing = similarity.of_text(draft.title, draft.text)
    image, image_from = images.lead(entry, draft.body, one.base, context.proxy_prefixes)
    date = _past(draft.date, context.now)
    notes = [*one.notes, *(["date-future"] if date != draft.date else [])]
    stated = language.tag(entry.language, document.language)
    tongue = stated or language.guess(f"{draft.title}. {draft.text[: language.SAMPLE]}")
    notes += ["language-guessed"] if tongue and not stated else []
    return Refined(
        key=name.key,
        uid=name.uid,
        guid=name.guid,
        link=one.link,
        canonical_link=name.canonical_link,
        title=draft.title,
        authors=one.authors,
        published=date,
        updated=_past(entry.updated, context.now),
        body=draft.body,
        summary=_summary(entry),
        enclosures=_enclosures(entry, one.base, draft.body),
        image=image,
        image_from=image_from,
        date_text=text.shorten(text.scrub_line(entry.published_text or "").strip(), MAX_DATE) or None,
        tags=_labels(entry.tags),
        language=tongue,
        origin=_origin(entry.origin, one.base),
        rights=text.shorten(text.label(entry.rights or document.rights or ""), MAX_SUMMARY) or None,
        episode=_episode(entry.episode, one.base),
        beside=_beside(entry.beside, one.base),
        categories=entry.categories,
        file_time=entry.file_time,
        uid_prefix=entry.uid_prefix,
        fingerprint=similarity.fingerprint(writing),
        text_hash=identity.text_hash(draft.title, draft.text, one.whole_link),
        exact_hash=draft.exact_hash,
        bands=similarity.bands(writing),
        notes=tuple(notes),
    )
