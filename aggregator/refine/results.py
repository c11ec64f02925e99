"""What refining comes to: values that travel, and take no time to import.

Rules of this file: pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from aggregator.model import Refined

SECONDS = 0.1
"""That the expression of a rule may take for one entry."""
SAMPLES = 3
"""Titles by which a rule shows what it did."""


@dataclass(frozen=True, slots=True)
class Ruled:
    """What one rule did in a document: to how many entries, and the titles of the first of them.

    `slow` counts the entries for which it took too long.
    """

    rule: str
    action: str
    count: int = 0
    samples: tuple[str, ...] = ()
    slow: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RefinedDocument:
    """The articles of a document in its order, the keys that name several, what was wrong, what rules did."""

    articles: tuple[Refined, ...]
    void_guids: frozenset[str] = frozenset()
    void_links: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()
    ruled: tuple[Ruled, ...] = ()


def count_dropped(ruled: Sequence[Ruled]) -> int:
    """How many entries were left out."""
    return sum(one.count for one in ruled if one.action in {"keep", "drop"})


def too_slow(ruled: Sequence[Ruled]) -> tuple[str, ...]:
    """A sentence for each rule that took too long."""
    return tuple(
        f"{one.rule} took longer than {SECONDS:g} s for {one.slow} entries, which stay; "
        "make its expression simpler"
        for one in ruled
        if one.slow
    )


def sum_up(parts: Sequence[Sequence[Ruled]]) -> tuple[Ruled, ...]:
    """What the same rules did in several documents."""
    found: dict[str, Ruled] = {}
    for one in (ruled for part in parts for ruled in part):
        before = found.get(one.rule, Ruled(one.rule, one.action))
        found[one.rule] = replace(
            before,
            count=before.count + one.count,
            samples=(before.samples + one.samples)[:SAMPLES],
            slow=before.slow + one.slow,
        )
    return tuple(found.values())
