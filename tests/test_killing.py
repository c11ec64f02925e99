"""SIGKILL at any moment: nothing lost, nothing doubled, no half-written file."""

import subprocess
import sys
from pathlib import Path

import pytest
from growing import FEEDS, check_nothing_is_lost_or_doubled, feed
from loopback import Reply, Request, Server
from world import World, source

KILLING = Path(__file__).parent / "support" / "killing.py"


def kill_passes(folder: Path, rounds: int, seed: int) -> None:
    """Each round shows one entry more in every feed, kills a pass, and lets another end."""

    def answer(request: Request) -> Reply:
        shown = int((folder / "round").read_text("ascii"))
        number = int(request.path.strip("/"))
        return Reply(feed(number, shown), etag=f'"{number}-{shown}"')

    with Server({"*": answer}) as server:
        tables = "".join(source(f"s{n}", server.url(f"/{n}"), "G", f"S{n % 2}") for n in range(FEEDS))
        world = World(folder, tables)
        command = [sys.executable, str(KILLING), str(folder), str(rounds), str(seed)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stderr
    check_nothing_is_lost_or_doubled(world, rounds)


def test_a_killed_pass_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    """Ten kills at random moments, each followed by a pass that completes."""
    kill_passes(tmp_path, 11, seed=1)


@pytest.mark.soak
def test_five_hundred_kills_lose_nothing(tmp_path: Path) -> None:
    """The same with 500 kills."""
    kill_passes(tmp_path, 501, seed=2)
