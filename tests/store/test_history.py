"""How stored articles are found, and what is told of them."""

from datetime import timedelta

from entries import NOON, entry, feed

from aggregator.model import SourceState
from aggregator.store import Store


def test_articles_are_carried_by_the_keys_of_their_source(store: Store) -> None:
    """A source's own keys lead to its articles, those of another do not; unknown keys are left out."""
    one, two = feed("One"), feed("Two")
    store.reconcile([one, two], NOON)
    store.record(one, [entry("a", notes=("full-text",)), entry("b")], SourceState(), NOON)
    found = store.carried("One", ["g:a", "g:b", "g:c"])
    assert {key: article.guid for key, article in found.items()} == {"g:a": "a", "g:b": "b"}
    assert (found["g:a"].notes, found["g:b"].notes) == (("full-text",), ())
    assert store.carried("Two", ["g:a"]) == {}
    assert store.carried("One", []) == {}


def test_a_link_that_identifies_nothing_is_found_too(store: Store) -> None:
    """Without a mark, links and guids are looked for as they were given."""
    one = feed("One")
    store.reconcile([one], NOON)
    shared = "https://example.org/shared"
    pair = [entry("a", link=shared, canonical_link=None), entry("b", link=shared, canonical_link=None)]
    store.record(one, pair, SourceState(), NOON)
    assert {article.guid for article in store.find(shared)} == {"a", "b"}
    assert [article.guid for article in store.find("b")] == ["b"]


def test_digits_in_a_text_name_an_article(store: Store) -> None:
    """8 or 32 of them, whatever stands around; other numbers of digits do not."""
    one = feed("One")
    store.reconcile([one], NOON)
    uid = "0123456789abcdef" * 2
    store.record(one, [entry("a", uid=uid)], SourceState(), NOON)
    for text in (uid, uid[:8], f"posts/2026/11/x-{uid[:8]}.md", f"urn:x:{uid.upper()}"):
        assert [article.uid for article in store.find(text)] == [uid], text
    for text in (uid[:7], uid[:9], uid[8:16], "x", ""):
        assert store.find(text) == [], text


def test_the_history_names_every_sighting(store: Store) -> None:
    """The first one first, with the rung that matched and whose words the article has."""
    one, two = feed("One"), feed("Two")
    store.reconcile([one, two], NOON)
    store.record(two, [entry("x", link="https://example.org/a")], SourceState(), NOON)
    store.record(one, [entry("a")], SourceState(), NOON + timedelta(hours=1))
    (found,) = store.explain("https://example.org/a")
    seen = found.sightings
    assert [(row.source, row.rung) for row in seen] == [("Two", "new"), ("One", "link")]
    assert sum(row.origin for row in seen) == 1
    assert seen[0].first_seen == NOON
