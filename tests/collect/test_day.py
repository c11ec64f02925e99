"""The simulated day of benchmarks/day.py, with a few hundred sources."""

import sys
from importlib import util
from itertools import pairwise
from pathlib import Path
from statistics import median
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parent.parent.parent / "benchmarks" / "day.py"


@pytest.fixture(scope="module")
def day() -> ModuleType:
    spec = util.spec_from_file_location("day", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    sys.modules["day"] = module  # where its dataclasses look themselves up
    spec.loader.exec_module(module)
    return module


def test_a_day_costs_a_third_of_the_requests_and_finds_everything(day: ModuleType) -> None:
    """Against asking every hour: under a third of the requests, every entry, half of them within an hour."""
    hourly = day.live(day.world(200), day.hourly)
    ours = day.live(day.world(200), day.ours)
    assert hourly.requests == 200 * 24
    assert ours.requests < hourly.requests / 3
    assert len(ours.delays) == len(hourly.delays) > 100
    assert median(ours.delays) < 3600


def test_no_source_is_asked_within_its_interval(day: ModuleType) -> None:
    """In all seventeen days."""
    asked: dict[str, list[float]] = {}

    def ours(feed: object, now: float, *, changed: bool) -> float:
        asked.setdefault(feed.source.name, []).append(now)  # type: ignore[attr-defined]  # a Feed of the script
        return float(day.ours(feed, now, changed=changed))

    day.live(day.world(60), ours)
    gaps = [two - one for moments in asked.values() for one, two in pairwise(moments)]
    assert len(gaps) > 1000
    assert min(gaps) >= 3600
