"""How much two texts have in common. Pure.

Both are taken as plain text without case, blanks and punctuation, and compared by the runs of
five characters that they share: this serves Chinese as well as spaced scripts.
"""

from aggregator.refine.identity import normal
from aggregator.refine.text import plain

_RUN = 5
# Enough to tell two texts apart, and a bound on the cost of long ones.
_CAP = 20_000


def alike(runs: frozenset[str], others: frozenset[str]) -> float | None:
    """0.0 for texts without a common run to 1.0 for the same; None if neither says anything."""
    together = len(runs | others)
    return len(runs & others) / together if together else None


def runs_of(html: str) -> frozenset[str]:
    """What `alike` compares of a text in HTML."""
    text = normal(plain(html))[:_CAP]
    if not text:
        return frozenset()
    return frozenset(text[at : at + _RUN] for at in range(max(1, len(text) - _RUN + 1)))
