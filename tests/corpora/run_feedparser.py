"""Our parse room over feedparser's own test feeds, and over other projects' feeds.

    python tests/corpora/run_feedparser.py FEEDPARSER [OTHER ...]

FEEDPARSER is the `tests` folder of a checked-out feedparser: each feed there has its
expectation, a Python expression, in a comment. OTHER are folders with feeds of any kind. The
counts are printed as Markdown tables, and every expectation that does not hold with its file.
Needs the repository's `tests/support` on PYTHONPATH.
"""

import argparse
import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import deltas
import stock

from aggregator.errors import ParseError
from aggregator.model import Document, Entry
from aggregator.parse import feed, prolog, reader
from aggregator.parse.dates import parse_date
from aggregator.parse.encodings import decode
from aggregator.workers import Workers

_EXPECTATION = re.compile(r"Description:.*?Expect:\s*(.*?)\s*-->", re.DOTALL)
_HEADER = re.compile(r"^\s*Header:\s+([^:]+):(.*)$", re.MULTILINE)
_SUFFIXES = frozenset((".xml", ".json", ".rss", ".atom", ".rdf"))
_KEPT = (frozenset((1,)), frozenset((0,)), frozenset((0, 2)), frozenset(range(1, 1000)))
"""Which entries of a feed count as new, where the way of changes is compared with the whole."""

_MARKUP = ("title", "subtitle", "summary", "rights", "info")


