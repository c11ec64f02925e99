"""The built site and feeds, opened in a real browser with a trap."""

from collections.abc import Iterator
from pathlib import Path

import chromium
import devtools
import hostile
import pytest
from loopback import Reply, Server

pytestmark = [
    pytest.mark.soak,
    pytest.mark.timeout(600),
    pytest.mark.skipif(chromium.find() is None, reason="Chromium is not installed (Debian: chromium)"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[devtools.Browser]:
    with devtools.Browser() as browser:
        yield browser


def test_nothing_runs_in_the_site_or_in_readers(tmp_path: Path) -> None:
    """Every vector in every field of feeds, a pass, all pages and entries: 0 scripts, 0 strange requests."""
    vectors = chromium.vectors()
    outputs = hostile.passed(vectors, tmp_path)
    opened = hostile.opened(outputs)
    assert opened.caught == ()
    assert opened.pages > 3 * len(vectors) / hostile.PER_FEED
    assert opened.entries >= 6 * len(vectors)


@pytest.mark.parametrize(
    "markup",
    [
        "<script>1</script>",
        "<img src=x onerror=1>",
        "<a href='javascript:1'>x</a>",
        "<svg onload=1>",
        "<p onmouseover=1>x",
        "<meta http-equiv=refresh content='0;url=http://e.example/'>",
        "<iframe src='http://e.example/'></iframe>",
    ],
)
def test_the_trap_catches(browser: devtools.Browser, markup: str) -> None:
    """A page that runs or loads something is noticed: the silence above means something."""
    with Server({"/": Reply(markup.encode(), type="text/html")}) as server:
        assert browser.open(server.url()).caught


def test_requests_are_seen(browser: devtools.Browser) -> None:
    """What a page asks other hosts for is noticed, also where no such host is."""
    with Server({"/": Reply(b"<p style='background: url(//e.example/i)'>x", type="text/html")}) as server:
        assert "http://e.example/i" in browser.open(server.url()).asked
