"""A disk that is full: old outputs stay whole, and it recovers by itself."""

import subprocess
import sys
from pathlib import Path

import pytest
from growing import check_files_are_whole, check_nothing_is_lost_or_doubled, feed
from loopback import Reply, Server
from world import World, source

LIMITED = """
import resource, sys
from datetime import datetime, UTC
from pathlib import Path
from killing import one_pass
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
one_pass(Path(sys.argv[1]), datetime(2026, 11, 3, tzinfo=UTC))
"""
SUPPORT = Path(__file__).parent / "support"


@pytest.mark.sqlite
@pytest.mark.parametrize("limit", [500, 4_000, 20_000, 60_000, 200_000])
def test_a_full_disk_costs_nothing_but_time(tmp_path: Path, limit: int) -> None:
    """No file may exceed a limit, the database and its log included; with space again, all is there."""
    shown = [0]
    routes = {f"/{n}": (lambda request: Reply(feed(int(request.path[1:]), shown[0]))) for n in range(6)}
    with Server(routes) as server:
        tables = "".join(source(f"s{n}", server.url(f"/{n}"), "G", f"S{n % 2}") for n in range(6))
        world = World(tmp_path, tables)
        world.run()
        before = world.snapshot()
        shown[0] = 5
        command = [sys.executable, "-c", LIMITED, str(tmp_path), str(limit)]
        result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=SUPPORT)
        assert before.keys() <= world.snapshot().keys()
        check_files_are_whole(world)
        assert limit > 100_000 or "Error" in result.stderr
        world.run(everything=True, after=2 * 86400)
    check_nothing_is_lost_or_doubled(world, 6)
