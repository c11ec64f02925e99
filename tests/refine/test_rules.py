"""What rules do to entries."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.model import Document, Entry, Refined, Text
from aggregator.options import Rewrite, Rule, RuleField, Wanted
from aggregator.refine.entries import Context, refine
from aggregator.refine.results import RefinedDocument, count_dropped, sum_up, too_slow
from aggregator.refine.rules import (
    PATIENCE,
    dropping,
    fits,
    mistake,
    texts_of,
)

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
ARTICLE = Refined(
    key="g:1",
    uid="0" * 32,
    title="Football: 足球新闻 in İstanbul",
    body="<p>The match was a draw.</p><p>新iPhone手机发布</p>",
    authors=("Ann Smith", "Bo"),
    tags=("Sports news", "欧洲"),
    link="https://example.org/sport/Football-1",
    language="zh-CN",
)


def entry(number: int, title: str, **fields: object) -> Entry:
    values = {"guid": f"g{number}", "link": f"https://a.example/{number}", "title": Text(title)} | fields
    return Entry(**values)  # type: ignore[arg-type]  # fields by name


def ruled(*rules: Rule, entries: tuple[Entry, ...], **fields: object) -> RefinedDocument:
    context = Context(url="https://a.example/feed", now=NOW, rules=rules, categories=("News", "S"))
    return refine(Document(entries=entries, **fields), context)  # type: ignore[arg-type]  # fields by name


def titles(refined: RefinedDocument) -> list[str]:
    return [article.title for article in refined.articles]


def drop(*when: Wanted, label: str = "1", **fields: object) -> Rule:
    return replace(Rule(label=label, action="drop", when=when), **fields)  # type: ignore[arg-type]  # likewise


@pytest.mark.parametrize(
    ("field", "word", "expected"),
    [
        ("title", "football", True),
        ("title", "FOOTBALL", True),
        ("title", "foot", False),
        ("title", "足球", True),
        ("title", "球新", True),
        ("title", "c++", False),
        ("text", "draw.", True),
        ("text", "iphone", True),
        ("text", "手机", True),
        ("text", "a draw", True),
        ("author", "smith", True),
        ("author", "Bo", True),
        ("author", "B", False),
        ("tags", "sports", True),
        ("tags", "sport", False),
        ("link", "/sport/football", True),
        ("link", "oot", True),
        ("language", "zh", True),
        ("language", "en", False),
    ],
)
def test_words_are_found_whole_and_whatever_their_case(
    field: RuleField, word: str, *, expected: bool
) -> None:
    """A word of a spaced script is not found within another; Chinese and links are searched anywhere."""
    assert fits((Wanted(field, (word,)),), texts_of(ARTICLE)) is expected


@pytest.mark.parametrize(
    ("field", "expression", "expected"),
    [
        ("title", "^Football", True),
        ("title", "^football", False),
        ("title", "(?i)^football", True),
        ("tags", "^欧洲$", True),
        ("author", r"^\w+$", True),
        ("text", r"draw\.$", True),
        ("link", r"/\w+-\d$", True),
    ],
)
def test_expressions_see_a_line_for_each_tag_author_and_block(
    field: RuleField, expression: str, *, expected: bool
) -> None:
    """`^` and `$` are the ends of one tag; case counts unless the expression says otherwise."""
    assert fits((Wanted(field, regex=expression),), texts_of(ARTICLE)) is expected


def test_all_that_is_named_must_fit_and_one_word_of_a_list_is_enough() -> None:
    """Fields are joined by and, words by or."""
    title = Wanted("title", ("nothing", "football"))
    assert fits((title, Wanted("language", ("zh",))), texts_of(ARTICLE))
    assert not fits((title, Wanted("language", ("en",))), texts_of(ARTICLE))


def test_dropped_entries_are_counted_with_samples() -> None:
    """What a rule drops is no article; the count and the first titles are told."""
    rule = drop(Wanted("title", ("ad",)))
    refined = ruled(rule, entries=tuple(entry(n, f"Ad {n}" if n % 2 else f"News {n}") for n in range(10)))
    assert titles(refined) == [f"News {n}" for n in range(0, 10, 2)]
    (done,) = refined.ruled
    assert (done.count, done.samples, count_dropped(refined.ruled)) == (5, ("Ad 1", "Ad 3", "Ad 5"), 5)


def test_keeping_drops_the_rest() -> None:
    """Two rules that keep are both asked for."""
    keep = Rule(label="1", action="keep", when=(Wanted("title", ("harbour",)),))
    more = Rule(label="2", action="keep", when=(Wanted("tags", ("boats",)),))
    entries = (entry(1, "Harbour", tags=("boats",)), entry(2, "Harbour"), entry(3, "Sky", tags=("boats",)))
    refined = ruled(keep, more, entries=entries)
    assert titles(refined) == ["Harbour"]
    assert [(done.rule, done.count) for done in refined.ruled] == [("1", 1), ("2", 1)]


def test_rewriting_comes_before_identity_and_the_other_rules() -> None:
    """Title and link change as if the feed had said so: the article is the one of the new link."""
    rewrite = Rule(
        label="2",
        action="rewrite",
        rewrites=(Rewrite("title", "^AD: ", ""), Rewrite("link", r"^https://m\.(.*)", r"https://www.\1")),
    )
    entries = (entry(1, "AD: Ships", link="https://m.b.example/1"), entry(2, "Boats"))
    refined = ruled(drop(Wanted("title", regex="^AD")), rewrite, entries=entries)
    first, second = refined.articles
    assert (first.title, first.link) == ("Ships", "https://www.b.example/1")
    (plain,) = ruled(entries=(entry(1, "Ships", link="https://www.b.example/1"),)).articles
    assert (first.uid, first.canonical_link, first.text_hash) == (
        plain.uid,
        plain.canonical_link,
        plain.text_hash,
    )
    assert (first.notes, second.notes) == (("2",), ())


@pytest.mark.parametrize("replacement", ["javascript:alert(1)", "", "/nowhere", "mailto:a@b.example", "\x00"])
def test_a_link_that_is_rewritten_to_none_stays(replacement: str) -> None:
    """A replacement cannot bring in what a feed could not."""
    rule = Rule(label="1", action="rewrite", rewrites=(Rewrite("link", "^.*$", replacement),))
    (article,) = ruled(rule, entries=(entry(1, "One"),)).articles
    assert article.link == "https://a.example/1"


def test_routed_entries_go_under_another_path() -> None:
    """`when` chooses them; others stay under their source's path."""
    route = Rule(label="1", action="route", when=(Wanted("tags", ("football",)),), path=("体育", "足球"))
    refined = ruled(route, entries=(entry(1, "A", tags=("Football",)), entry(2, "B")))
    assert [article.categories for article in refined.articles] == [("体育", "足球"), None]


