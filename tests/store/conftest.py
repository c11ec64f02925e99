from collections.abc import Iterator
from pathlib import Path

import pytest
from databases import empty

from aggregator.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(empty(tmp_path / "aggregator.db")) as opened:
        yield opened
