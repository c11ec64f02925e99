"""The `[[rules]]` of feeds.toml, and what the rooms get of them.

    [[rules]]                                  # for every source, or those named by
    source = "Name"                            # `source` and `category`
    category = ["News"]
    drop = { title = "football", text = ["goal", "match"] }        # one of drop, keep,
    keep = { language = "zh" }
    rewrite = { title = { regex = "^AD: ", with = "" } }           # rewrite (of those that fit `when`)
    when = { tags = { regex = "^foot" } }
    categories = ["Sports"]                                        # or categories (likewise)

The parsers raise ValueError whose text says what would be right.
"""

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Annotated, Any, TypeGuard

from pydantic import BaseModel, BeforeValidator, ConfigDict

from aggregator.errors import Problem
from aggregator.options import Rewrite, Rule, Wanted

ACTIONS = ("keep", "drop", "rewrite", "categories")


def _test(value: object) -> tuple[tuple[str, ...], str | None]:
    """Words, or an expression. Raises ValueError."""
    if isinstance(value, dict) and set(value) == {"regex"}:
        return (), _expression(value["regex"])
    words = [value] if isinstance(value, str) else value
    if not isinstance(words, list) or not words or any(not _is_text(word) for word in words):
        raise ValueError('write a word, a list of words, or {regex = "an expression"}')
    return tuple(str(word).strip() for word in words), None


def _is_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and bool(value.strip())


def _expression(value: object, replacement: str = "") -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("write a regular expression as text")
    from aggregator.refine.rules import mistake

    if wrong := mistake(value, replacement):
        raise ValueError(wrong)
    return value


def _replacement(value: object) -> tuple[str, str]:
    fits = isinstance(value, dict) and set(value) == {"regex", "with"}
    if not fits or not isinstance(value, dict) or not isinstance(value["with"], str):
        raise ValueError('write what to look for and what to put there, like {regex = "^AD: ", with = ""}')
    return _expression(value["regex"], value["with"]), value["with"]


def _names(value: object) -> tuple[str, ...]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not names or any(not _is_text(name) for name in names):
        raise ValueError("write the name of a source, or a list of names")
    return tuple(names)


def _path(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or any(not _is_text(name) for name in value):
        raise ValueError('write a list of names from wide to narrow, like ["Sports", "Football"]')
    return tuple(value)


Test = Annotated[tuple[tuple[str, ...], str | None] | None, BeforeValidator(_test)]
Replacement = Annotated[tuple[str, str] | None, BeforeValidator(_replacement)]
CategoryNames = Annotated[tuple[str, ...] | None, BeforeValidator(_path)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class WhenTable(_Table):
    """What entries are looked for; all of it must be found."""

    title: Test = None
    text: Test = None
    author: Test = None
    tags: Test = None
    link: Test = None
    language: Test = None


class RewriteTable(_Table):
    """What is replaced."""

    title: Replacement = None
    link: Replacement = None


class RuleTable(_Table):
    """One rule."""

    source: Annotated[tuple[str, ...], BeforeValidator(_names)] = ()
    category: Annotated[tuple[str, ...], BeforeValidator(_path)] = ()
    when: WhenTable | None = None
    keep: WhenTable | None = None
    drop: WhenTable | None = None
    rewrite: RewriteTable | None = None
    categories: CategoryNames = None


def rule_problems(
    rows: Iterable[tuple[int, Mapping[str, Any]]], sources: Collection[str]
) -> Iterator[Problem]:
    """What one key alone cannot tell of rules as they were written, each with its number."""
    for number, row in rows:
        where = f"[[rules]] {number}"
        actions = [name for name in ACTIONS if name in row]
        if len(actions) > 1 or (not actions and set(row) <= set(RuleTable.model_fields)):
            found = f"it has {' and '.join(actions)}" if actions else "it does nothing"
            yield Problem(where, found, f"write one of {', '.join(ACTIONS[:-1])} or {ACTIONS[-1]}")
        elif "when" in row and actions[:1] in (["keep"], ["drop"]):
            right = f"write what is looked for into {actions[0]}"
            yield Problem(f"{where}, key when", f"it stands beside {actions[0]}", right)
        for name in ("when", "keep", "drop", "rewrite"):
            if row.get(name) == {}:
                fields = ", ".join((RewriteTable if name == "rewrite" else WhenTable).model_fields)
                yield Problem(f"{where}, key {name}", "it is empty", f"name at least one of {fields}")
        yield from _strangers(f"{where}, key source", row.get("source"), sources)


def _strangers(where: str, value: object, sources: Collection[str]) -> Iterator[Problem]:
    for name in value if isinstance(value, list) else [value]:
        if _is_text(name) and name not in sources:
            close = difflib.get_close_matches(name, sources, 1)
            right = f"did you mean {close[0]!r}?" if close else "write the name of a source"
            yield Problem(where, f"no source is named {name!r}", right)


def rules_for(tables: Collection[RuleTable], name: str) -> tuple[Rule, ...]:
    """The rules that are for a source, in the order of the file."""
    return tuple(
        _rule(number, table)
        for number, table in enumerate(tables, 1)
        if not table.source or name in table.source
    )


def _rule(number: int, table: RuleTable) -> Rule:
    rewrites = [(name, value) for name, value in _set(table.rewrite) if value is not None]
    if table.keep is not None or table.drop is not None:
        action = "keep" if table.keep is not None else "drop"
        return Rule(
            label=f"[[rules]] {number} ({action})",
            action="keep" if table.keep is not None else "drop",
            when=_wanted(table.keep or table.drop),
            category=table.category,
        )
    if rewrites:
        return Rule(
            label=f"[[rules]] {number} (rewrite)",
            action="rewrite",
            when=_wanted(table.when),
            rewrites=tuple(Rewrite(name, *value) for name, value in rewrites),
            category=table.category,
        )
    return Rule(
        label=f"[[rules]] {number} (categories)",
        action="route",
        when=_wanted(table.when),
        path=table.categories or (),
        category=table.category,
    )


def _wanted(table: WhenTable | None) -> tuple[Wanted, ...]:
    return tuple(Wanted(name, *value) for name, value in _set(table) if value is not None)


def _set(table: WhenTable | RewriteTable | None) -> list[tuple[Any, Any]]:
    return [(name, getattr(table, name)) for name in type(table).model_fields] if table is not None else []
