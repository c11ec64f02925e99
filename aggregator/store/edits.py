"""Entries that a source gave before and that moved since."""

from collections.abc import Sequence
from dataclasses import replace

from aggregator.model import Counts
from aggregator.refine.identity import key as key_of
from aggregator.store import identity, likeness
from aggregator.store.arrivals import reworded
from aggregator.store.batch import Batch, Sighted
from aggregator.store.content import Given, given
from aggregator.store.identity import Candidate
from aggregator.store.listing import places, relist
from aggregator.store.lookup import Head, bodies, heads
from aggregator.store.removal import others, touch
from aggregator.store.rows import Rows, rows_for

Edited = tuple[Sighted, Given]


def without_recycled(batch: Batch, edited: Sequence[Edited]) -> tuple[list[Edited], list[Given]]:
    """The edits, and the entries under a used guid that are other writings, under keys of their own."""
    if batch.seed or not any(sighted.text != one.text for sighted, one in edited):
        return list(edited), []
    stored = heads(batch.conn, (sighted.article_id for sighted, _ in edited))
    edits, recycled = [], []
    for sighted, one in edited:
        if one.entry.guid and sighted.text != one.text and _is_recycled(batch, stored, sighted, one):
            entry = one.entry
            key = key_of(None, entry.canonical_link, entry.exact_hash)
            recycled.append(given(replace(entry, key=key), seed=False))
        else:
            edits.append((sighted, one))
    return edits, recycled


def _is_recycled(batch: Batch, stored: dict[int, Head], sighted: Sighted, one: Given) -> bool:
    def alike(article_id: int) -> float | None:
        stored_body = bodies(batch.conn, [article_id])[article_id]
        return likeness.alike(likeness.runs_of(one.entry.body), likeness.runs_of(stored_body))

    head = stored[sighted.article_id]
    before = Candidate(head.id, head.uid, head.title, -1 if sighted.published is None else sighted.published)
    return identity.is_recycled(one, before, sighted.link, alike)


def edit(batch: Batch, edited: Sequence[Edited], counts: Counts) -> Counts:
    """Store what moved: an origin's edit changes its article, an echo's only the sighting."""
    stored = heads(batch.conn, (sighted.article_id for sighted, _ in edited))
    rows = rows_for(batch, (one for _, one in edited))
    changed = set()
    renamed = set()
    for sighted, one in edited:
        head = stored[sighted.article_id]
        after = _edit_one(batch, rows, head, sighted, one)
        if after is not None:
            changed.add(head.id)
            if (head.title, head.text) != (after.title, after.text):
                renamed.add(head.id)
    before = places(batch.conn, stored)
    rows.flush()
    relist(batch.conn, before, places(batch.conn, stored))
    # Others may show the title and link of what was edited.
    touch(batch.conn, others(batch.conn, renamed) - stored.keys())
    return replace(counts, changed=len(changed), unchanged=counts.unchanged + len(edited) - len(changed))


def _edit_one(batch: Batch, rows: Rows, head: Head, sighted: Sighted, one: Given) -> Head | None:
    # A feed that dates its entries anew does not reorder the archive.
    kept = not batch.seed and sighted.published is not None
    published = sighted.published if kept else one.published
    rows.seen_again(head.id, one, published)
    mine = (batch.known.id, one.key)
    if head.left == batch.source.location or sighted.back:
        # Its origin has another name now, or another key.
        head, published = replace(head, origin=mine, left=None), head.published
    if head.origin != mine:
        return None
    if not batch.seed and published is None:
        published = head.published
    return reworded(batch, rows, replace(head, published=published), one)
