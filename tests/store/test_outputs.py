"""What is out of date, and the record of files that were written."""

import pytest
from entries import NOON, entry, feed

from aggregator.model import Node, SourceState
from aggregator.store import OutputRecord, Store

A = feed("A")


def post(path: str, key: str = "uid") -> OutputRecord:
    return OutputRecord(path, b"x" * 32, 7, "post", key)


@pytest.fixture(autouse=True)
def _recorded(store: Store) -> None:
    store.reconcile([A], NOON)
    store.record(A, [entry(str(number)) for number in range(5)], SourceState(), NOON)


def test_posts_come_in_batches_until_all_are_fresh(store: Store) -> None:
    """A publisher that works off what it gets comes to an end."""
    seen: list[int] = []
    while (stale := store.stale(2)).posts:
        assert len(stale.posts) <= 2
        seen += stale.posts
        store.published((), posts=stale.posts, nodes=stale.nodes, serial=stale.serial)
    assert len(seen) == len(set(seen)) == 5
    assert store.stale().nodes == ()


def test_what_changes_while_it_is_written_stays_stale(store: Store) -> None:
    """An article that is edited between reading and publishing is published again."""
    stale = store.stale()
    store.record(A, [entry("0", body="<p>new</p>")], SourceState(), NOON)
    store.published((), posts=stale.posts, nodes=stale.nodes, serial=stale.serial)
    assert len(store.stale().posts) == 1
    assert Node("source", ("A",)) in store.stale().nodes


def test_everything_can_be_made_stale(store: Store) -> None:
    """Every post and every node, whatever was fresh."""
    before = store.stale()
    store.published((), posts=before.posts, nodes=before.nodes, serial=before.serial)
    store.mark_all_stale()
    after = store.stale()
    assert (after.posts, after.nodes) == (before.posts, before.nodes)
    assert after.serial > before.serial


def test_written_files_are_remembered(store: Store) -> None:
    """The last record of a path counts."""
    store.published([post("a.md")], serial=0)
    again = OutputRecord("a.md", b"y" * 32, 8, "post", "uid")
    store.published([again, post("b.md", "other")], serial=0)
    assert store.outputs() == {"a.md": again, "b.md": post("b.md", "other")}


def test_a_post_that_moved_leaves_its_old_path_to_be_removed(store: Store) -> None:
    """Until it is said to be removed the old path is listed, whatever happens in between."""
    store.published([post("old.md"), post("else.md", "other")], serial=0)
    store.published([post("new.md")], serial=0)
    assert store.obsolete() == ("old.md",)
    store.removed(["old.md"])
    assert store.obsolete() == ()
    assert list(store.outputs()) == ["else.md", "new.md"]


def test_a_path_that_is_written_again_is_not_removed(store: Store) -> None:
    """A title that is edited and edited back."""
    store.published([post("old.md")], serial=0)
    store.published([post("new.md")], serial=0)
    store.published([post("old.md")], serial=0)
    assert store.obsolete() == ("new.md",)


def test_any_file_can_be_retired(store: Store) -> None:
    """As when a format is no longer asked for."""
    store.published([post("a.md")], serial=0)
    store.retire(["a.md"])
    assert store.obsolete() == ("a.md",)


def test_small_facts_are_kept(store: Store) -> None:
    """The last value counts; what was never set is None."""
    assert store.get_meta("x") is None
    store.set_meta("x", "1")
    store.set_meta("x", "2")
    assert store.get_meta("x") == "2"
