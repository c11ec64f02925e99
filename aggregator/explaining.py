"""`aggregator explain`: where an article comes from, and what was done to it, in sentences."""

from dataclasses import dataclass
from datetime import UTC, datetime

from aggregator import drops
from aggregator.config import Settings
from aggregator.model import Article, Refined
from aggregator.options import Source
from aggregator.publish.posts import post_path
from aggregator.refine.repair_tables import NOTES
from aggregator.refine.rules import dropping
from aggregator.store import Store
from aggregator.store.explain import Explanation as Known
from aggregator.store.explain import Likeness
from aggregator.store.history import Sighting
from aggregator.store.tombs import Tomb

RUNGS: dict[str, str] = {
    "new": "known by no link and no text that was here: a new article",
    "link": "the same link",
    "churn": "the same source, title and days, and nearly the same text, under a new key",
    "exact": "the same title, date and text",
    "text": "the same text, from another source",
    "near": "nearly the same text, from another source",
}
IMAGES: dict[str, str] = {
    "file": "the file names it",
    "media": "the feed names it",
    "enclosure": "a file that goes with the entry",
    "body": "the first image of the text",
    "page": "the page names it (og:image)",
    "": "",
}
APART: dict[str, str] = {
    "short": "too short to tell",
    "generic title": "the title says nothing of what is below it",
    "series": "two parts of a series",
    "numbers": "the numbers in them differ",
    "form": "little more in common than phrases",
}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One sighting, and the sentence that says how it was recognised."""

    source: str
    at: datetime
    how: str
    published: datetime | None
    link: str | None
    guid: str | None
    rung: str
    evidence: str | None
    words: bool
    """Whether title and text of the article are those of this sighting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alike:
    """Another article with much the same text, how alike (0.0 to 1.0), and why the two are not one."""

    uid: str
    title: str
    likeness: float
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """All that is known of how an article came about.

    `cleaned` are sentences on what was done to it; `dropped_by` rules that would leave it out now;
    `alike` are other articles that say much the same; `flood` is the number of the one it is held for.
    """

    uid: str
    title: str
    link: str | None
    post: str
    date: datetime
    date_why: str
    sorted_by: datetime
    sorted_why: str
    first_seen: datetime
    updated: datetime
    image: str | None
    image_why: str
    language: str | None
    rights: str | None
    sightings: tuple[Seen, ...]
    cleaned: tuple[str, ...]
    dropped_by: tuple[str, ...]
    alike: tuple[Alike, ...]
    flood: int | None


def explained(text: str, settings: Settings, store: Store) -> tuple[list[Explanation], list[Tomb]]:
    """The articles that a link, guid, uid, its first 8 digits or a post's path names, explained.

    And what a link or uid names that was removed and may not come back.
    """
    found = store.explain(text.strip())
    articles = [_explanation(one.article, one, settings) for one in found if one.article is not None]
    return articles, [tomb for one in found for tomb in one.tombs]


def nothing_found(text: str, settings: Settings, store: Store) -> str:
    """A sentence for what no article bears, and where it may have gone."""
    left_out = drops.read(store)
    counts = {one.name: left_out[one.name] for one in settings.sources if one.name in left_out}
    dropped = ", ".join(name for name, count in counts.items() if count.dropped)
    expired = ", ".join(name for name, count in counts.items() if count.expired)
    hint = f"; rules drop entries of {dropped}: see `aggregator check --fetch`" if dropped else ""
    hint += f"; {expired} showed entries older than `keep` allows" if expired else ""
    return f"no article has the link, guid or uid {text!r}{hint}"


def _explanation(article: Article, known: Known, settings: Settings) -> Explanation:
    history = known.sightings
    sorted_why = "its date"
    if article.published is None or article.sort_at != article.published:
        sorted_why = "when it was first seen" if article.sort_at == article.first_seen else "its file's time"
    return Explanation(
        uid=article.uid,
        title=article.title,
        link=article.link,
        post=post_path(article, settings.site.flavour),
        date=article.date,
        date_why=_date_why(article, history),
        sorted_by=article.sort_at,
        sorted_why=sorted_why,
        first_seen=article.first_seen,
        updated=article.updated,
        image=article.image,
        image_why=IMAGES.get(article.image_from, article.image_from),
        language=article.language,
        rights=article.rights,
        sightings=tuple(map(_seen, history)),
        cleaned=tuple(map(_sentence, article.notes)),
        dropped_by=_dropped_by(article, settings.sources),
        alike=tuple(_alike(other, settings.policy.threshold) for other in known.alike),
        flood=known.flood,
    )


def _alike(other: Likeness, threshold: float) -> Alike:
    if other.related:
        why = "the two name each other"
    elif other.apart:
        why = APART[other.apart]
    elif other.likeness < threshold:
        why = f"less than {threshold:.2f}"
    else:
        why = "of one source, or too far apart in time"
    return Alike(uid=other.uid, title=other.title, likeness=other.likeness, why=why)


def _sentence(note: str) -> str:
    return NOTES.get(note) or (f"{note} changed it" if note.startswith("[[rules]]") else note)


def _seen(sighting: Sighting) -> Seen:
    return Seen(
        source=sighting.source,
        at=sighting.first_seen,
        how=RUNGS.get(sighting.rung, sighting.rung),
        published=sighting.published,
        link=sighting.link,
        guid=sighting.guid,
        rung=sighting.rung,
        evidence=sighting.evidence,
        words=sighting.origin,
    )


def _date_why(article: Article, history: tuple[Sighting, ...]) -> str:
    written = f' ("{article.date_text}")' if article.date_text else ""
    if article.published is None:
        given = f"what the source wrote{written} is no date" if written else "no source gave one"
        if "date-future" in article.notes:
            given = f"the source gave one in the future{written}"
        return f"{given}, so the moment it was first seen stands in"
    names = [one.source for one in history if one.published == article.published]
    why = f"as {names[0]} gave it" if names else "as a source gave it before"
    why += written if names and any(one.origin and one.source == names[0] for one in history) else ""
    if article.published < EPOCH:
        return f"{why}; before 1970 it is shown and not trusted for the order"
    return why


def _dropped_by(article: Article, sources: tuple[Source, ...]) -> tuple[str, ...]:
    """The rules of the sources that carry it which would drop it, by what is stored of it."""
    carriers = {one.source: one.categories for one in article.sources}
    refined = Refined(
        key="",
        uid=article.uid,
        title=article.title,
        link=article.link,
        authors=article.authors,
        tags=article.tags,
        body=article.body,
        language=article.language,
    )
    return tuple(
        f"{label}, from {source.name}"
        for source in sources
        if source.name in carriers and source.rules
        for label in dropping(source.rules, refined, carriers[source.name])
    )
