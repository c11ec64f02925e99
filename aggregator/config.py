"""feeds.toml to Settings; every mistake in the file is reported, with where and why.

The keys are described in `tables`; here the file is read, its problems are put into words, and
the tables become frozen `Settings`.
"""

import difflib
import os
import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from aggregator import __version__
from aggregator.crosschecks import across, missing_files, name_of, place_of, storage_url, under
from aggregator.errors import Problem, SettingsError
from aggregator.model import Node
from aggregator.options import FetchPolicy, Policy, Site, Source, Terms, redact
from aggregator.rule_tables import rules_for
from aggregator.tables import FeedTable, FetchTable, FileTables, SeedTable, TermsTable

_URI = re.compile(r"[A-Za-z0-9\-._~:/@!$&'()*+,;=%\[\]]+")
DEFAULT_FILE = Path("feeds.toml")
FILE_VARIABLE = "AGGREGATOR_CONFIG"

# Keys whose feature this version does not have, and the value that asks for nothing.
_NOT_YET: dict[tuple[str, str], object] = {
    ("scale", "engine"): "local",
}


# --- the result -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What feeds.toml says, with defaults applied and paths made absolute."""

    file: Path
    site: Site
    storage_url: str
    outputs: Path
    workers: int
    sources: tuple[Source, ...]
    full_text_budget: int = 100
    fetch: FetchPolicy = field(default_factory=FetchPolicy)
    keep: float | None = None
    policy: Policy = field(default_factory=Policy)
    bind: str = "127.0.0.1:8080"
    serve_in_daemon: bool = False
    warnings: tuple[Problem, ...] = ()


def settings_file(path: Path | None) -> Path:
    """The file to read: as given, else as `AGGREGATOR_CONFIG` says, else `feeds.toml` here."""
    return path or Path(os.environ.get(FILE_VARIABLE) or DEFAULT_FILE)


def load(path: Path | None = None, *, files: bool = False) -> Settings:
    """Read and validate the settings. Raises SettingsError with every problem in the file.

    With `files`, sources whose file or folder is not there are problems too. A pass does without:
    they are one source's failure, and may be there next time.
    """
    file = _whole(settings_file(path))
    raw = _read(file)
    problems: list[Problem] = []
    try:
        tables = FileTables.model_validate(raw)
    except ValidationError as error:
        tables = FileTables()
        problems += [_problem(detail, raw) for detail in error.errors()]
    problems += across(raw, file)
    if files:
        problems += missing_files(raw, file.parent)
    if problems:
        raise SettingsError(file, tuple(problems))
    return _settings(file, tables, tuple(_warnings(raw)))


