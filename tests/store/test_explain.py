"""Why an article is here, what the ladder would make of history, and what articles said before."""

from datetime import timedelta
from pathlib import Path

import pytest
from databases import empty
from entries import NOON, OTHER, STORY, WIRE, entry, feed

from aggregator.errors import StoreError
from aggregator.model import Node, SourceState
from aggregator.options import Policy
from aggregator.store import Store
from aggregator.store.codec import digest

A, B = feed("A", "news", "A"), feed("B", "news", "B")
EVERYTHING = Node("category", ())


def off(tmp_path: Path) -> Store:
    """A store that was filled while near duplicates did not count."""
    store = Store.open(empty(tmp_path / "off.db"), Policy(near="off"))
    store.reconcile([A, B], NOON)
    return store


def test_sightings_come_with_their_rungs_and_evidence(store: Store) -> None:
    """In order, each with what it rests on."""
    store.reconcile([A, B], NOON)
    store.record(A, [entry("1", link="https://example.org/x")], SourceState(), NOON)
    store.record(B, [entry("b", link="https://example.org/x")], SourceState(), NOON + timedelta(hours=1))
    (found,) = store.explain("https://example.org/x?utm_medium=rss")
    assert [(one.source, one.rung, one.evidence) for one in found.sightings] == [
        ("A", "new", None),
        ("B", "link", "https://example.org/x"),
    ]
    assert (found.flood, found.tombs, found.alike) == (None, (), ())
    assert store.explain("https://nowhere.example/") == []


def test_near_misses_come_with_their_likeness(store: Store) -> None:
    """What shares a band and is not near enough, or too far in time, is shown with the reason."""
    store.reconcile([A, B], NOON)
    near = entry("a", title="Bridge", body=WIRE, published=NOON)
    far = entry("b", title="Bridge", body=WIRE + "More.", published=NOON - timedelta(days=30))
    store.record(A, [near, entry("c", title="Bridge", body=STORY, published=NOON)], SourceState(), NOON)
    store.record(B, [far], SourceState(), NOON)
    (found,) = store.explain(far.uid)
    assert [one.related for one in found.alike] == [False, False]
    assert all(0.3 < one.likeness <= 1 for one in found.alike)


def test_a_backtest_tells_what_would_merge(tmp_path: Path) -> None:
    """Near duplicates that were stored apart are found and named, and nothing is written."""
    with off(tmp_path) as store:
        first = entry("a", title="Bridge to close", body=STORY)
        second = entry("b", title="Old bridge closes", body=WIRE)
        store.record(A, [first, entry("c")], SourceState(), NOON)
        store.record(B, [second], SourceState(), NOON)
        before = store.articles(store.newest(EVERYTHING, 9))
        report = store.backtest(Policy(near="merge"))
        assert (report.articles, dict(report.merges), dict(report.splits), report.stay) == (
            3,
            {"near": 1},
            {},
            2,
        )
        (pair,) = report.merged
        assert {pair.one, pair.other} == {first.uid, second.uid}
        assert pair.likeness is not None
        assert 0.5 <= pair.likeness < 1
        assert dict(store.backtest(Policy(near="merge", threshold=0.99)).merges) == {}
        assert dict(store.backtest(Policy(near="off")).merges) == {}
        assert store.articles(store.newest(EVERYTHING, 9)) == before


def test_a_backtest_tells_what_links_and_texts_would_merge(store: Store) -> None:
    """Articles that an older rule kept apart, because their links or texts did not look the same then."""
    store.reconcile([A, B], NOON)
    store.record(
        A,
        [
            entry("a", link="https://example.org/x", canonical_link=None),
            entry("t", title="T", body=STORY, fingerprint=None, bands=()),
        ],
        SourceState(),
        NOON,
    )
    store.record(
        B,
        [
            entry("b", link="https://example.org/x?utm_source=feed", canonical_link=None),
            entry("u", title="T", body=STORY, fingerprint=None, bands=()),
        ],
        SourceState(),
        NOON,
    )
    report = store.backtest(Policy())
    assert dict(report.merges) == {"link": 1, "text": 1}


