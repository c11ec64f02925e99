"""The only room that knows SQL."""

from aggregator.store.backtest import Backtest
from aggregator.store.batch import Recording
from aggregator.store.db import Store
from aggregator.store.explain import Explanation, Likeness
from aggregator.store.floods import FloodRow
from aggregator.store.history import Sighting
from aggregator.store.months import Stretch
from aggregator.store.nodes import NodeRow
from aggregator.store.outputs import OutputRecord, Owner
from aggregator.store.revisions import Revision
from aggregator.store.sources import SourceRow
from aggregator.store.stale import Stale
from aggregator.store.tombs import Buried, Tomb

__all__ = [
    "Backtest",
    "Buried",
    "Explanation",
    "FloodRow",
    "Likeness",
    "NodeRow",
    "OutputRecord",
    "Owner",
    "Recording",
    "Revision",
    "Sighting",
    "SourceRow",
    "Stale",
    "Store",
    "Stretch",
    "Tomb",
]
