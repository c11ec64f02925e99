"""One fetcher a test."""

from collections.abc import Iterator

import pytest

from aggregator.collect.http import HttpFetcher


@pytest.fixture
def fetcher() -> Iterator[HttpFetcher]:
    with HttpFetcher(environment={}) as one:
        yield one
