"""Posts brought up to date: rendered, written where their titles put them, kept apart.

Two articles may want one path: their uids begin alike and so do their titles. The one that was
stored first has it; the other's name holds more of its uid. That depends on the store alone, so
when the first leaves the path the others are looked at again.
"""

import re
from collections.abc import Iterable

from aggregator.model import Article
from aggregator.publish import posts
from aggregator.publish_files import Desk, Document

POSTS_PER_BATCH = 500
_DIGITS = re.compile(r"-([0-9a-f]{8})\.md\Z")


def publish_posts(desk: Desk) -> None:
    """Write the posts that are out of date. Raises PublishError."""
    failed: set[int] = set()
    left = set(desk.store.obsolete())
    _look_again(desk, left)
    while not desk.stop():
        stale = desk.store.stale(POSTS_PER_BATCH)
        if not stale.posts:
            break
        found = _placed(desk, desk.store.articles(stale.posts))
        documents = [
            Document(path, posts.render(article, desk.site), "post", article.uid)
            for path, article in found.items()
        ]
        ids = {*stale.posts, *(article.id for article in found.values())}
        written = desk.write(documents, posts=ids, serial=stale.serial)
        failed |= {found[path].id for path in written.failed}
        desk.report.posts += len(written.changed)
        fresh = set(desk.store.obsolete()) - left
        _look_again(desk, fresh)
        left |= fresh
    if failed:
        desk.store.keep_stale(failed)


def _placed(desk: Desk, articles: Iterable[Article]) -> dict[str, Article]:
    """The articles by the path of their posts, with those that have to make room for them."""
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
            placed[posts.post_path(article, desk.site.flavour, apart=number > 0)] = article
    return placed


def _look_again(desk: Desk, left: Iterable[str]) -> None:
    """Posts with longer names may move to paths that posts of nearly the same uid left."""
    digits = {match[1] for path in left if (match := _DIGITS.search(path))}
    alike = desk.store.articles(desk.store.with_digits(digits)) if digits else []
    longer = {posts.post_path(one, desk.site.flavour, apart=True): one.id for one in alike}
    moved = [longer[path] for path in desk.store.owners(longer)]
    if moved:
        desk.store.keep_stale(moved)
