"""Whole passes over corpora of feeds, served from loopback.

    python tests/corpora/run_passes.py WORK FOLDER [FOLDER ...]

Every feed document of a FOLDER is a source of one settings file in WORK/<folder's name>; the
Content-Type is the one that a `Header:` comment of the document names (feedparser's corpus), else
application/xml or application/json. `aggregator run --all` runs twice as a process; the second time each
document has a line feed more at its end, so that all are read again. What feedparser sees is
held against what the store has. The counts are printed as a Markdown table, then each class of
difference with examples, and whatever crashed. WORK keeps the outputs. Exit status 1 if an
entry is missing without a reason, or anything crashed or hung. Needs the repository's
`tests/support` on PYTHONPATH.
"""

import argparse
import json
import os
import re
import sqlite3
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import stock
import world
from loopback import Reply, Request, Server
from lxml import etree

from aggregator.workers import Workers

SUFFIXES: dict[str, str] = {
    ".xml": "application/xml",
    ".rss": "application/xml",
    ".atom": "application/xml",
    ".rdf": "application/xml",
    ".json": "application/json",
}
_TYPE = re.compile(rb"^\s*Header:\s+Content-Type:\s*([^\r\n]*?)\s*$", re.MULTILINE | re.IGNORECASE)
_OVER = re.compile(r"it took longer than|it needed more than|its worker process died")
_CRASH = re.compile(r"\bunexpected \w+|was left out: |Traceback \(most recent")
EXAMPLES = 3
# Why a document's entries are not all in the store, by what the source was reported with.
REFUSALS: dict[str, str] = {
    "DTD defines entities": "in documents whose DTD defines entities, which are refused",
    "no feed in this document": "in documents of which feedparser takes a part for a feed",
    "web page": "in web pages",
}


@dataclass(frozen=True, slots=True)
class Served:
    """A document of a corpus, by its path in it, and how it is served."""

    name: str
    body: bytes
    kind: str

    def reply(self, *, again: bool) -> Reply:
        """With `again` the same feed in other bytes, where one line feed does that."""
        grown = again and self.body[:1] in b"<{ \n\t\xef"
        return Reply(self.body + b"\n" if grown else self.body, type=self.kind)


@dataclass(frozen=True, slots=True)
class Row:
    """What a pass said of one source."""

    result: str
    messages: tuple[str, ...]
    new: int
    changed: int


@dataclass(slots=True)
class Outcome:
    """What came of one corpus: counts by name, differences and faults with examples."""

    counts: Counter[str] = field(default_factory=Counter)
    differences: dict[str, list[tuple[int, str]]] = field(default_factory=lambda: defaultdict(list))
    faults: list[str] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)


def documents(folder: Path) -> Iterator[Served]:
    """Every document of a corpus that is named like a feed."""
    for path in sorted(path for path in folder.rglob("*") if path.suffix in SUFFIXES and path.is_file()):
        body = path.read_bytes()
        stated = _TYPE.search(body)
        kind = stated[1].decode("latin-1") if stated else SUFFIXES[path.suffix]
        yield Served(path.relative_to(folder).as_posix(), body, kind)


def settings(served: list[Served], server: Server, corpus: str) -> str:
    """A feeds.toml with a source for every document."""
    sources = (world.source(one.name, server.url(f"/{quote(one.name)}"), corpus) for one in served)
    return world.LOOPBACK + "".join(sources)


def run_pass(folder: Path, outcome: Outcome) -> dict[str, Row]:
    """`aggregator run --all` as a process: what it says of each source."""
    command = [sys.executable, "-m", "aggregator", "run", "--all", "--json"]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if ran.returncode or "Traceback" in ran.stderr:
        outcome.faults.append(f"exit status {ran.returncode}: {ran.stderr[-3000:]}")
    report: dict[str, Any] = json.loads(ran.stdout)
    outcome.faults += report["publish"]["problems"]
    return {
        row["source"]: Row(
            row["result"], tuple(row["messages"]), row["counts"]["new"], row["counts"]["changed"]
        )
        for row in report["sources"]
    }


def stored(folder: Path) -> Counter[str]:
    """How many entries of each source the store knows."""
    with sqlite3.connect(folder / "storage" / "aggregator.db") as database:
        rows = database.execute(
            "SELECT sources.name, count(*) FROM sightings JOIN sources ON sources.id = source_id GROUP BY 1"
        )
        return Counter(dict(rows))


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every output with its mtime and bytes."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes())
        for path in sorted((folder / "outputs").rglob("*"))
        if path.is_file()
    }


def malformed(outputs: dict[str, tuple[int, bytes]]) -> Iterator[str]:
    """The outputs that are no XML or JSON although they are called so."""
    for name, (_, data) in outputs.items():
        try:
            if name.endswith((".xml", ".atom", ".opml")):
                etree.fromstring(data, etree.XMLParser(huge_tree=True))
            elif name.endswith(".json"):
                json.loads(data)
            else:
                data.decode()
        except ValueError as error:  # XMLSyntaxError is a SyntaxError
            yield f"{name}: {error}"
        except etree.XMLSyntaxError as error:
            yield f"{name}: {error}"


