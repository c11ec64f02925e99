"""What commands print: tables, JSON, and progress. Knows how things look, not how they are made."""

import json
import sys
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len

from aggregator import streams

if TYPE_CHECKING:
    from aggregator.errors import Problem
    from aggregator.explaining import Explanation
    from aggregator.health import Health
    from aggregator.publish_files import PublishReport
    from aggregator.rebuilding import Rebuilt
    from aggregator.refine.results import Ruled
    from aggregator.refine.worddiff import Change
    from aggregator.reports import PassReport, SourceReport
    from aggregator.showing import Shown
    from aggregator.store.backtest import Backtest
    from aggregator.store.tombs import Tomb
    from aggregator.trial import Trial

STYLES = {"failed": "red", "updated": "green", "dead": "red", "gone": "red", "failing": "yellow"}


def print_json(value: object) -> None:
    """Print a value as JSON; moments in ISO 8601."""
    streams.say(json.dumps(value, ensure_ascii=False, indent=1, default=_plain))


def clean(text: str) -> str:
    """Make text from strangers harmless on a terminal."""
    if text.isprintable():
        return text
    return "".join(" " if unicodedata.category(character) == "Cc" else character for character in text)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, frozenset):
        return sorted(value)
    return str(value)


def _print_table(headers: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> None:
    """Print rows under headers; a header's value is its column's justification."""
    cells = [[clean(str(cell)) for cell in row] for row in rows]
    if sys.stdout.isatty():
        _print_folded(headers, cells)
        return
    lines = [list(headers), *cells]
    widths = [max(map(cell_len, column)) for column in zip(*lines, strict=True)]
    sides = [justify == "right" for justify in headers.values()]
    columns = [zip(line, widths, sides, strict=True) for line in lines]
    padded = ("  ".join(_padded(cell, width, right=right) for cell, width, right in line) for line in columns)
    streams.say("\n".join(line.rstrip() for line in padded))


def _padded(cell: str, width: int, *, right: bool) -> str:
    blank = " " * (width - cell_len(cell))
    return blank + cell if right else cell + blank


def _print_folded(headers: Mapping[str, str], rows: Sequence[Sequence[str]]) -> None:
    """A table on a terminal, which colours it and folds what is too wide for it."""
    from rich.console import Console  # rich takes long to import
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for header, justify in headers.items():
        table.add_column(header, justify=justify, overflow="fold")  # type: ignore[arg-type]  # "left" or "right"
    for row in rows:
        table.add_row(*(Text(cell, style=STYLES.get(cell, "")) for cell in row))
    Console(highlight=False).print(table)


def print_pass(report: "PassReport") -> None:
    """Print the summary of a pass: a line a source, what failed, what was written."""
    drops = any(row.dropped for row in report.sources)
    old = any(row.counts.expired for row in report.sources)
    rows = [
        (
            row.source,
            row.result,
            *_or_blank(row),
            *((row.dropped or "",) if drops else ()),
            *((row.counts.expired or "",) if old else ()),
            f"{row.seconds:.1f}",
        )
        for row in report.sources
    ]
    if rows:
        more = (*(("dropped",) if drops else ()), *(("too old",) if old else ()))
        numbers = ("new", "changed", "duplicate", *more, "seconds")
        _print_table({"source": "left", "outcome": "left", **dict.fromkeys(numbers, "right")}, rows)
    else:
        streams.say("no source is due")
    for row in report.sources:
        for message in row.messages:
            streams.say(clean(f"{row.source}: {message}"))
    print_publish(report.publish)


def _or_blank(row: "SourceReport") -> tuple[object, object, object]:
    counts = row.counts
    return (counts.new, counts.changed, counts.duplicate) if row.result == "updated" else ("", "", "")


def check_json(
    file: Path, problems: Sequence["Problem"], warnings: Sequence[object] = (), rows: Sequence["Trial"] = ()
) -> dict[str, object]:
    """What is wrong with the settings, and what became of trying sources, as JSON values."""
    return {
        "file": str(file),
        "problems": [asdict(problem) for problem in problems],
        "warnings": list(map(str, warnings)),
        "sources": [asdict(row) for row in rows],
    }


def print_publish(report: "PublishReport") -> None:
    """Print what publishing did."""
    streams.say(
        f"published: {report.posts} posts, {report.feeds} feeds, {report.pages} pages written; "
        f"{report.removed} files removed"
    )
    for line in (*report.problems, *report.kept):
        streams.say(clean(line))


def print_rebuilt(report: "Rebuilt") -> None:
    """Print what came of posts."""
    streams.say(
        f"{report.posts} posts read, {report.articles} articles made; now: aggregator publish --force"
    )
    for problem in report.problems:
        streams.say(clean(problem))


def print_trials(rows: Sequence["Trial"]) -> None:
    """Print what `check --fetch` found."""
    if rows:
        cells = [
            (
                row.source,
                "failed" if row.failed else "ok",
                row.entries,
                _when(row.newest) if row.newest else "",
            )
            for row in rows
        ]
        _print_table({"source": "left", "outcome": "left", "entries": "right", "newest": "left"}, cells)
    for row in rows:
        for problem in row.problems:
            streams.say(clean(f"{row.source}: {problem}"))
        for ruled in row.rules:
            streams.say(clean(f"{row.source}: {_ruled(ruled)}"))


_RULED = {"keep": "drops", "drop": "drops", "rewrite": "changes", "route": "routes"}


def _ruled(ruled: "Ruled") -> str:
    """What a rule does, in a line."""
    samples = "; ".join(repr(sample) for sample in ruled.samples)
    more = ", …" if ruled.count > len(ruled.samples) else ""
    return (
        f"{ruled.rule} {_RULED[ruled.action]} {ruled.count} {'entry' if ruled.count == 1 else 'entries'}"
        + (f": {samples}{more}" if samples else "")
    )


def _because(evidence: str | None) -> str:
    return f" ({evidence})" if evidence else ""


def print_explanation(one: "Explanation") -> None:
    """Print where an article comes from and what was done to it."""
    lines = [
        one.title or "(untitled)",
        f"  uid          {one.uid}",
        f"  link         {one.link or 'none'}",
        f"  post         {one.post}",
        f"  date         {_when(one.date)}: {one.date_why}",
        f"  sorted by    {_when(one.sorted_by)}: {one.sorted_why}",
        f"  first seen   {_when(one.first_seen)}",
        f"  updated      {_when(one.updated)}",
        f"  image        {one.image}: {one.image_why}" if one.image else "  image        none",
        f"  language     {one.language or 'unknown'}",
        *([f"  rights       {one.rights}"] if one.rights else []),
    ]
    for seen in one.sightings:
        lines.append(
            f"  seen         {_when(seen.at)} from {seen.source}: {seen.how}{_because(seen.evidence)}"
        )
        lines += [
            f"               {name} {value}"
            for name, value in (("link", seen.link), ("guid", seen.guid))
            if value
        ]
        lines += [f"               dated {_when(seen.published)}"] if seen.published else []
        lines += ["               title and text are from here"] if seen.words else []
    lines += (f"  cleaned      {sentence}" for sentence in one.cleaned)
    lines += (f"  would be dropped by {rule}" for rule in one.dropped_by)
    lines += [f"  held         for flood {one.flood}: see `aggregator floods`"] if one.flood else []
    lines += (
        f"  alike        {other.likeness:.2f} {other.uid[:8]} {other.title!r}: {other.why}"
        for other in one.alike
    )
    for line in lines:
        streams.say(clean(line))


_REMOVED = {
    "takedown": "taken down",
    "retention": "older than [storage] keep allows",
    "flood": "dropped with a flood",
}


def print_removed(tomb: "Tomb") -> None:
    """Print what became of an article that may not come back."""
    name = tomb.link or tomb.guid or tomb.uid or tomb.source
    reason = f" ({tomb.reason})" if tomb.reason else ""
    streams.say(clean(str(name)))
    streams.say(clean(f"  removed      {_when(tomb.at)}: {_REMOVED[tomb.kind]}{reason}"))
    if tomb.kind == "takedown":
        streams.say(f"  undo         aggregator takedown --undo {tomb.id}")


def print_article(one: "Shown") -> None:
    """Print an article, or how it came to say what it says if the history was asked for."""
    dates = [f"published {_when(one.published)}"] if one.published else []
    dates += [f"first seen {_when(one.first_seen)}"]
    dates += [f"updated {_when(one.updated)}"] if one.updated != (one.published or one.first_seen) else []
    heading = [
        one.title or "(untitled)",
        f"  uid   {one.uid}",
        f"  link  {one.link or 'none'}",
        f"  date  {', '.join(dates)}",
        *([f"  by    {', '.join(one.authors)}"] if one.authors else []),
        *(f"  from  {each.source}" + (f": {each.link}" if each.link else "") for each in one.sources),
    ]
    for line in heading:
        streams.say(clean(line))
    _print_block(one.text if one.first is None else one.first)
    for edit in one.edits:
        streams.say(f"\nedited {_when(edit.at)}")
        for name, changes in (("title", edit.title), ("link", edit.link), ("text", edit.text)):
            if any(kind != "same" for kind, _ in changes):
                _print_marked(f"{name}: ", changes)
    if one.first is not None and not one.edits:
        streams.say("\nno earlier version is kept")


def _print_block(text: str) -> None:
    for line in text.splitlines():
        streams.say(f"\n{clean(line)}")


_MARKS = {"old": ("[-", "-]", "red"), "new": ("{+", "+}", "green"), "same": ("", "", "")}


def _print_marked(name: str, changes: Sequence["Change"]) -> None:
    """Changes between marks that need no colour; lines that nothing happened to are left out."""
    from rich.console import Console
    from rich.text import Text

    found = Text(name)
    for at, (kind, text) in enumerate(changes):
        begin, end, style = _MARKS[kind]
        lines = [clean(line) for line in text.split("\n")]
        if kind == "same":
            # What belongs to the lines of the changes before and after.
            head, tail = at > 0, at + 1 < len(changes)
            lines = lines if len(lines) <= head + tail else [*lines[:head], "…", *lines[len(lines) - tail :]]
        found.append(begin + "\n".join(lines) + end, style)
    Console(highlight=False).print(found, soft_wrap=True)


def print_health(rows: Sequence["Health"]) -> None:
    """Print the health of sources."""
    cells = [
        (
            row.name,
            row.status,
            row.articles,
            f"{row.per_day:.1f}",
            _when(row.last_success),
            _when(row.next_due) if row.next_due else "",
        )
        for row in rows
    ]
    columns = {"source": "left", "status": "left", "articles": "right", "a day": "right"}
    _print_table({**columns, "last success": "left", "next due": "left"}, cells)
    for row in rows:
        for message in row.messages:
            streams.say(clean(f"{row.name}: {message}"))


def _when(moment: datetime | None) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC") if moment else "never"


@contextmanager
def progress(*, quiet: bool) -> Iterator[Callable[["SourceReport", int], None]]:
    """Yield a callable that is told of each finished source and how many there are in all.

    A bar on a terminal, plain lines elsewhere, nothing if `quiet`; all on standard error.
    """
    if quiet:
        yield lambda _row, _total: None
    elif not sys.stderr.isatty():
        yield _print_line
    else:
        from rich.console import Console
        from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

        columns = (SpinnerColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("", total=None)

            def seen(row: "SourceReport", total: int) -> None:
                bar.update(task, total=total, advance=1, description=row.source)

            yield seen


def _print_line(row: "SourceReport", _total: int) -> None:
    streams.tell(clean(f"{row.source}: {row.result}"))


def print_tombs(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print what was taken down."""
    cells = [
        (
            row["id"],
            f"{row['at']:%Y-%m-%d}",
            row["source"] or row["link"] or row["guid"] or row["uid"],
            row["reason"],
        )
        for row in rows
    ]
    _print_table({"number": "right", "removed": "left", "what": "left", "reason": "left"}, cells)


def print_floods(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print the floods that are held back."""
    cells = [
        (row["id"], row["source"], f"{row['at']:%Y-%m-%d}", row["held"], row["expected"]) for row in rows
    ]
    columns = {"number": "right", "source": "left", "came": "left", "held": "right", "expected": "right"}
    _print_table(columns, cells)


def backtest_json(found: "Backtest") -> dict[str, object]:
    """The same as JSON values."""
    counts = {"articles": found.articles, "stay": found.stay}
    tables = {"merges": dict(found.merges), "splits": dict(found.splits)}
    samples = {
        "merged": [asdict(pair) for pair in found.merged],
        "split": [asdict(pair) for pair in found.split],
    }
    return {**counts, **tables, **samples}


def print_backtest(found: "Backtest") -> None:
    """Print what other rules of identity would make of the store."""
    streams.say(f"{found.articles} articles: {found.stay} would stay as they are")
    for word, counts, pairs in (("merge", found.merges, found.merged), ("split", found.splits, found.split)):
        for rung, count in sorted(counts.items()):
            streams.say(f"{count} would {word} by {rung}")
        for pair in pairs:
            streams.say(
                clean(f"  {pair.rung}: {pair.one[:8]} {pair.title!r} - {pair.other[:8]} {pair.other_title!r}")
            )
