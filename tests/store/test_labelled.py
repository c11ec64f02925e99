"""The labelled set through the whole store: what two sources bring is merged exactly where it should be."""

from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from databases import empty
from entries import feed
from labelled import NOW, article, load, rung

from aggregator.model import Node, SourceState
from aggregator.options import Policy
from aggregator.store import Store

A, B = feed("first"), feed("second")
OF_A_KIND = 2


def kind(pair: dict[str, Any]) -> str:
    return str(pair["kind"])


SAMPLES = [
    pair for _, pairs in groupby(sorted(load(), key=kind), key=kind) for pair in list(pairs)[:OF_A_KIND]
]


@pytest.mark.sqlite
@pytest.mark.parametrize("pair", SAMPLES, ids=kind)
def test_the_store_merges_what_the_rungs_say(tmp_path: Path, pair: dict[str, Any]) -> None:
    """Two pairs of each kind become one article or stay two, as the rungs alone would have it."""
    one, other = article("first", pair["one"]), article("second", pair["other"])
    with Store.open(empty(tmp_path / "pair.db"), Policy(near="merge")) as store:
        store.reconcile([A, B], NOW)
        store.record(A, [one], SourceState(), NOW)
        store.record(B, [other], SourceState(), NOW)
        merged = len(store.articles(store.newest(Node("category", ()), 9))) == 1
    assert merged == bool(rung(one, other))
    assert merged <= pair["same"]
