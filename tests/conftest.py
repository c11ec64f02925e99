"""What holds for every test."""

import os

import pytest
from databases import choose_postgresql, programs


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--postgresql", action="store_true", help="only tests with a store; it is PostgreSQL's")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--postgresql"):
        choose_postgresql()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With `--postgresql` what has a store is tested with that, else what is not about PostgreSQL."""
    if not config.getoption("--postgresql"):
        chosen = [item for item in items if item.get_closest_marker("postgresql") is None]
    else:
        chosen = [item for item in items if _has_a_store(item) and item.get_closest_marker("sqlite") is None]
        if programs() is None:
            for item in chosen:
                item.add_marker(pytest.mark.skip(reason="PostgreSQL is not installed"))
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = chosen


def _has_a_store(item: pytest.Item) -> bool:
    assert isinstance(item, pytest.Function)
    return "store" in item.fixturenames or bool({"World", "empty"} & vars(item.module).keys())


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """In CI nothing is skipped: what cannot run there is a failure of the set-up."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter and reporter.stats.get("skipped") and exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
