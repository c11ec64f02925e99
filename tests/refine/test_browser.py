"""What was refined, opened in a real browser with a trap."""

import chromium
import pytest

pytestmark = [
    pytest.mark.soak,
    pytest.mark.timeout(300),
    pytest.mark.skipif(chromium.find() is None, reason="Chromium is not installed (Debian: chromium)"),
]


def test_no_script_runs_and_nothing_strange_is_asked_for() -> None:
    """Every vector of the corpus in every field: 0 scripts, 0 requests but for images and players."""
    pieces = [chromium.shown(chromium.refined(vector)) for vector in chromium.vectors()]
    visit = chromium.visit(pieces)
    assert visit.caught == ()
    assert visit.pieces == len(pieces)


@pytest.mark.parametrize(
    "vector",
    [
        "<img src=x onerror=trap()>",
        "<script>trap()</script>",
        "<a href='javascript:trap()'>x</a>",
        "<svg onload=trap()>",
    ],
)
def test_the_trap_catches(vector: str) -> None:
    """The same page with a vector as it came is noticed: the silence above means something."""
    assert chromium.visit([vector]).caught != ()
