"""Mistakes in feeds.toml that no key shows by itself: two that clash, one too many, files that are not there.

They are looked for in the tables as they were written, so that `check` reports them beside all
others, whatever else is wrong with the file.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from aggregator.errors import Problem
from aggregator.locks import database_file
from aggregator.options import redact
from aggregator.rule_tables import rule_problems
from aggregator.tables import FeedTable, OutputsTable, StorageTable

Row = Mapping[str, Any]

_ABSENT = "correct the path, or make it; it counts from the folder of feeds.toml"

# Keys of a source that exclude one another.
_EITHER = (
    ("url", "path"),
    ("interval", "schedule"),
    ("excerpt", "full_text"),
)


def under(folder: Path, path: Path) -> Path:
    """A path of the settings, made absolute."""
    return Path(os.path.normpath(folder / os.path.expanduser(path)))  # noqa: PTH111 - leaves ~nobody as it is


def storage_url(url: str, folder: Path) -> str:
    """The database's URL, the file of SQLite made absolute."""
    file = database_file(url)
    if file is None or file == Path(":memory:"):
        return url
    return f"sqlite:///{under(folder, file)}"


def place_of(table: str, number: int, row: object) -> str:
    """A row of a table as messages name it: by its number, counted from 1, and its name."""
    name = row.get("name") if isinstance(row, dict) else None
    return f"[[{table}]] {number}" + (f" {name!r}" if isinstance(name, str) else "")


def name_of(name: str | None, url: str | None, path: str | Path | None) -> str:
    """What a source goes by: its name, else its address without credentials, else its path."""
    return name or redact(url or "") or str(Path(path or ""))


def across(raw: Row, file: Path) -> Iterator[Problem]:
    """What is wrong between keys and tables."""
    yield from _clashes(raw, file.parent)
    for number, row in _rows(raw, "sources"):
        yield from _source(number, row)
    names = {value for table in ("seeds", "sources") for _, row in _rows(raw, table) for value in _name(row)}
    yield from rule_problems(_rows(raw, "rules"), names)
    yield from _exposed(raw, file)


def missing_files(raw: Row, folder: Path) -> Iterator[Problem]:
    """Files and folders that sources name and that are not there, or not what they should be."""
    for table, is_kind, found, right in (
        ("seeds", os.path.isdir, "is no folder", "name the folder that holds the articles"),
        ("sources", os.path.isfile, "is no file", "name the feed file itself"),
    ):
        for number, row in _rows(raw, table):
            path = row.get("path")
            if not isinstance(path, str) or not path.strip():
                continue
            where = f"{place_of(table, number, row)}, key path"
            place = under(folder, Path(path))
            if not os.path.exists(place):  # noqa: PTH110 - it never raises
                yield Problem(where, f"{place} is not there", _ABSENT)
            elif not is_kind(place):
                yield Problem(where, f"{place} {found}", right)


def _rows(raw: Row, table: str) -> Iterator[tuple[int, Row]]:
    rows = raw.get(table)
    for number, row in enumerate(rows if isinstance(rows, list) else [], 1):
        if isinstance(row, dict):
            yield number, row


def _clashes(raw: Row, folder: Path) -> Iterator[Problem]:
    """Names and addresses that two sources share."""
    seen: dict[tuple[str, str], str] = {}
    for table in ("seeds", "sources"):
        for number, row in _rows(raw, table):
            for key, given, value in _identities(row, folder):
                place = f"[[{table}]] {number}"
                other = seen.setdefault((key, value), place)
                if other != place:
                    right = "give each a name of its own" if key == "name" else "remove one of them"
                    yield Problem(f"{place}, key {key}", f"{redact(given)!r} is that of {other} too", right)


def _identities(row: Row, folder: Path) -> Iterator[tuple[str, str, str]]:
    """Keys that no two rows may share, as they were given and as they are compared."""
    yield from (("name", value, value) for value in _name(row))
    url, path = row.get("url"), row.get("path")
    if isinstance(url, str):
        yield "url", url, _request(url.strip())
    if isinstance(path, str):
        yield "path", path, str(under(folder, Path(path)))


def _request(url: str) -> str:
    """An address as a server sees it, however it is spelled (RFC 3986 section 6.2)."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return url
    user, at, _ = parts.netloc.rpartition("@")
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    where = f"{user}{at}{parts.hostname or ''}" + (f":{port}" if port not in {None, usual} else "")
    return urlunsplit((parts.scheme, where, parts.path or "/", parts.query, ""))


def _name(row: Row) -> Iterator[str]:
    """What the row goes by, if that can be told."""
    given = [value if isinstance(value := row.get(key), str) else "" for key in ("name", "url", "path")]
    if any(given):
        yield name_of(*given)


def _source(number: int, row: Row) -> Iterator[Problem]:
    where = place_of("sources", number, row)
    if not {"url", "path"} & set(row) and set(row) <= set(FeedTable.model_fields):
        yield Problem(where, "neither url nor path", 'add url = "https://…" or path = "feed.xml"')
    for first, second in _EITHER:
        if first in row and row.get(second, False) is not False:
            yield Problem(where, f"both {first} and {second}", "keep the one that is meant")


def _exposed(raw: Row, file: Path) -> Iterator[Problem]:
    """A folder of outputs is handed out whole: settings and database do not belong there."""
    outputs, storage = raw.get("outputs", {}), raw.get("storage", {})
    directory = outputs.get("directory", OutputsTable().directory) if isinstance(outputs, dict) else None
    url = storage.get("url", StorageTable().url) if isinstance(storage, dict) else None
    if not isinstance(directory, str | Path):
        return
    place = under(file.parent, Path(directory))
    kept = {"the settings": file}
    database = database_file(storage_url(url, file.parent)) if isinstance(url, str) else None
    if database is not None:
        kept["the database"] = database
    for name, path in kept.items():
        if path.is_relative_to(place):
            found = f"{place} holds {name}, {path}, which would be handed out"
            yield Problem("[outputs], key directory", found, "name a folder of its own")
