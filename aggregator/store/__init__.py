"""The only room that knows SQL."""

from aggregator.store.db import Store
from aggregator.store.listing import NodeRow
from aggregator.store.months import Stretch
from aggregator.store.outputs import OutputRecord, Stale
from aggregator.store.sources import SourceRow

__all__ = ["NodeRow", "OutputRecord", "SourceRow", "Stale", "Store", "Stretch"]
