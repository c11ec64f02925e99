"""It does not matter who is asked first: same articles, same origins, same words, same relations."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import combinations, permutations
from pathlib import Path

import pytest
from databases import empty
from entries import NOON, OTHER, STORY, WIRE, feed
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from aggregator.model import Document, Entry, Node, Text
from aggregator.options import Source
from aggregator.refine.entries import Context, refine
from aggregator.refine.results import RefinedDocument
from aggregator.store import Store
from aggregator.store.codec import micros
from aggregator.store.content import given as taken_in
from aggregator.store.content import rank
from aggregator.store.identity import Named, named, told_apart

A, B, C = SOURCES = [feed(name, "news", name) for name in "ABC"]
SHARED = "tag:x,1"
WEEK = timedelta(days=7) // timedelta(microseconds=1)
WORDS = {"story": STORY, "wire": WIRE, "other": OTHER, "short": "In short."}


@dataclass(frozen=True, slots=True)
class One:
    """An entry: its link's number, title, words, and age in days; None for no link or date."""

    link: int | None
    title: str
    words: str
    age: int | None
    guid: str | None = None


Asked = tuple[Source, RefinedDocument]


def document(source: Source, *ones: One) -> Asked:
    """What this source shows."""
    entries = tuple(
        Entry(
            guid=one.guid or f"{source.name}{number}",
            link=None if one.link is None else f"https://x.example/{one.link}",
            title=Text(f"Title {one.title}"),
            body=Text(WORDS[one.words]),
            published=None if one.age is None else NOON - timedelta(days=one.age),
        )
        for number, one in enumerate(ones)
    )
    context = Context(url=f"https://{source.name}.example/feed", now=NOON)
    return source, refine(Document(entries=entries), context)


def state_of(store: Store) -> list[object]:
    """What outputs could show, without row ids."""
    return [
        (
            article.sources[0].source,
            sorted((one.source, one.link or "") for one in article.sources),
            *(article.uid, article.title, article.body, article.published, article.sort_at, article.updated),
            sorted(one.uid for one in article.related),
        )
        for article in store.articles(store.newest(Node("category", ()), 5000))
    ]


def ask(store: Store, order: Sequence[Asked]) -> None:
    for source, found in order:
        state = store.states()[source.name]
        guids, links = found.void_guids, found.void_links
        store.record(source, found.articles, state, NOON, void_guids=guids, void_links=links)


def ask_all(file: Path, order: Sequence[Asked]) -> list[object]:
    """What comes of asking the sources in this order; asking them again changes nothing."""
    try:
        with Store.open(empty(file)) as store:
            store.reconcile(SOURCES, NOON)
            ask(store, order)
            found = state_of(store)
            ask(store, order)
            assert state_of(store) == found
            return found
    finally:
        for name in file.parent.glob(f"{file.name}*"):
            name.unlink()


def ask_in_all_orders(folder: Path, documents: Sequence[Asked]) -> list[object]:
    first, *others = [ask_all(folder / "o.db", order) for order in permutations(documents)]
    assert all(other == first for other in others)
    return first


def tied(one: Named, other: Named) -> bool:
    """Whether a rung says of entries of two sources that they are one article."""
    dates = [rank(each.given.published, micros(NOON), None, "")[0] for each in (one, other)]
    for first, second in ((one, other), (other, one)):
        rungs = {name for name, mark in first.lookups if mark in second.marks}
        if rungs & {"link", "exact", "titled"}:
            return True
        if "text" in rungs and abs(dates[0] - dates[1]) <= WEEK:
            return True
    return False


def contradict_themselves(documents: Sequence[Asked]) -> bool:
    """Whether ties lead from an entry to another of the same source (docs/identity.md, "Order")."""
    entries = list(_named(documents))
    groups = [{number} for number in range(len(entries))]
    for one, other in combinations(range(len(entries)), 2):
        apart = entries[one][0] != entries[other][0]
        if apart and tied(entries[one][1], entries[other][1]):
            mine, its = (next(group for group in groups if each in group) for each in (one, other))
            if mine is not its:
                mine |= its
                groups.remove(its)
    return any(max(Counter(entries[each][0] for each in group).values()) > 1 for group in groups)


