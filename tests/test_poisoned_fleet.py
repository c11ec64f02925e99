"""One good feed among 99 hostile ones: it is published as if they were not there."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from bombs import CHUNKED, endlessly, quick_bombs, slow_bombs
from growing import feed
from loopback import Raw, Reply, Route, Server, redirect
from world import World

MIB = 1024 * 1024
CHILD = """
import json, resource, sys, time
from datetime import datetime, UTC
from pathlib import Path
from aggregator import config, pipeline
from aggregator.store import Store
begun, done = time.monotonic(), {}
def seen(row, total): done.setdefault(row.source, time.monotonic() - begun)
settings = config.load(Path("feeds.toml"))
moment = datetime.fromisoformat(sys.argv[1])
with Store.open(settings.storage_url) as store, pipeline.tools(lambda: moment) as tools:
    report = pipeline.run_pass(settings, store, pipeline.Plan(everything=True, seen=seen), tools)
# ru_maxrss of a process counts what its parent had when it was forked.
own = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
peaks = [own * 1024, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024]
results = {row.source: row.result for row in report.sources}
print(json.dumps({"results": results, "good": done["good"], "peaks": peaks}))
"""
TIMEOUT = 2


def liars() -> dict[str, Route]:
    """What is no bomb and no hang: floods, lies and nonsense."""
    item = "<item><title>t</title><link>https://x.example/{}</link></item>"
    flood = "".join(item.format(number) for number in range(60_000))
    return {
        "/html": Reply(b"<!doctype html><title>Log in</title>", type="text/html"),
        "/empty": Reply(b""),
        "/noise": Reply(bytes(range(256)) * 4000),
        "/comments": Reply(b"<rss>" + b"<!--" * (MIB // 4)),
        "/attributes": Reply(b"<rss " + b"".join(b"a%d='' " % n for n in range(200_000)) + b"/>"),
        "/nested": Reply(b"<rss>" * 100_000),
        "/entities": Reply(b"<!DOCTYPE r [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]><rss>&b;</rss>"),
        "/flood": Reply(f"<rss version='2.0'><channel><title>f</title>{flood}</channel></rss>".encode()),
        "/divs": Reply(feed(1, 1).replace(b"A sentence", b"<div>" * 20_000)),
        "/loop": redirect("/loop"),
        "/lie": Raw([b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n<rss"]),
        "/silent": Raw([float(60)]),
        "/drip": endlessly(b"1\r\n \r\n", after=CHUNKED, pause=0.2),
        "/500": Reply(b"", 500),
    }


def settings(server: Server, names: list[str]) -> str:
    """99 hostile sources on as many hosts, and the good one in their midst."""
    tables = []
    for number in range(100):
        name = "good" if number == 50 else f"bad{number}"
        path = "/good" if number == 50 else names[number % len(names)]
        url = server.url(f"{path}?{number}", host=f"127.0.0.{number + 1}")
        tables.append(f'[[sources]]\nname = "{name}"\nurl = "{url}"\ncategories = ["{name[:4]}"]\n')
    return "".join(tables)


@pytest.mark.timeout(300)
@pytest.mark.soak
def test_a_poisoned_fleet_does_not_hold_up_the_good_feed(tmp_path: Path) -> None:
    """Sources that failed before wait behind those that did not; memory stays under 256 MB."""
    shown = [0]
    routes = {**quick_bombs(), **slow_bombs(), **liars(), "/good": lambda _request: Reply(feed(1, shown[0]))}
    hostile = [name for name in routes if name != "/good" and not name[4:].isdecimal()]
    with Server(routes, host="0.0.0.0") as server:
        world = World(tmp_path, f'timeout = "{TIMEOUT}s"\n' + settings(server, hostile))
        outcomes = []
        for hour in ("12", "20"):
            command = [sys.executable, "-c", CHILD, f"2026-11-02T{hour}:00:00+00:00"]
            begun = time.monotonic()
            ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
            assert ran.returncode == 0, ran.stderr
            outcomes.append({**json.loads(ran.stdout), "seconds": time.monotonic() - begun})
            shown[0] += 3
    titles = {entry["title"] for entry in world.feed("good")}
    assert titles == {f"1-{number}" for number in range(4)}
    assert outcomes[1]["good"] < 2 * TIMEOUT, outcomes
    assert max(peak for outcome in outcomes for peak in outcome["peaks"]) < 256 * MIB, outcomes
    assert outcomes[1]["results"]["good"] == "updated"
    assert sum(result == "failed" for result in outcomes[0]["results"].values()) > 80
