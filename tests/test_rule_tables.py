"""The `[[rules]]` of feeds.toml."""

from pathlib import Path

import pytest

from aggregator import config
from aggregator.errors import SettingsError
from aggregator.model import Node
from aggregator.options import Rewrite, Rule, Terms, Wanted

SOURCES = """
[[sources]]
name = "A"
url = "https://a.example/"
categories = ["News", "A"]
[[sources]]
name = "B"
url = "https://b.example/"
categories = ["Arts"]
"""


def load(folder: Path, text: str) -> config.Settings:
    (folder / "feeds.toml").write_text(SOURCES + text, encoding="utf-8")
    return config.load(folder / "feeds.toml")


def rules(folder: Path, text: str) -> tuple[Rule, ...]:
    return load(folder, text).sources[0].rules


def problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(folder, text)
    return [str(problem) for problem in caught.value.problems]


def test_each_kind_of_rule_is_read(tmp_path: Path) -> None:
    """Words, lists of words and expressions; one action a rule, numbered as in the file."""
    found = rules(
        tmp_path,
        """
        [[rules]]
        drop = { title = "ad", text = [" x ", "y"] }
        [[rules]]
        category = ["News"]
        keep = { language = { regex = "^zh" } }
        [[rules]]
        when = { author = "Ann" }
        rewrite = { title = { regex = "^(a)", with = '\\\\1' }, link = { regex = "b", with = "" } }
        [[rules]]
        categories = ["Sports", "Football"]
        """,
    )
    assert found == (
        Rule(
            label="[[rules]] 1 (drop)",
            action="drop",
            when=(Wanted("title", ("ad",)), Wanted("text", ("x", "y"))),
        ),
        Rule(
            label="[[rules]] 2 (keep)",
            action="keep",
            when=(Wanted("language", regex="^zh"),),
            category=("News",),
        ),
        Rule(
            label="[[rules]] 3 (rewrite)",
            action="rewrite",
            when=(Wanted("author", ("Ann",)),),
            rewrites=(Rewrite("title", "^(a)", "\\\\1"), Rewrite("link", "b", "")),
        ),
        Rule(label="[[rules]] 4 (categories)", action="route", path=("Sports", "Football")),
    )


def test_a_rule_goes_to_the_sources_that_it_names(tmp_path: Path) -> None:
    """Without `source` it is for all."""
    settings = load(
        tmp_path,
        '[[rules]]\nsource = "B"\ndrop = {title = "x"}\n[[rules]]\ndrop = {title = "y"}\n'
        '[[rules]]\nsource = ["A", "B"]\ndrop = {title = "z"}\n',
    )
    numbers = {source.name: [rule.label[10] for rule in source.rules] for source in settings.sources}
    assert numbers == {"A": ["2", "3"], "B": ["1", "2", "3"]}


def test_terms_go_to_their_nodes(tmp_path: Path) -> None:
    """The site is the empty path; what sets nothing is left out."""
    settings = load(
        tmp_path,
        'noindex = true\n[site]\nlicence = "CC0"\n[[categories]]\npath = ["News"]\nexcerpt_only = true',
    )
    assert settings.site.terms == (
        (Node("category", ()), Terms(licence="CC0")),
        (Node("category", ("News",)), Terms(excerpt=True)),
        (Node("source", ("B",)), Terms(noindex=True)),
    )


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (
            'drop = { title = { regex = "a(b" } }',
            (
                "[[rules]] 1, key drop.title: found {'regex': 'a(b'}; "
                "the expression is wrong at character 4: missing )"
            ),
        ),
        (
            'rewrite = { link = { regex = "a", with = "\\\\2" } }',
            "[[rules]] 1, key rewrite.link: found {'regex': 'a', 'with': '\\\\2'}; the replacement",
        ),
        ('rewrite = { title = "a" }', 'like {regex = "^AD: ", with = ""}'),
        ("rewrite = { title = { regex = 3, with = '' } }", "write a regular expression as text"),
        ("drop = { title = 3 }", "write a word, a list of words, or {regex"),
        ("drop = { title = [] }", "write a word"),
        ("drop = { title = ' ' }", "write a word"),
        ("drop = { titel = 'x' }", "[[rules]] 1, key drop.titel: unknown key; did you mean title?"),
        ("drop = {}", "[[rules]] 1, key drop: it is empty; name at least one of title, text"),
        ("source = 'A'", "[[rules]] 1: it does nothing; write one of keep, drop, rewrite or categories"),
        ("keep = {title='a'}\ndrop = {title='b'}", "[[rules]] 1: it has keep and drop; write one of"),
        (
            "drop = {title='b'}\nwhen = {tags='a'}",
            "key when: it stands beside drop; write what is looked for",
        ),
        ("source = 'C'\ndrop = {title='b'}", "[[rules]] 1, key source: no source is named 'C'"),
        ("source = []\ndrop = {title='b'}", "write the name of a source"),
        ("categories = []", "write a list of names from wide to narrow"),
        ("category = 'News'\ndrop = {title='b'}", "[[rules]] 1, key category: found 'News'; write a list"),
    ],
)
def test_a_mistake_is_a_settings_error_that_points_at_it(tmp_path: Path, rule: str, expected: str) -> None:
    """Table, key, and in an expression the character."""
    (found,) = problems(tmp_path, f"[[rules]]\n{rule}\n")
    assert expected in found
