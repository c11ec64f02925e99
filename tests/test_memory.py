"""How a process keeps house with memory."""

import subprocess
import sys

CYCLE = """
class Left:
    def __del__(self):
        print("looked through")
from aggregator import memory
{}
left = Left()
left.itself = left
del left
"""


def at_the_end(before: str) -> str:
    """What a process prints that leaves a cycle of garbage."""
    command = [sys.executable, "-c", CYCLE.format(before)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_nothing_is_looked_through_at_the_end() -> None:
    """A process that tidies seldom does not look for garbage before it ends, as others do."""
    assert at_the_end("") == "looked through\n"
    assert at_the_end("memory.tidy_seldom()") == ""
