"""What `[[rules]]` do to entries: keep, drop, rewrite, route.

    title, link ──► rewrite ──► identity ──► keep / drop ──► route ──► Refined

Rules of this file: pure, but for the time limit of expressions. An expression that takes too long
decides nothing: the entry stays as it is, since a lost entry is worse than one too many. Words are
found whatever their case and only whole; in scripts that are written without blanks, anywhere.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

import regex

from aggregator.model import CategoryPath, Refined
from aggregator.options import Rewrite, Rule, RuleField, Wanted
from aggregator.refine.results import SAMPLES, SECONDS, Ruled
from aggregator.refine.text import cut, lines, scrub_line

PATIENCE = 5
"""So many times may a rule take too long in one document; then it rests until the next."""
MAX_TEXT = 100_000
SAMPLE_LENGTH = 60

# Letters that words consist of without blanks between them.
_RUNNING = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_SPACED = rf"[[\p{{L}}\p{{N}}_]--[{_RUNNING}]]"
_AT_EDGE = regex.compile(rf"(?V1){_SPACED}")

Texts = Callable[[RuleField], str]
"""The text of a field of one entry; several authors and tags stand on a line each."""


@dataclass(frozen=True, slots=True)
class Rewritten:
    """Title and link after rewriting, on one line each, and the labels of the rules that changed them."""

    title: str
    link: str
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class Judge:
    """The rules at work on one document; it counts what they do."""

    rules: tuple[Rule, ...]
    path: CategoryPath
    _done: dict[str, Ruled] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._done = {rule.label: Ruled(rule.label, rule.action) for rule in self.rules}

    @property
    def done(self) -> tuple[Ruled, ...]:
        """What each rule did so far, in their order."""
        return tuple(self._done.values())

    def rewritten(self, texts: Texts, path: CategoryPath | None) -> Rewritten:
        """Title and link as the rewriting rules leave them."""
        notes: list[str] = []
        changed: dict[str, str] = {"title": texts("title"), "link": texts("link")}

        def current(name: RuleField) -> str:
            return changed[name] if name in changed else texts(name)

        for rule in self._of(("rewrite",), path):
            if self._fits(rule, current):
                before = dict(changed)
                for rewrite in rule.rewrites:
                    changed[rewrite.field] = self._replaced(rule, rewrite, changed[rewrite.field])
                if changed != before:
                    self._count(rule, before["title"])
                    notes.append(rule.label)
        return Rewritten(changed["title"], changed["link"], tuple(notes))

    def judged(self, article: Refined) -> Refined | None:
        """The article, perhaps under another category path; None if it is dropped."""
        texts = texts_of(article)
        for rule in self._of(("keep", "drop", "route"), article.categories):
            fits = self._fits(rule, texts)
            if fits is None or fits is (rule.action == "keep"):
                continue
            self._count(rule, article.title)
            if rule.action != "route":
                return None
            article = replace(article, categories=rule.path, notes=(*article.notes, rule.label))
        return article

    def _of(self, actions: tuple[str, ...], path: CategoryPath | None) -> list[Rule]:
        """The rules for entries under this path, as the source or the entry itself gave it."""
        where = path or self.path
        return [
            rule
            for rule in self.rules
            if rule.action in actions
            and where[: len(rule.category)] == rule.category
            and self._done[rule.label].slow < PATIENCE
        ]

    def _fits(self, rule: Rule, texts: Texts) -> bool | None:
        """Whether an entry fits a rule; None if that took too long to find out."""
        try:
            return fits(rule.when, texts)
        except TimeoutError:
            self._slow(rule)
            return None

    def _replaced(self, rule: Rule, rewrite: Rewrite, text: str) -> str:
        try:
            found = _compiled(rewrite.regex).sub(rewrite.replacement, text, timeout=SECONDS)
        except (TimeoutError, MemoryError):
            self._slow(rule)
            return text
        # A replacement may bring in anything.
        return scrub_line(found) if len(found) <= MAX_TEXT else text

    def _slow(self, rule: Rule) -> None:
        done = self._done[rule.label]
        self._done[rule.label] = replace(done, slow=done.slow + 1)

    def _count(self, rule: Rule, title: str) -> None:
        done = self._done[rule.label]
        samples = done.samples
        if len(samples) < SAMPLES:
            samples = (*samples, cut(title, SAMPLE_LENGTH))
        self._done[rule.label] = replace(done, count=done.count + 1, samples=samples)


def dropping(rules: Sequence[Rule], article: Refined, path: CategoryPath) -> tuple[str, ...]:
    """The labels of the rules that would drop this article, were it to come in under `path`."""
    found = []
    for rule in rules:
        judge = Judge((rule,), path)
        if rule.action in {"keep", "drop"} and judge.judged(article) is None:
            found.append(rule.label)
    return tuple(found)


def fits(when: Sequence[Wanted], texts: Texts) -> bool:
    """Whether all of `when` are found. Raises TimeoutError."""
    return all(
        _pattern(wanted).search(texts(wanted.field)[:MAX_TEXT], timeout=SECONDS) is not None
        for wanted in when
    )


def texts_of(article: Refined) -> Texts:
    """The fields of an article as text; the body's is made only when it is asked for."""
    return texts_from(
        {
            "title": lambda: article.title,
            "text": lambda: lines(article.body),
            "author": lambda: "\n".join(article.authors),
            "tags": lambda: "\n".join(article.tags),
            "link": lambda: article.link or "",
            "language": lambda: article.language or "",
        }
    )


def texts_from(fields: Mapping[RuleField, Callable[[], str]]) -> Texts:
    """Fields that are made when they are first asked for."""
    made: dict[RuleField, str] = {}

    def text(name: RuleField) -> str:
        if name not in made:
            made[name] = fields[name]()
        return made[name]

    return text


# --- expressions ------------------------------------------------------------------------


def mistake(expression: str, replacement: str = "") -> str | None:
    """What is wrong with an expression or its replacement, and where; None if they can be used."""
    try:
        _compiled(expression)
    except regex.error as error:
        # The type information leaves out the attributes.
        at, message = getattr(error, "pos", None), getattr(error, "msg", str(error))
        return f"the expression is wrong{'' if at is None else f' at character {at + 1}'}: {message}"
    try:
        # Matches the empty text, with all the groups of the expression.
        match = regex.compile(f"(?:{expression})|").search("", timeout=SECONDS)
        if match is not None:
            match.expand(replacement)
    except (regex.error, IndexError) as error:
        return f"the replacement {replacement!r} is wrong: {error}"
    except TimeoutError:
        return "the expression takes too long; make it simpler"
    return None


@lru_cache(maxsize=1024)
def _compiled(expression: str) -> regex.Pattern[str]:
    return regex.compile(expression, regex.MULTILINE)


@lru_cache(maxsize=1024)
def _pattern(wanted: Wanted) -> regex.Pattern[str]:
    if wanted.regex is not None:
        return _compiled(wanted.regex)
    if wanted.field == "link":
        parts = [regex.escape(word) for word in wanted.words]
    else:
        parts = [_whole(word) for word in wanted.words]
    return regex.compile(f"(?V1)(?:{'|'.join(parts)})", regex.IGNORECASE)


def _whole(word: str) -> str:
    """An expression for a word that is no part of a longer one."""
    before = rf"(?<!{_SPACED})" if _AT_EDGE.match(word) else ""
    after = rf"(?!{_SPACED})" if _AT_EDGE.match(word[-1:]) else ""
    return before + regex.escape(word) + after
