"""Posts brought up to date: rendered, written where their titles put them, kept apart.

    out-of-date articles ─► shares of them ─► drafts, made here or in workers ─► in order: placed, recorded

Two articles may want one path: their uids begin alike and so do their titles. The one that was
stored first has it; the other's name holds more of its uid. That depends on the store alone, so
when the first leaves the path the others are looked at again.

Rules of this file: what renders is imported where something is rendered here: workers may do it all.
"""

import re
from collections.abc import Callable, Collection, Generator, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace

from aggregator.model import Article
from aggregator.publish_files import MANY, Desk, Document, Draft
from aggregator.publish_shares import in_order
from aggregator.store import Stale
from aggregator.workers import Workers

_DIGITS = re.compile(r"-([0-9a-f]{8})\.md\Z")
SHARE = 250
"""Posts that are made at a time."""
ROUND = 10_000
"""Posts that are looked up at a time."""
MANY_POSTS = 1_000
"""Posts from which on worker processes help; where they make feeds anyway, they make all posts too."""

Ids = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Made:
    """The posts of a share, staged; the articles (by id) that are at these paths."""

    draft: Draft
    placed: Mapping[str, int]


Shares = Generator[tuple[Ids, Made], None, None]


def publish_posts(
    desk: Desk, workers: Workers | None = None, meanwhile: Callable[[], None] = lambda: None
) -> None:
    """Write the posts that are out of date; many with the help of `workers`. Raises PublishError.

    `meanwhile` is done while these begin with each round. A post that cannot be written stays out of date.
    """
    failed: set[int] = set()
    left = set(desk.store.obsolete())
    _look_again(desk, left)
    while not desk.stop():
        stale = _without(failed, desk.store.stale(ROUND + len(failed)))
        if not stale.posts:
            break
        taken: dict[str, int] = {}
        with closing(_made(desk, stale, workers)) as shares:
            meanwhile()
            for ids, ahead in shares:
                made = _apart(desk, ids, ahead, taken)
                done = {*ids, *made.placed.values()}
                written = desk.put(made.draft, posts=done, placed=made.placed, serial=stale.serial)
                failed |= {made.placed[path] for path in written.failed}
                desk.report.posts += len(written.changed)
                fresh = set(desk.store.obsolete()) - left
                _look_again(desk, fresh)
                left |= fresh
                if desk.stop():
                    break


def _without(failed: Collection[int], stale: Stale) -> Stale:
    """What is out of date but for what could not be written: the next run tries that again."""
    return replace(stale, posts=tuple(one for one in stale.posts if one not in failed)) if failed else stale


def _made(desk: Desk, stale: Stale, workers: Workers | None) -> Shares:
    """The posts, share by share; each is to be recorded before the next is asked for."""
    shares = [stale.posts[at : at + SHARE] for at in range(0, len(stale.posts), SHARE)]
    if workers is None or (len(stale.posts) < MANY_POSTS and len(stale.nodes) < MANY):
        return ((ids, make_share(desk, ids)) for ids in shares)
    return in_order(desk, workers, shares, make_share, make_share)


def _apart(desk: Desk, ids: Ids, made: Made, taken: dict[str, int]) -> Made:
    """What was made of a share, made again if that took a path that is another's by now.

    Who made it ahead may not have known yet who took a path in the one before.
    """
    if any(taken.get(path, article) != article for path, article in made.placed.items()):
        desk.output.discard(made.draft.staged)
        made = make_share(desk, ids)
    taken |= made.placed
    return made


def make_share(desk: Desk, ids: Ids) -> Made:
    """Posts rendered and staged, by whom it may be."""
    from aggregator.publish import posts

    with desk.store.snapshot():
        found = _placed(desk, desk.store.articles(ids))
        documents = [
            Document(path, posts.render(article, desk.site), "post", article.uid)
            for path, article in found.items()
        ]
        return Made(desk.draft(documents), {path: article.id for path, article in found.items()})


def _placed(desk: Desk, articles: Iterable[Article]) -> dict[str, Article]:
    """The articles by the path of their posts, with those that have to make room for them."""
    from aggregator.publish import posts

    wanted: dict[str, list[Article]] = {}
    for article in articles:
        wanted.setdefault(posts.post_path(article, desk.site.flavour), []).append(article)
    owners = desk.store.owners(wanted)
    placed: dict[str, Article] = {}
    for path, claims in wanted.items():
        rivals = claims
        if len(claims) > 1 or (path in owners and owners[path].key != claims[0].uid):
            alike = desk.store.articles(desk.store.with_digits([claims[0].uid[:8]]))
            rivals = [one for one in alike if posts.post_path(one, desk.site.flavour) == path]
        for number, article in enumerate(sorted(rivals, key=lambda one: one.id)):
            placed[posts.post_path(article, desk.site.flavour, apart=True) if number else path] = article
    return placed


def _look_again(desk: Desk, left: Iterable[str]) -> None:
    """Posts with longer names may move to paths that posts of nearly the same uid left."""
    digits = {match[1] for path in left if (match := _DIGITS.search(path))}
    if not digits:
        return
    from aggregator.publish import posts

    alike = desk.store.articles(desk.store.with_digits(digits))
    longer = {posts.post_path(one, desk.site.flavour, apart=True): one.id for one in alike}
    moved = [longer[path] for path in desk.store.owners(longer)]
    if moved:
        desk.store.keep_stale(moved)