def _whole(file: Path) -> Path:
    """The file's path from the root. Raises SettingsError where no database can hold its folder's."""
    try:
        whole = file.absolute()
        str(whole.parent).encode()
    except FileNotFoundError:
        right = "go to another folder, or name the file by its whole path"
        raise SettingsError(
            file, (Problem("file", "the current folder is not there any more", right),)
        ) from None
    except UnicodeEncodeError:
        right = "move it to one whose name is"
        raise SettingsError(file, (Problem("file", "its folder's name is not UTF-8", right),)) from None
    return whole


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        right = f"make it, or name another with --config or {FILE_VARIABLE}"
        raise SettingsError(file, (Problem("file", "it is not there", right),)) from None
    except OSError as error:
        right = "name the file itself" if file.is_dir() else "make it readable for this user"
        raise SettingsError(file, (Problem("file", f"cannot be read: {error.strerror}", right),)) from error
    except UnicodeDecodeError as error:
        raise SettingsError(
            file, (Problem(f"byte {error.start}", "not UTF-8", "save the file as UTF-8"),)
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(file, (Problem("TOML", str(error), "correct the syntax there"),)) from error


# --- problems -------------------------------------------------------------------------------


def _place(location: tuple[int | str, ...], raw: dict[str, Any]) -> str:
    """Table and key of a pydantic location, with the source's number and name."""
    table = str(location[0])
    rest = location[1:]
    if len(location) > 1 and isinstance(location[1], int):
        place = place_of(table, location[1] + 1, raw[table][location[1]])
        rest = location[2:]
    elif not rest:
        return f"key {table}"
    else:
        place = f"[{table}]"
    keys = [
        str(part) for part in rest if isinstance(part, int) or not part.startswith(("literal", "function"))
    ]
    return f"{place}, key {'.'.join(keys)}" if keys else place


def _problem(detail: ErrorDetails, raw: dict[str, Any]) -> Problem:
    location = detail["loc"]
    where = _place(location, raw)
    kind = detail["type"]
    if kind == "extra_forbidden":
        return Problem(where, "unknown key", _did_you_mean(location))
    if kind == "missing":
        return Problem(where, "missing", _MISSING.get((str(location[0]), str(location[-1])), "add it"))
    keys = _SECRET_KEYS.intersection(map(str, location))
    found = "not as it should be" if keys else f"found {_short(detail['input'])}"
    message = detail["msg"].removeprefix("Value error, ")
    right = _RIGHT.get(kind) or message[0].lower() + message[1:]
    if kind == "tuple_type" and len(location) == 1:
        right = f"write each in a table of its own that begins with [[{location[0]}]]"
    return Problem(where, found, right)


_MISSING = {
    ("sources", "categories"): 'add it, from wide to narrow, like categories = ["News", "Example"]',
    ("seeds", "path"): 'add the folder, like path = "seeds"',
    ("categories", "path"): 'add the category, from wide to narrow, like path = ["News", "Example"]',
}

# Whoever writes a password here by mistake does not want it in the journal too.
_SECRET_KEYS = frozenset({"auth", "headers", "proxy"})

# What pydantic says of some kinds of mistake is about Python.
_RIGHT = {
    "tuple_type": 'write a list, like ["…", "…"]',
    "model_type": "write a table with keys of its own",
    "bool_type": "write true or false, without quotes",
}


def _short(value: object) -> str:
    text = redact(repr(value))
    return text if len(text) <= 60 else text[:59] + "…"


def _did_you_mean(location: tuple[int | str, ...]) -> str:
    model: type[BaseModel] = FileTables
    for part in location[:-1]:
        if isinstance(part, str) and part in model.model_fields:
            model = _model_of(model.model_fields[part].annotation)
    known = sorted(model.model_fields)
    close = difflib.get_close_matches(str(location[-1]), known, 1)
    return f"did you mean {close[0]}?" if close else f"known here: {', '.join(known)}"


def _model_of(annotation: Any) -> type[BaseModel]:  # noqa: ANN401 - the shape of an annotation
    inner = getattr(annotation, "__args__", (annotation,))[0]
    return inner if isinstance(inner, type) and issubclass(inner, BaseModel) else FileTables


def _warnings(raw: dict[str, Any]) -> Iterator[Problem]:
    for (table, key), inert in _NOT_YET.items():
        value = raw.get(table, {}).get(key, inert)
        if value != inert:
            yield Problem(f"[{table}], key {key}", f"set to {value!r}", "this version does not act on it yet")
    for table in ("seeds", "sources"):
        for number, row in enumerate(raw.get(table, []), 1):
            if "workers" in row:
                yield Problem(f"[[{table}]] {number}, key workers", "set", "it has a meaning in [fetch] only")


# --- settings -------------------------------------------------------------------------------


def _settings(file: Path, tables: FileTables, warnings: tuple[Problem, ...]) -> Settings:
    place = partial(under, file.parent)
    base_url = _uri(tables.site.base_url)
    site = Site(
        title=tables.site.title,
        base_url=base_url if base_url.endswith("/") else base_url + "/",
        language=tables.site.language,
        entries_per_feed=tables.outputs.entries_per_feed,
        formats=tables.outputs.formats,
        extra_keys=tables.posts.extra_keys,
        fallback_image=tables.posts.fallback_image,
        flavour=tables.posts.flavour,
        hub=tables.publish.hub,
        terms=tuple(_terms(tables)),
    )
    agent = tables.fetch.user_agent or f"aggregator/{__version__} (+{site.base_url})"
    seeds = tuple(_seed(table, tables, place) for table in tables.seeds)
    feeds = tuple(_feed(table, tables, agent, place) for table in tables.sources)
    return Settings(
        file=file,
        site=site,
        storage_url=storage_url(tables.storage.url, file.parent),
        outputs=place(tables.outputs.directory),
        workers=tables.fetch.workers or 16,
        sources=seeds + feeds,
        full_text_budget=tables.fetch.full_text_budget,
        fetch=_policy(tables.fetch, tables.fetch, agent),
        keep=tables.storage.keep,
        policy=_store_policy(tables),
        bind=tables.serve.bind,
        serve_in_daemon=tables.serve.in_daemon,
        warnings=warnings,
    )


def _uri(address: str) -> str:
    """A web address as people write it to what RFC 3986 allows, as outputs and the user agent have it."""
    if _URI.fullmatch(address):
        return address
    from aggregator.refine.urls import published

    return published(address) or address


def _store_policy(tables: FileTables) -> Policy:
    return Policy(
        near=tables.dedup.near,
        threshold=tables.dedup.threshold,
        window=tables.dedup.window,
        keep_revisions=tables.storage.keep_revisions,
        flood_limit=tables.flood.limit or None,
        flood_age=tables.flood.age,
    )


def _name(table: SeedTable | FeedTable) -> str:
    return name_of(table.name, table.url if isinstance(table, FeedTable) else None, table.path)


def _terms(tables: FileTables) -> Iterator[tuple[Node, Terms]]:
    """The terms that somebody set, and what they are for."""
    for_nodes: list[tuple[Node, TermsTable]] = [(Node("category", ()), tables.site)]
    for_nodes += [(Node("category", table.path), table) for table in tables.categories]
    for_nodes += [(Node("source", (_name(seed),)), seed) for seed in tables.seeds]
    for_nodes += [(Node("source", (_name(feed),)), feed) for feed in tables.sources]
    for node, table in for_nodes:
        terms = Terms(noindex=table.noindex, excerpt=table.excerpt_only, licence=table.licence)
        if terms != Terms():
            yield node, terms


def _players(tables: FileTables) -> frozenset[str] | None:
    return None if tables.clean.players is None else frozenset(tables.clean.players)


def _seed(table: SeedTable, tables: FileTables, place: Callable[[Path], Path]) -> Source:
    name = _name(table)
    return Source(
        name=name,
        kind="seed",
        path=place(table.path),
        categories=table.categories or (name,),
        timezone=table.timezone,
        markup=table.markup,
        proxy_prefixes=table.proxy_prefixes,
        enabled=table.enabled,
        keep=table.keep if "keep" in table.model_fields_set else tables.storage.keep,
        rules=rules_for(tables.rules, name),
        players=_players(tables),
    )


def _feed(table: FeedTable, tables: FileTables, agent: str, place: Callable[[Path], Path]) -> Source:
    name = _name(table)
    return Source(
        name=name,
        kind="feed",
        url=table.url,
        path=place(table.path) if table.path is not None else None,
        categories=table.categories,
        enabled=table.enabled,
        fetch=replace(_policy(table, tables.fetch, agent), schedule=table.schedule, auth=table.auth),
        keep=table.keep if "keep" in table.model_fields_set else tables.storage.keep,
        rules=rules_for(tables.rules, name),
        players=_players(tables),
        tracking=table.keep_tracking,
        excerpt=table.excerpt,
        full_text=table.full_text,
    )


def _policy(table: FetchTable, defaults: FetchTable, agent: str) -> FetchPolicy:
    """What a table says of fetching, else the defaults."""
    shared = set(FetchPolicy.__dataclass_fields__) & set(FetchTable.model_fields)
    chosen = {
        key: value
        for key in sorted(shared)
        if (value := getattr(table, key) if getattr(table, key) is not None else getattr(defaults, key))
        is not None
    }
    return FetchPolicy(**({"user_agent": agent} | chosen))