def test_a_rule_holds_for_its_category_alone() -> None:
    """`category` is the start of the path that the source, or the file itself, gives."""
    entries = (entry(1, "Ad"), entry(2, "Ad", categories=("Seeds", "X")))
    word = Wanted("title", ("ad",))
    assert len(ruled(drop(word, category=("News",)), entries=entries).articles) == 1
    assert len(ruled(drop(word, category=("News", "T")), entries=entries).articles) == 2
    assert len(ruled(drop(word, category=("Seeds",)), entries=entries).articles) == 1


def test_dropping_does_not_change_what_the_others_are_called() -> None:
    """Identity is settled before: editing a rule gives no article another key."""
    entries = tuple(entry(n, f"T {n % 3}", guid="same" if n < 2 else f"g{n}") for n in range(6))
    whole = {article.uid: article.key for article in ruled(entries=entries).articles}
    rest = {
        article.uid: article.key for article in ruled(drop(Wanted("title", ("0",))), entries=entries).articles
    }
    assert rest.items() < whole.items()


def test_an_expression_that_takes_too_long_decides_nothing() -> None:
    """The entries stay, the rule rests after a few of them, and a sentence says so."""
    rule = drop(Wanted("title", regex="^(x|xx)+$"))
    entries = tuple(entry(n, "x" * 60 + f" {n}") for n in range(PATIENCE + 5))
    refined = ruled(rule, entries=entries)
    assert len(refined.articles) == len(entries)
    assert refined.ruled[0].slow == PATIENCE
    assert "took longer than 0.1 s" in too_slow(refined.ruled)[0]


@pytest.mark.parametrize(
    ("expression", "replacement", "expected"),
    [
        ("a(b", "", "wrong at character 4: missing )"),
        ("[b", "", "at character 3: unterminated character set"),
        ("*a", "", "at character 1: nothing to repeat"),
        ("(a)", r"\2", r"the replacement '\\2' is wrong"),
        ("(a)", r"\g<x>", "the replacement"),
        ("a", "\\", "the replacement"),
    ],
)
def test_a_mistake_is_named_with_its_place(expression: str, replacement: str, expected: str) -> None:
    """The sentence says at which character the expression goes wrong."""
    assert expected in (mistake(expression, replacement) or "")


def test_good_expressions_have_no_mistake() -> None:
    """Groups, named ones and flags may be used."""
    assert mistake(r"(?i)^(?P<n>a)|b", r"\1\g<n>") is None


def test_what_several_documents_gave_is_summed_up() -> None:
    """A seed directory is a document a file."""
    rule = drop(Wanted("title", ("ad",)))
    parts = [ruled(rule, entries=(entry(n, "Ad"),)).ruled for n in range(5)]
    (total,) = sum_up(parts)
    assert (total.count, total.samples) == (5, ("Ad", "Ad", "Ad"))


def test_a_stored_article_can_be_asked_about() -> None:
    """`explain` names the rules that would drop it now."""
    rules = (drop(Wanted("title", ("football",)), label="a"), drop(Wanted("title", ("rugby",)), label="b"))
    assert dropping(rules, ARTICLE, ("News",)) == ("a",)


@given(st.text(min_size=1, max_size=8).filter(lambda text: bool(text.strip())), st.text(max_size=40))
def test_no_word_breaks_anything(word: str, title: str) -> None:
    """Whatever stands in a rule and a title, the answer is yes or no; a title fits itself."""
    article = replace(ARTICLE, title=title)
    assert fits((Wanted("title", (word,)),), texts_of(article)) in {True, False}
    assert fits((Wanted("title", (word,)),), texts_of(replace(ARTICLE, title=word)))