def test_a_backtest_tells_what_churn_and_copies_would_merge(store: Store) -> None:
    """A source's own entries under new keys and copies without a link; what came together stays apart."""
    store.reconcile([A, B], NOON)
    later = NOON + timedelta(hours=1)
    twice = [entry(name, title="Twice", body=STORY, published=NOON) for name in ("x", "y")]
    store.record(A, [*twice, entry("old", title="Moved", body=OTHER, published=NOON)], SourceState(), NOON)
    store.record(A, [entry("new", title="Moved", body=WIRE, published=NOON)], SourceState(), later)
    shown = [digest("key", "g:old"), digest("key", "g:new")]
    again = entry("newer", title="Moved", body=OTHER + "More.", published=NOON)
    store.record(A, [again], SourceState(), later, shown=shown)
    short = {"title": "Photo", "body": "<p>Dawn</p>", "link": None, "published": NOON}
    store.record(A, [entry("p", **short)], SourceState(), NOON)
    store.record(B, [entry("q", **short, exact_hash="another then")], SourceState(), NOON)
    report = store.backtest(Policy(near="off"))
    assert (report.articles, dict(report.merges)) == (7, {"churn": 1, "exact": 1})
    assert {pair.title for pair in report.merged} == {"Moved", "Photo"}


def test_a_backtest_tells_what_would_split(store: Store) -> None:
    """Sightings that were joined by links which are not the same any more."""
    store.reconcile([A, B], NOON)
    joined = {"canonical_link": "https://example.org/page"}
    store.record(A, [entry("a", link="https://example.org/page?id=1", **joined)], SourceState(), NOON)
    store.record(B, [entry("b", link="https://example.org/page?id=2", **joined)], SourceState(), NOON)
    report = store.backtest(Policy())
    assert (dict(report.splits), len(report.split), report.stay) == ({"link": 1}, 1, 0)


def test_versions_are_kept_up_to_a_number(tmp_path: Path) -> None:
    """The newest stay, each with the time from when to when the article said so."""
    with Store.open(empty(tmp_path / "few.db"), Policy(keep_revisions=3)) as store:
        store.reconcile([A], NOON)
        for hour in range(6):
            edited = entry("1", title=f"Version {hour}", body=f"<p>{hour}</p>")
            store.record(A, [edited], SourceState(), NOON + timedelta(hours=hour))
        (article,) = store.articles(store.newest(EVERYTHING, 9))
        versions = store.versions(article.id)
        assert [one.title for one in versions] == [f"Version {hour}" for hour in (2, 3, 4, 5)]
        assert versions[-1].until is None
        assert [one.until for one in versions[:-1]] == [one.since for one in versions[1:]]


def test_no_version_is_kept_of_what_is_no_edit(store: Store) -> None:
    """A new picture or a further source adds none."""
    store.reconcile([A, B], NOON)
    store.record(A, [entry("1")], SourceState(), NOON)
    store.record(A, [entry("1", image="https://example.org/i.png")], SourceState(), NOON)
    store.record(B, [entry("b", link="https://example.org/1", published=NOON)], SourceState(), NOON)
    (article,) = store.articles(store.newest(EVERYTHING, 9))
    assert len(store.versions(article.id)) == 1


@pytest.mark.sqlite
def test_a_backup_is_a_whole_store(store: Store, tmp_path: Path) -> None:
    """It is made while the store is open, opens as a store, and never replaces a file."""
    store.reconcile([A], NOON)
    store.record(A, [entry("1")], SourceState(), NOON)
    target = tmp_path / "copy.db"
    store.backup(target)
    with Store.open(f"sqlite:///{target}") as copy:
        assert copy.articles(copy.newest(EVERYTHING, 9)) == store.articles(store.newest(EVERYTHING, 9))
    with pytest.raises(StoreError, match=r"copy\.db: is there already"):
        store.backup(target)
    with pytest.raises(
        StoreError, match=r"nowhere/copy\.db: cannot be made: .*; name one in a folder that is there"
    ):
        store.backup(tmp_path / "nowhere" / "copy.db")


@pytest.mark.sqlite
def test_compacting_gives_space_back(store: Store, tmp_path: Path) -> None:
    """After much was removed the file shrinks."""
    store.reconcile([A], NOON)
    words = [
        entry(str(n), body="".join(chr(0x4E00 + (n * 7919 + k * 31) % 20000) for k in range(900)))
        for n in range(200)
    ]
    store.record(A, words, SourceState(), NOON)
    store.take_down([one.id for one in store.articles(store.newest(EVERYTHING, 1000))], "", NOON)
    store.upkeep()
    before = (tmp_path / "aggregator.db").stat().st_size
    store.compact()
    store.upkeep()
    assert (tmp_path / "aggregator.db").stat().st_size < before / 2
