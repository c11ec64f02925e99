"""Values that wait on disk."""

import subprocess
import sys
import tracemalloc
from pathlib import Path

from aggregator.shelf import Shelf

ROOT = Path(__file__).parent.parent

FULL_DISK = """
import resource
from aggregator.shelf import Shelf
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
shelf = Shelf()
brought = [shelf.put(letter * 600)() for letter in "abc"]
print(brought == [letter * 600 for letter in "abc"])
shelf.close()
"""


def test_what_was_put_away_comes_back() -> None:
    """Each value, in any order, as often as it is asked for."""
    shelf: Shelf[tuple[str, int]] = Shelf()
    places = [shelf.put(("value" * number, number)) for number in range(20)]
    for _ in range(2):
        assert [bring()[1] for bring in reversed(places)] == list(reversed(range(20)))
    assert places[3]() == ("valuevaluevalue", 3)
    shelf.close()
    shelf.close()


def test_what_waits_takes_no_memory() -> None:
    """Ten megabytes on the shelf are none in the process."""
    shelf: Shelf[bytes] = Shelf()
    tracemalloc.start()
    places = [shelf.put(bytes([number]) * 100_000) for number in range(100)]
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 3_000_000
    assert all(bring() == bytes([number]) * 100_000 for number, bring in enumerate(places))
    shelf.close()


def test_a_full_disk_keeps_values_in_memory() -> None:
    """Nothing is lost where nothing can be written, or only a part."""
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK], capture_output=True, text=True, check=False, cwd=ROOT, timeout=30
    )
    assert (done.stdout, done.stderr) == ("True\n", "")
