"""New entries: each becomes a further sighting of a stored article, or a new article.

Entries are taken in the order of their rungs and uids and candidates likewise, so that neither the
order in a document nor that of the sources decides who is who.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from aggregator.model import Counts, Node
from aggregator.store import floods, identity, naming, related
from aggregator.store.batch import Batch, sort_date, sort_date_of
from aggregator.store.codec import micros
from aggregator.store.content import Given, rank
from aggregator.store.identity import RUNGS, Ladder, Named, Near, Verdict
from aggregator.store.listing import Place, places, relist, tie
from aggregator.store.lookup import Finder, Head
from aggregator.store.merges import merge_all
from aggregator.store.nodes import nodes_of
from aggregator.store.rows import Rows, rows_for

_MICROSECONDS = 1_000_000


@dataclass
class _Work:
    """What grows while the entries are gone through."""

    finder: Finder
    rows: Rows
    taken: set[str]
    next_id: int
    fresh: dict[int, Head] = field(default_factory=dict)
    listed: dict[int, frozenset[Node]] = field(default_factory=dict)
    joined: set[int] = field(default_factory=set)
    echoed: list[int] = field(default_factory=list)
    merges: list[tuple[int, int]] = field(default_factory=list)
    near: dict[int, tuple[Near, ...]] = field(default_factory=dict)
    void_links: set[str] = field(default_factory=set)
    renamed: bool = False


def add(
    batch: Batch, new: Mapping[bytes, Named], keys: Collection[bytes], counts: Counts
) -> tuple[Counts, frozenset[str]]:
    """Store new entries; `keys` are those of all that the source shows.

    Returns the counts with these in them, and the links that were seen to identify nothing.
    """
    given = [one.given for one in new.values()]
    ladder = _ladder(batch, given)
    name = batch.source.name
    named = list(new.values()) if batch.seed else identity.told_apart(new.values(), name)
    finder = Finder(batch, keys, named)
    named = [identity.without_text(one, name) if finder.repeats(one) else one for one in named]
    shared = batch.shared
    work = _Work(
        finder=finder,
        rows=rows_for(batch, given),
        taken={row[0] for row in shared.uids.rows(shared.conn, {one.entry.uid for one in given})},
        next_id=shared.take_ids(len(new)),
    )
    for one in _in_order(work.finder, named, ladder):
        _take_in(batch, work, one, _decide(work.finder, one, ladder))
    if flood := floods.rise(batch, work.fresh.values(), work.echoed):
        for head in flood.held:
            work.fresh[head.id] = replace(head, flood_id=flood.id)
            work.rows.new_head(work.fresh[head.id])
    _write(batch, work)
    fresh = len(work.fresh)
    return replace(counts, new=fresh, duplicate=counts.duplicate + len(new) - fresh), frozenset(
        work.void_links
    )


def _ladder(batch: Batch, given: Iterable[Given]) -> Ladder:
    policy = batch.policy
    return Ladder(
        source_id=batch.known.id,
        seed=batch.seed,
        prefixes=frozenset(one.entry.uid_prefix for one in given if one.entry.uid_prefix),
        near=policy.near,
        threshold=policy.threshold,
        window=int(policy.window * _MICROSECONDS),
    )


def _in_order(finder: Finder, new: Iterable[Named], ladder: Ladder) -> list[Named]:
    """Those first that match on a higher rung: where two entries want one article, that decides."""

    def order(one: Named) -> tuple[int, str, bytes]:
        matches = _decide(finder, one, ladder).matches
        rung = RUNGS.index(matches[0].rung) if matches else len(RUNGS)
        return (rung, one.given.entry.uid, one.given.key)

    return sorted(new, key=order)


def _decide(finder: Finder, named: Named, ladder: Ladder) -> Verdict:
    found, one = finder.candidates(named), named.given
    if not any(found.values()):
        return Verdict()
    return identity.place(one, finder.date(one), found, ladder, finder.texts(one))


def _take_in(batch: Batch, work: _Work, named: Named, verdict: Verdict) -> None:
    one, entry = named.given, named.given.entry
    if verdict.void_link and entry.canonical_link:
        work.void_links.add(entry.canonical_link)
    if verdict.matches:
        best = verdict.matches[0]
        if not work.finder.is_own(best.article_id):
            work.echoed.append(work.finder.date(one))
        head = _join(batch, work, work.finder.heads[best.article_id], one)
        work.rows.sighting(head, named, best.rung, best.evidence)
        work.merges += ((head.id, other.article_id) for other in verdict.matches[1:])
    else:
        work.next_id += 1
        head = _new_head(batch, work, one)
        work.fresh[head.id] = head
        work.rows.new_article(head, one)
        work.rows.sighting(head, named, "new", None)
    if head.origin == (batch.known.id, one.key):
        # Only the words that the article shows tell whom it is related to.
        work.near[head.id] = verdict.near
    work.finder.sighted(named, head)
    if head.id in work.fresh:
        work.fresh[head.id] = head
        listed = nodes_of(batch.source.name, entry.categories or batch.source.categories)
        work.listed[head.id] = work.listed.get(head.id, frozenset()) | listed
    else:
        work.joined.add(head.id)


def _new_head(batch: Batch, work: _Work, one: Given) -> Head:
    return Head(
        id=work.next_id,
        uid=_uid(batch, work, one),
        title=one.entry.title,
        first_seen=batch.now,
        published=one.published,
        sort_at=sort_date_of(one, batch.now),
        updated=_first_updated(one, batch.now),
        flood_id=None,
        guid=one.entry.guid,
        origin=(batch.known.id, one.key),
        rank=_rank(batch, one),
        text=one.text,
    )


def _rank(batch: Batch, one: Given) -> tuple[int, bool, str]:
    return rank(one.published, batch.now, one.entry.link, batch.source.name)


def _uid(batch: Batch, work: _Work, one: Given) -> str:
    """The entry's uid, or one derived from it if another article has it and keeps it."""
    uid = one.entry.uid
    if uid in work.taken:
        other = naming.holder(batch.conn, uid)
        before = other and work.finder.heads.get(other.id, other)
        if before and before.uid == uid and _rank(batch, one) < before.rank:
            after = naming.rename(batch.conn, before, work.taken)
            batch.shared.forget()
            work.taken.add(after)
            work.finder.renamed(before.id, after)
            work.rows.renamed(before.id, after)
        else:
            own = identity.derived(uid, batch.source.name, one.key, one.entry.uid_prefix)
            uid = naming.free(batch.conn, own, work.taken)
    work.taken.add(uid)
    return uid


