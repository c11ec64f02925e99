from collections.abc import Iterator
from pathlib import Path
from shutil import copyfile

import pytest

from aggregator.store import Store


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database: copying it is quicker than running the migrations for every test."""
    file = tmp_path_factory.mktemp("store") / "fresh.db"
    Store.open(f"sqlite:///{file}").close()
    return file


@pytest.fixture
def store(tmp_path: Path, fresh: Path) -> Iterator[Store]:
    copyfile(fresh, tmp_path / "aggregator.db")
    with Store.open(f"sqlite:///{tmp_path}/aggregator.db") as opened:
        yield opened