@dataclass(frozen=True, slots=True)
class Case:
    """One feed of feedparser's corpus."""

    path: str
    body: bytes
    headers: dict[str, str]
    expectation: str

    @property
    def about_http(self) -> bool:
        """Whether it needs more of HTTP than a parser is told: url and content type."""
        return (
            re.search(r"/http/|bozo_http", self.path) is not None
            or bool(self.headers.keys() - {"content-type", "content-location"})
            or ("Content-Location:" in self.body.decode("latin-1"))
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:8097/tests/{self.path}"


@dataclass(frozen=True, eq=False)
class _SameText:
    """An encoding, equal to every name that makes the same text of the bytes."""

    text: str
    body: bytes

    __hash__ = None  # type: ignore[assignment]  # equal to many names

    def __eq__(self, other: object) -> bool:
        try:
            return self.body.decode(str(other)).lstrip("\ufeff") == self.text.lstrip("\ufeff")
        except (UnicodeDecodeError, LookupError):
            return False


def cases(folder: Path) -> Iterator[Case]:
    """Every feed of feedparser's corpus that has an expectation."""
    for path in sorted(folder.rglob("*.xml")):
        body = path.read_bytes()
        text = decode(body).text
        expectation = _EXPECTATION.search(text)
        name = path.relative_to(folder).as_posix()
        if expectation:
            headers = {key.lower(): value.strip() for key, value in _HEADER.findall(text)}
            if "http" in name:
                headers.setdefault("content-type", "text/xml")
                headers.setdefault("content-location", f"http://127.0.0.1:8097/tests/{name}")
            yield Case(name, body, headers, expectation[1])


def through_our_room(case: Case) -> dict[str, Any]:
    """What feedparser finds the way our room uses it, overlaid with what the Document says."""
    kind = case.headers.get("content-type")
    decoded = decode(case.body, kind)
    document = feed.parse(case.body, url=case.url, content_type=kind, max_entries=0)
    reading = reader.read(prolog.trim(decoded.text), case.url)
    result = reading.result
    result["bozo"] = bool(reading.notes or decoded.note)
    result["encoding"] = _SameText(decoded.text, case.body)
    for holder in (result["feed"], *result["entries"]):
        _resolve(holder)
    _overlay(result, document, case.url)
    return result


def _resolve(holder: dict[str, Any]) -> None:
    """Does to texts what our refine room does later: relative addresses become absolute."""
    for key in _MARKUP:
        detail = dict.get(holder, f"{key}_detail")
        if isinstance(detail, dict) and "html" in detail.get("type", ""):
            holder[key] = detail["value"] = stock.resolved(detail["value"], detail["base"], detail["type"])
    for content in dict.get(holder, "content", ()):
        if "html" in content.get("type", ""):
            written = content["value"]
            content["value"] = stock.resolved(written, content["base"], content["type"])
            if dict.get(holder, "summary") == written:
                holder["summary"] = content["value"]
    if isinstance(source := dict.get(holder, "source"), dict):
        _resolve(source)


def _overlay(result: dict[str, Any], document: Document, url: str) -> None:
    """Puts what the Document and our reader of dates say over what feedparser said."""
    for holder in (result["feed"], *result["entries"]):
        _read_dates(holder)
    if dict.get(result["feed"], "link"):
        result["feed"]["link"] = document.link or ""
    for found, entry in zip(result["entries"], document.entries, strict=True):
        for key, value in _said(entry, url).items():
            if dict.__contains__(found, key):
                dict.__setitem__(found, key, value)


def _read_dates(holder: dict[str, Any]) -> None:
    for key in [key for key in holder if key.endswith("_parsed") and key != "start_parsed"]:
        moment = parse_date(dict.get(holder, key.removesuffix("_parsed")) or "")
        dict.__setitem__(holder, key, moment and moment.utctimetuple())
    if isinstance(source := dict.get(holder, "source"), dict):
        _read_dates(source)


def _joined(base: str, link: str) -> str:
    try:
        return urljoin(base, link) if link else ""
    except ValueError:
        return link


def _said(entry: Entry, url: str) -> dict[str, object]:
    published, updated = entry.published, entry.updated
    return {
        "id": entry.guid,
        "link": _joined(entry.base or url, entry.link or ""),
        "rights": entry.rights,
        "published_parsed": published and published.utctimetuple(),
        "updated_parsed": updated and updated.utctimetuple(),
    }


def judge(case: Case, workers: Workers) -> str:
    """The line of the table that a case counts in. A ParseError is more than feedparser's "bozo"."""
    with_all, unsanitised = workers.submit(stock.verdicts, case.body, case.headers, case.expectation).result()
    try:
        if stock.holds(case.expectation, through_our_room(case)):
            return "holds"
    except ParseError:
        if case.expectation == "bozo":
            return "holds"
    reasons = {
        "about HTTP headers": case.about_http,
        "about sanitising": with_all and not unsanitised,
        "not met by the installed feedparser itself": not with_all,
    }
    return next((reason for reason, true in reasons.items() if true), "does not hold")


def expectations(folder: Path, workers: Workers) -> None:
    """Prints how many of feedparser's expectations hold."""
    counts: Counter[str] = Counter()
    misses = []
    for case in cases(folder):
        verdict = judge(case, workers)
        counts[verdict] += 1
        if verdict == "does not hold":
            misses.append(f"- `{case.path}`: `{' '.join(case.expectation.split())[:120]}`")
    ours = counts["holds"] + counts["does not hold"]
    print("| feedparser's expectations | feeds |\n| --- | ---: |")
    for verdict, count in counts.most_common():
        print(f"| {verdict} | {count} |")
    print(
        f"\nOf {ours} that concern a parser, {counts['holds']} hold ({100 * counts['holds'] / ours:.2f} %).\n"
    )
    print("\n".join(misses), "\n")


def survey(folder: Path, workers: Workers) -> str:
    """A line of the table of corpora: what came of every document of a folder."""
    counts: Counter[str] = Counter()
    slowest = 0.0
    for path in sorted(path for path in folder.rglob("*") if path.suffix in _SUFFIXES and path.is_file()):
        body = path.read_bytes()
        seen = workers.submit(stock.entries, body).result()
        began = time.perf_counter()
        try:
            got = len(feed.parse(body, url="http://127.0.0.1/feed", max_entries=0).entries)
            counts["feeds"] += 1
        except ParseError as error:
            got = 0
            counts["refused" if "DTD" in str(error) else "no feed"] += 1
        except Exception as error:  # noqa: BLE001 - this is what is counted
            got = 0
            counts["crashes"] += 1
            print(f"- crash: `{path}`: {error!r}")
        slowest = max(slowest, time.perf_counter() - began)
        counts.update({"documents": 1, "seen": seen, "ours": got})
        if got < seen:
            counts["short"] += 1
            print(f"- `{path.relative_to(folder)}`: feedparser sees {seen} entries, our document has {got}")
    names = ("documents", "feeds", "no feed", "refused", "seen", "ours", "short", "crashes")
    return f"| {folder.name} | {' | '.join(str(counts[name]) for name in names)} | {slowest:.2f} |"


def equalities(folder: Path, workers: Workers) -> str:
    """A line of the table of short cuts: do they give what the long way gives?"""
    counts: Counter[str] = Counter()
    for path in sorted(path for path in folder.rglob("*") if path.suffix in _SUFFIXES and path.is_file()):
        text = prolog.trim(decode(path.read_bytes()).text)
        expected = workers.submit(stock.plain, text, deltas.URL).result() if text.startswith("<") else None
        if expected is not None:
            same = stock.simplified(reader.strictly(text, deltas.URL)) == expected
            counts["same" if same else "other"] += 1
            if not same:
                print(f"- `{path.relative_to(folder)}`: our driver finds something else than feedparser's")
        crowd = deltas.crowded(text.encode())
        verdicts = [deltas.compare(crowd, keep) for keep in _KEPT] if crowd else [None]
        counts.update({True: "equal", False: "unequal", None: "whole"}[verdict] for verdict in verdicts)
    names = ("same", "other", "equal", "unequal", "whole")
    return f"| {folder.name} | {' | '.join(str(counts[name]) for name in names)} |"


def main() -> None:
    """Prints the tables."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("feedparser", type=Path)
    arguments.add_argument("others", type=Path, nargs="*")
    folders = arguments.parse_args()
    with Workers(1, memory=2**30, tasks=100_000) as workers:
        expectations(folders.feedparser, workers)
        lines = [survey(folder, workers) for folder in (folders.feedparser, *folders.others)]
        equal = [equalities(folder, workers) for folder in (folders.feedparser, *folders.others)]
    _print_table(
        "corpus|documents|feeds|no feed|refused|feedparser's entries|our entries|short|crashes|slowest, s",
        lines,
    )
    _print_table("corpus|driver: same|other|delta: equal|unequal|parsed whole", equal)


def _print_table(columns: str, lines: list[str]) -> None:
    print(f"\n| {columns.replace('|', ' | ')} |\n| --- |{' ---: |' * columns.count('|')}")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