def _join(batch: Batch, work: _Work, head: Head, one: Given) -> Head:
    """The head of a stored article after this new sighting of it."""
    if head.flood_id is not None:
        # What somebody else shows too is no flood.
        head = replace(head, flood_id=None)
        work.rows.new_head(head)
    mine = _rank(batch, one)
    if work.finder.is_absent(head) or head.left == batch.source.location:
        return _renew(batch, work, head, one)
    if mine >= head.rank:
        return head
    after = replace(
        head,
        uid=_origin_uid(batch, work, head, one),
        guid=head.guid if head.uid in work.finder.posted else one.entry.guid,
        title=one.entry.title,
        published=one.published,
        sort_at=sort_date_of(one, head.first_seen),
        updated=_first_updated(one, head.first_seen),
        origin=(batch.known.id, one.key),
        rank=mine,
        text=one.text,
    )
    work.renamed = work.renamed or after.uid != head.uid
    work.rows.new_words(after, one, edited=head.text != one.text)
    work.rows.band(after, one)
    return after


def _origin_uid(batch: Batch, work: _Work, head: Head, one: Given) -> str:
    """The uid of the origin, while no post bears the one that the article has."""
    fixed = head.uid == one.entry.uid or head.uid in work.finder.posted
    return head.uid if fixed else _uid(batch, work, one)


def _renew(batch: Batch, work: _Work, head: Head, one: Given) -> Head:
    """The source gives its own article under another key, or has another name: that is an edit at most."""
    # A file may be dated anew; the date that a post of ours gave it stays where the file has none.
    dates = (one.published, head.published) if batch.seed else (head.published, one.published)
    published = next((date for date in dates if date is not None), None)
    origin = (batch.known.id, one.key)
    after = reworded(batch, work.rows, replace(head, origin=origin, published=published, left=None), one)
    if batch.seed and head.left is None:
        work.rows.drop_sighting(head.origin[1])
    return after


def _write(batch: Batch, work: _Work) -> None:
    before = places(batch.conn, work.joined) if work.joined else {}
    work.rows.flush()
    fresh = {
        head.id: Place(head.sort_at, tie(head.uid), work.listed[head.id], head.flood_id is not None)
        for head in work.fresh.values()
    }
    if work.joined:
        relist(batch.conn, before, {**places(batch.conn, work.joined), **fresh})
    else:
        batch.shared.list(fresh)
    if work.renamed:
        batch.shared.forget()
    survivors = merge_all(batch, work.merges)
    heads = work.finder.heads
    apart = {
        article_id: [near for near in found if heads[near.article_id].origin[0] != batch.known.id]
        for article_id, found in work.near.items()
    }
    if any(apart.values()) or apart.keys() - work.fresh.keys():
        related.relate(batch.conn, apart, survivors, work.fresh)


def _first_updated(one: Given, first_seen: int) -> int:
    date = sort_date_of(one, first_seen)
    own = micros(one.entry.updated)
    return own if own is not None and date < own <= first_seen else date


def reworded(batch: Batch, rows: Rows, head: Head, one: Given) -> Head:
    """The head of an article whose origin says this now; it was edited if that is not what it said before."""
    edited = head.text != one.text
    after = replace(
        head,
        # A file is known by its path, which moves with it.
        guid=one.entry.guid if batch.seed else head.guid,
        title=one.entry.title,
        sort_at=sort_date(head.published, head.sort_at, head.first_seen),
        updated=_edited_at(head.updated, one, batch.now) if edited else head.updated,
        text=one.text,
    )
    rows.new_words(after, one, edited=edited)
    return after


def _edited_at(before: int, one: Given, now: int) -> int:
    """When an article that was last `updated` before was edited: as the entry says if that can be true."""
    own = micros(one.entry.updated)
    return own if own is not None and before < own <= now else max(before, now)