def compare(one: Served, seen: list[tuple[str, ...]] | None, have: int, row: Row, outcome: Outcome) -> None:
    """Counts a document, and says why the store has fewer of its entries than feedparser sees."""
    if seen is None:
        outcome.counts["raises"] += 1
        return
    outcome.counts.update({"seen": len(seen), "stored": have, "more": max(have - len(seen), 0)})
    if have >= len(seen):
        return
    if row.result == "failed":
        reason = next((why for part, why in REFUSALS.items() if part in row.messages[0]), row.messages[0])
    elif any("cut off within its last entry" in message for message in row.messages):
        reason = "broken off before its guid and link: left for the next time"
    elif have >= len(set(seen)):
        reason = "repeated in its document: the same guid, title and text"
    else:
        reason = "MISSING"
    outcome.differences[reason].append((len(seen) - have, one.name))


def judge(served: list[Served], folder: Path, server: Server, workers: Workers, outcome: Outcome) -> None:
    """Two passes over the documents, and everything that can be said of them."""
    again = [False]
    by_name = {one.name: one for one in served}

    def answer(request: Request) -> Reply:
        return by_name[unquote(request.path[1:])].reply(again=again[0])

    server.routes["*"] = answer
    began = time.monotonic()
    first = run_pass(folder, outcome)
    outcome.counts["seconds"] = round(time.monotonic() - began)
    before = snapshot(folder)
    again[0] = True
    second = run_pass(folder, outcome)
    after = snapshot(folder)
    outcome.faults += [f"not well-formed: {line}" for line in malformed(after)]
    moved = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    outcome.counts.update({"outputs": len(after), "rewritten": len(moved)})
    outcome.faults += [f"changed in the second pass: {name}" for name in moved]
    outcome.faults += [
        f"{name}: new or changed: {row}" for name, row in second.items() if row.new or row.changed
    ]
    have = stored(folder)
    for one in served:
        row = first[one.name]
        for message in (*row.messages, *second[one.name].messages):
            for name, pattern in (("crashes", _CRASH), ("over the limit", _OVER)):
                if pattern.search(message):
                    outcome.counts[name] += 1
                    outcome.faults.append(f"{one.name}: {message}")
        outcome.failures.update(
            message.partition(":")[0] for message in row.messages if row.result == "failed"
        )
        outcome.counts.update({"documents": 1, "failed" if row.result == "failed" else "read": 1})
        seen = workers.submit(
            stock.identities, one.body, one.kind, server.url(f"/{quote(one.name)}")
        ).result()
        compare(one, seen, have[one.name], row, outcome)


def survey(corpus: Path, work: Path, workers: Workers) -> Outcome:
    """What comes of one corpus; its outputs stay in `work`."""
    outcome = Outcome()
    folder = work / corpus.name
    folder.mkdir(parents=True)
    served = list(documents(corpus))
    with Server() as server:
        (folder / "feeds.toml").write_text(settings(served, server, corpus.name), "utf-8")
        judge(served, folder, server, workers, outcome)
    return outcome


COLUMNS: dict[str, str] = {
    "documents": "documents",
    "read": "read",
    "failed": "failed, saying why",
    "crashes": "crashes",
    "over the limit": "over the limit",
    "seen": "feedparser's entries",
    "stored": "stored",
    "raises": "feedparser raises",
    "outputs": "outputs",
    "rewritten": "rewritten in 2nd pass",
    "seconds": "1st pass, s",
}


def main() -> int:
    """Prints the table."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("work", type=Path)
    arguments.add_argument("folders", type=Path, nargs="+")
    options = arguments.parse_args()
    os.environ.pop("AGGREGATOR_CONFIG", None)
    with Workers(1, memory=2**30, tasks=100_000) as workers:
        outcomes = {folder: survey(folder, options.work.absolute(), workers) for folder in options.folders}
    print(f"| corpus | {' | '.join(COLUMNS.values())} |\n| --- |{' ---: |' * len(COLUMNS)}")
    for folder, outcome in outcomes.items():
        print(f"| {folder.name} | {' | '.join(str(outcome.counts[name]) for name in COLUMNS)} |")
    for folder, outcome in outcomes.items():
        print(f"\n{folder.name}")
        print("".join(f"- failed: {count} x {what}\n" for what, count in outcome.failures.items()), end="")
        for reason, found in sorted(outcome.differences.items()):
            names = ", ".join(name for _, name in found[:EXAMPLES])
            print(
                f"- {sum(count for count, _ in found)} entries of {len(found)} documents {reason} ({names})"
            )
        print("".join(f"- fault: {fault}\n" for fault in outcome.faults), end="")
    return int(any(outcome.faults or "MISSING" in outcome.differences for outcome in outcomes.values()))


if __name__ == "__main__":
    sys.exit(main())