def _named(documents: Sequence[Asked]) -> Iterator[tuple[str, Named]]:
    for number, (source, found) in enumerate(documents):
        own = (named(taken_in(one, seed=False), number, micros(NOON)) for one in found.articles)
        for one in told_apart(own, source.name):
            yield source.name, one


_ones = st.builds(
    One,
    link=st.sampled_from([1, 2, 3, None]),
    title=st.sampled_from("ab"),
    words=st.sampled_from(["story", "story", "wire", "other", "short"]),
    age=st.sampled_from([0, 1, 2, 10, 20, None]),
)
Drawn = tuple[list[One], list[One], list[One]]
_documents = st.tuples(*[st.lists(_ones, min_size=1, max_size=3) for _ in SOURCES])


def ask_what_was_drawn(tmp_path: Path, drawn: Drawn) -> None:
    documents = [document(source, *ones) for source, ones in zip(SOURCES, drawn, strict=True)]
    assume(not contradict_themselves(documents))
    ask_in_all_orders(tmp_path, documents)


@settings(deadline=None, max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_documents)
def test_the_order_of_sources_does_not_matter(tmp_path: Path, drawn: Drawn) -> None:
    """Whatever links, texts, titles and dates they share, unless ties contradict a source."""
    ask_what_was_drawn(tmp_path, drawn)


@pytest.mark.soak
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_documents)
def test_the_order_of_sources_does_not_matter_in_many_cases(tmp_path: Path, drawn: Drawn) -> None:
    """The same, many times."""
    ask_what_was_drawn(tmp_path, drawn)


CASES: dict[str, tuple[int, list[list[One]]]] = {
    "a bridge: one shares its link, the other its text": (
        1,
        [[One(1, "a", "short", 0)], [One(1, "a", "story", 1)], [One(2, "a", "story", 2)]],
    ),
    "a chain of dates under two titles, each link of it short enough": (
        1,
        [[One(1, "b", "story", 1)], [One(2, "b", "story", 0)], [One(1, "a", "short", 20)]],
    ),
    "undated entries are of one moment": (
        1,
        [[One(None, "a", "story", None)], [One(1, "b", "story", None)], [One(None, "a", "story", 0)]],
    ),
    "one text twice in one document is that of the first only": (
        3,
        [
            [One(3, "b", "story", 2)],
            [One(None, "b", "story", n) for n in (2, 1, 3)],
            [One(1, "a", "story", 1)],
        ],
    ),
    "whom the words of an echo are like is nobody's affair": (
        2,
        [[One(None, "a", "wire", 0)], [One(2, "a", "other", 2)], [One(2, "b", "story", 0)]],
    ),
    "an origin of the same words and another date is near what is of that date": (
        3,
        [
            [One(3, "a", "story", 20), One(1, "a", "story", 10)],
            [One(1, "b", "story", 20), One(1, "a", "short", 0)],
            [One(1, "b", "story", 0)],
        ],
    ),
    "equal guids without links, of different writings": (
        3,
        [
            [One(None, title, words, 1, SHARED)]
            for title, words in (("b", "other"), ("b", "wire"), ("a", "short"))
        ],
    ),
}


@pytest.mark.parametrize(("articles", "drawn"), CASES.values(), ids=CASES)
def test_cases_in_which_it_mattered_once(tmp_path: Path, articles: int, drawn: list[list[One]]) -> None:
    """Each in all orders."""
    documents = [document(source, *ones) for source, ones in zip(SOURCES, drawn, strict=True)]
    assert not contradict_themselves(documents)
    assert len(ask_in_all_orders(tmp_path, documents)) == articles


def test_where_ties_contradict_a_source_it_is_believed(tmp_path: Path) -> None:
    """A and B share a text, and C says that their links are two articles: these two are never one."""
    documents = [
        document(A, One(1, "a", "story", 1)),
        document(B, One(2, "a", "story", 1)),
        document(C, One(1, "a", "story", 1), One(2, "b", "other", 1)),
    ]
    assert contradict_themselves(documents)
    for order in permutations(documents):
        articles = ask_all(tmp_path / "o.db", order)
        assert len(articles) == 2
        assert all(sum(source == "C" for source, _ in article[1]) == 1 for article in articles)  # type: ignore[index]  # a row of state_of
