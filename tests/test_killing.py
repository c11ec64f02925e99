"""SIGKILL at any moment: nothing lost, nothing doubled, no half-written file."""

import random
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from growing import FEEDS, check_nothing_is_lost_or_doubled, feed
from loopback import Reply, Request, Server
from world import NOON, World, source

KILLING = Path(__file__).parent / "support" / "killing.py"


def tables(server: Server) -> str:
    return "".join(source(f"s{n}", server.url(f"/{n}"), "G", f"S{n % 2}") for n in range(FEEDS))


def growing(folder: Path) -> Server:
    """Serves feeds that have as many entries as the file `round` says."""

    def answer(request: Request) -> Reply:
        shown = int((folder / "round").read_text("ascii"))
        number = int(request.path.strip("/"))
        return Reply(feed(number, shown), etag=f'"{number}-{shown}"')

    return Server({"*": answer})


def kill_passes(folder: Path, rounds: int, seed: int, *how: str) -> None:
    """Each round shows one entry more in every feed, kills a pass, and lets another end."""
    with growing(folder) as server:
        world = World(folder, tables(server))
        command = [sys.executable, str(KILLING), str(folder), str(rounds), str(seed), *how]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stderr
        asked = len(server.requests)
        world.clock = NOON + rounds * timedelta(hours=2)
        world.run()
        assert len(server.requests) == asked, "nothing is asked before it is due again"
    check_nothing_is_lost_or_doubled(world, rounds)


def test_a_killed_pass_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    """Ten kills at random moments, each followed by a pass that completes."""
    kill_passes(tmp_path, 11, seed=1)


def test_a_killed_pass_leaves_nothing_of_its_workers(tmp_path: Path) -> None:
    """Two kills while worker processes write outputs, which may outlive the pass."""
    kill_passes(tmp_path, 3, 4, "shared")


@pytest.mark.soak
def test_forty_killed_passes_leave_nothing_of_their_workers(tmp_path: Path) -> None:
    """The same with 40 kills."""
    kill_passes(tmp_path, 41, 5, "shared")


@pytest.mark.soak
def test_five_hundred_kills_lose_nothing(tmp_path: Path) -> None:
    """The same with 500 kills."""
    kill_passes(tmp_path, 501, seed=2)


@pytest.mark.soak
@pytest.mark.parametrize("command", ["run --all", "daemon"])
def test_killed_processes_lose_nothing(tmp_path: Path, command: str) -> None:
    """Ten kills of the program itself, and of its daemon, at random moments of their lives."""
    chance, rounds = random.Random(3), 11
    program = [sys.executable, "-m", "aggregator"]
    with growing(tmp_path) as server:
        world = World(tmp_path, tables(server))
        for number in range(rounds):
            (tmp_path / "round").write_text(str(number), "ascii")
            if number:
                with subprocess.Popen(
                    [*program, *command.split()], cwd=tmp_path, stderr=subprocess.DEVNULL
                ) as victim:
                    time.sleep(chance.uniform(0.3, 3))
                    victim.kill()
            subprocess.run([*program, "run", "--all"], cwd=tmp_path, check=True, capture_output=True)
    check_nothing_is_lost_or_doubled(world, rounds)
