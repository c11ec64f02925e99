"""The labelled set, and how the rungs of the identity ladder that look at texts do on it."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aggregator.model import Document, Entry, Refined, Text
from aggregator.refine import similarity
from aggregator.refine.entries import Context, refine

PAIRS = Path(__file__).parent.parent / "data" / "refine" / "pairs" / "pairs.jsonl"
NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
RUNGS = ("link", "text", "near")


@dataclass
class Score:
    """What one rung found: right, wrong, and how many it should have."""

    right: int = 0
    wrong: int = 0
    wanted: int = 0
    missed: Counter[str] = field(default_factory=Counter)

    @property
    def precision(self) -> float:
        return self.right / (self.right + self.wrong) if self.right + self.wrong else 1.0

    @property
    def recall(self) -> float:
        return self.right / self.wanted if self.wanted else 1.0


def load() -> list[dict[str, Any]]:
    return [json.loads(line) for line in PAIRS.read_text("utf-8").splitlines()]


def article(source: str, entry: dict[str, str]) -> Refined:
    """The entry as this source brings it."""
    context = Context(url=f"https://{source}.example/feed", now=NOW)
    given = Entry(
        guid=f"{source} 1", link=entry["link"], title=Text(entry["title"]), body=Text(entry["body"])
    )
    (refined,) = refine(Document(entries=(given,)), context).articles
    return refined


def rung(one: Refined, other: Refined, threshold: float = similarity.THRESHOLD) -> str:
    """The first rung that takes two entries for one article, or ""."""
    if one.canonical_link and one.canonical_link == other.canonical_link:
        return "link"
    if one.fingerprint and one.fingerprint == other.fingerprint:
        return "text"
    if set(one.bands) & set(other.bands):
        first, second = (similarity.writing(each.title, each.body) for each in (one, other))
        return "near" if similarity.compare(first, second).near(threshold) else ""
    return ""


def score(pairs: Iterable[dict[str, Any]], threshold: float = similarity.THRESHOLD) -> dict[str, Score]:
    """The scores by rung. A pair found by an earlier rung than its own counts as found."""
    scores = {name: Score() for name in RUNGS}
    for pair in pairs:
        found = rung(article("first", pair["one"]), article("second", pair["other"]), threshold)
        if pair["same"]:
            scores[pair["rung"]].wanted += 1
            if found:
                scores[pair["rung"]].right += 1
            else:
                scores[pair["rung"]].missed[pair["kind"]] += 1
        elif found:
            scores[found].wrong += 1
            scores[found].missed[f"false: {pair['kind']}"] += 1
    return scores
