"""The tables and values of feeds.toml, as pydantic models.

A key that is not a field here is an error, so adding a setting is adding a field. The parsers
raise ValueError whose text says what would be right.
"""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from aggregator.rule_tables import RuleTable

FOREVER = "forever"
LONGEST = 36500 * 86400.0
MOST = 1_000_000_000
"""What all that counts and waits can bear."""
LONGEST_WINDOW = 60 * 86400.0
LAST_PORT = 65535

_HOST = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+"
_CONTROLS = r"[\x00-\x08\x0a-\x1f\x7f]"
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 7 * 86400.0}
_BYTES = {"": 1, "B": 1}
_BYTES |= {f"{unit}B": 1000**power for power, unit in enumerate("KMG", 1)}
_BYTES |= {f"{unit}iB": 1024**power for power, unit in enumerate("KMG", 1)}


# --- values that people write -------------------------------------------------------------


def parse_duration(value: object) -> float:
    """Seconds in a text like "90s", "30m", "1h30m" or "365d". Raises ValueError."""
    text = value if isinstance(value, str) else ""
    parts = re.findall(r"(\d+(?:\.\d+)?)\s*([smhdw])\s*", text)
    if not parts or re.sub(r"(\d+(?:\.\d+)?)\s*([smhdw])\s*", "", text):
        raise ValueError('write a duration like "90s", "30m", "1h30m" or "365d"')
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def parse_size(value: object) -> int:
    """Bytes in a text like "10MiB" or "500KB", or a whole number of bytes. Raises ValueError."""
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMG]?i?B?)", value) if isinstance(value, str) else None
    if match is None or match[2] not in _BYTES or float(match[1]) <= 0:
        raise ValueError('write a size like "10MiB", "500KB" or a number of bytes')
    return int(float(match[1]) * _BYTES[match[2]])


def _positive_duration(value: object) -> float:
    seconds = _pause(value)
    if seconds <= 0:
        raise ValueError('write a duration above zero, like "30s"')
    return seconds


def _pause(value: object) -> float:
    seconds = parse_duration(value)
    if seconds > LONGEST:
        raise ValueError('write at most "36500d", a hundred years')
    return seconds


def _at_most(longest: float, right: str) -> BeforeValidator:
    def within(value: object) -> float:
        seconds = _positive_duration(value)
        if seconds > longest:
            raise ValueError(f"write at most {right}")
        return seconds

    return BeforeValidator(within)


def _keep(value: object) -> float | None:
    return None if value == FOREVER else _positive_duration(value)


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("write some text")
    if "\0" in value:  # no path holds it, nor does PostgreSQL
        raise ValueError("remove the NUL characters")
    return value


def _path(value: object) -> Path:
    return Path(_text(value))


def _http_url(value: object) -> str:
    text = _text(value)
    try:
        parts = urlsplit(text)
        fits = parts.scheme.lower() in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits = False
    if not fits or re.search(rf"\s|{_CONTROLS}", text):
        raise ValueError('write a whole address, like "https://example.org/feed.xml"')
    return text


def _site_url(value: object) -> str:
    text = _http_url(value)
    if "?" in text or "#" in text:
        raise ValueError(
            'write the address of a folder, like "https://news.example.org/": paths are put to it'
        )
    return text


def _agent(value: object) -> str:
    text = _text(value)
    if re.search(_CONTROLS, text):
        raise ValueError("remove the control characters")
    return text


def _language(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*", value):
        raise ValueError('write a language tag, like "en", "zh" or "pt-BR"')
    return value


def _database(value: object) -> str:
    if not isinstance(value, str) or not re.match(r"sqlite:///|postgresql(\+psycopg)?://", value):
        raise ValueError('write "sqlite:///" and a path, like "sqlite:///storage/aggregator.db"')
    return value


def _bind(value: object) -> str:
    text = value if isinstance(value, str) else ""
    address = re.fullmatch(r"\[?[^\s\]]+\]?:(\d{1,5})", text)
    if not re.fullmatch(r"unix:/.+", text) and (address is None or int(address[1]) > LAST_PORT):
        raise ValueError(
            'write an address and a port, like "127.0.0.1:8080", or "unix:/run/aggregator/http.sock"'
        )
    return text


def _headers(value: object) -> dict[str, str]:
    rows = value if isinstance(value, dict) else {"": ""}
    for name, text in rows.items():
        if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name) or not isinstance(text, str):
            raise ValueError('write header names with texts, like {"Accept-Language" = "zh"}')
        if re.search(_CONTROLS, text):
            raise ValueError(f"remove the control characters from the value of {name}")
    return dict(rows)


def _zone(value: object) -> str:
    try:
        return ZoneInfo(_text(value)).key
    except (KeyError, ValueError, OSError):
        raise ValueError('write the name of a time zone, like "Asia/Shanghai" or "UTC"') from None


def _categories(value: object) -> tuple[str, ...]:
    names = value if isinstance(value, list) else [None]
    if any(not isinstance(name, str) or not name.strip() for name in names):
        raise ValueError('write a list of names from wide to narrow, like ["News", "Example", "World"]')
    return tuple(str(name) for name in names)


def _at_least_one_category(value: object) -> tuple[str, ...]:
    names = _categories(value)
    if not names:
        raise ValueError('name at least one category, like ["News"]')
    return names


def _not_empty(value: object) -> object:
    if value == []:
        raise ValueError("name at least one")
    return value


def _cron(value: object) -> str:
    from aggregator.collect.rhythm import next_fire

    text = _text(value)
    try:
        next_fire(text, "UTC", datetime(2026, 1, 1, tzinfo=UTC))
    except (ValueError, TypeError) as error:
        raise ValueError(f'write five cron fields, like "*/30 7-23 * * *" ({error})') from None
    return text


def _auth(value: object) -> str:
    from aggregator.collect.secrets import parse_auth

    text = _text(value)
    parse_auth(text)
    return text


def _hosts(value: object) -> tuple[str, ...]:
    hosts = value if isinstance(value, list) else [None]
    if any(not isinstance(host, str) or not re.fullmatch(_HOST, host, re.IGNORECASE) for host in hosts):
        raise ValueError('write a list of host names, like ["youtube.com"]')
    return tuple(str(host).lower() for host in hosts)


Duration = Annotated[float, BeforeValidator(_positive_duration)]
Timeout = Annotated[float, _at_most(240.0, '"4m": a pass waits for it, and the watchdog for the pass')]
Window = Annotated[float, _at_most(LONGEST_WINDOW, '"60d": what texts are found by is kept no longer')]
Pause = Annotated[float, BeforeValidator(_pause)]
Size = Annotated[int, BeforeValidator(parse_size)]
Keep = Annotated[float | None, BeforeValidator(_keep)]
Name = Annotated[str, BeforeValidator(_text)]
HttpUrl = Annotated[str, BeforeValidator(_http_url)]
OptionalUrl = Annotated[str, BeforeValidator(lambda value: value if value == "" else _http_url(value))]
Headers = Annotated[dict[str, str], BeforeValidator(_headers)]
Zone = Annotated[str, BeforeValidator(_zone)]
Cron = Annotated[str, BeforeValidator(_cron)]
Auth = Annotated[str, BeforeValidator(_auth)]
Path_ = Annotated[Path, BeforeValidator(_path)]
Count = Annotated[int, Field(strict=True, ge=1, le=MOST)]
NoneOrMore = Annotated[int, Field(strict=True, ge=0, le=MOST)]
Flag = Annotated[bool, Field(strict=True)]


# --- the tables -----------------------------------------------------------------------------


class Table(BaseModel):
    """A table that knows all its keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class TermsTable(Table):
    """On what terms something is republished."""

    noindex: Flag = False
    excerpt_only: Flag = False
    licence: Annotated[str, Field(strict=True)] = ""


class SiteTable(TermsTable):
    """What outputs say of the site."""

    title: Name = "aggregator"
    base_url: Annotated[str, BeforeValidator(_site_url)] = "http://localhost:8080/"
    language: Annotated[str, BeforeValidator(_language)] = "en"


class StorageTable(Table):
    """Where articles are kept."""

    url: Annotated[str, BeforeValidator(_database)] = "sqlite:///storage/aggregator.db"
    keep: Keep = None
    keep_revisions: NoneOrMore = 10


class OutputsTable(Table):
    """What is written, and where."""

    directory: Path_ = Path("outputs")
    entries_per_feed: Count = 50
    formats: Annotated[tuple[Literal["atom", "rss", "json"], ...], BeforeValidator(_not_empty)] = (
        "atom",
        "rss",
        "json",
    )


class PostsTable(Table):
    """The front matter of posts."""

    extra_keys: tuple[Literal["link", "guid", "tags", "updated", "source", "also_in"], ...] = ("link",)
    fallback_image: OptionalUrl = ""
    flavour: Literal["hexo", "jekyll", "hugo"] = "hexo"


class DedupTable(Table):
    """What counts as the same article."""

    near: Literal["merge", "link", "off"] = "link"
    # Below, the labelled set has other writings among what is alike (docs/identity.md).
    threshold: Annotated[float, Field(ge=0.3, le=1.0, allow_inf_nan=False)] = 0.5
    window: Window = 3 * 86400.0


class FloodTable(Table):
    """When many old entries at once are held back."""

    limit: NoneOrMore = 20
    age: Duration = 7 * 86400.0


class PublishTable(Table):
    """Who is told of changes."""

    hub: OptionalUrl = ""


class ServeTable(Table):
    """How outputs are handed out."""

    bind: Annotated[str, BeforeValidator(_bind)] = "127.0.0.1:8080"
    in_daemon: Flag = False


class ScaleTable(Table):
    """Who does the work."""

    engine: Literal["local", "procrastinate"] = "local"


class FetchTable(Table):
    """What `[fetch]` sets for all sources and a source for itself."""

    interval: Duration | None = None
    max_interval: Duration | None = None
    timeout: Timeout | None = None
    max_bytes: Size | None = None
    max_entries: NoneOrMore | None = None
    workers: Count | None = None
    per_host: Count | None = None
    per_host_delay: Pause | None = None
    user_agent: Annotated[str, BeforeValidator(_agent)] | None = None
    allow_private_networks: Flag | None = None
    proxy: HttpUrl | None = None
    proxy_from_env: Flag | None = None
    verify: Flag | None = None
    headers: Headers | None = None
    dead_after: Duration | None = None


class FetchDefaultsTable(FetchTable):
    """What `[fetch]` sets besides, for the whole pass."""

    full_text_budget: NoneOrMore = 100


class CleanTable(Table):
    """What stays of the HTML of feeds."""

    players: Annotated[tuple[str, ...] | None, BeforeValidator(_hosts)] = None


class SeedTable(TermsTable):
    """One seed directory."""

    path: Path_
    name: Name | None = None
    categories: Annotated[tuple[str, ...], BeforeValidator(_categories)] = ()
    timezone: Zone = "UTC"
    markup: Literal["html", "markdown"] = "html"
    proxy_prefixes: tuple[HttpUrl, ...] = ("https://cors.zfour.workers.dev/?",)
    enabled: Flag = True
    keep: Keep = None


class FeedTable(FetchTable, TermsTable):
    """One feed."""

    categories: Annotated[tuple[str, ...], BeforeValidator(_at_least_one_category)]
    name: Name | None = None
    url: HttpUrl | None = None
    path: Path_ | None = None
    schedule: Cron | None = None
    auth: Auth | None = None
    enabled: Flag = True
    keep: Keep = None
    excerpt: Count | None = None
    full_text: Flag = False
    keep_tracking: Flag = False


class CategoryTable(TermsTable):
    """A category and all below it."""

    path: Annotated[tuple[str, ...], BeforeValidator(_at_least_one_category)]


class FileTables(Table):
    """The whole file."""

    site: SiteTable = SiteTable()
    storage: StorageTable = StorageTable()
    outputs: OutputsTable = OutputsTable()
    posts: PostsTable = PostsTable()
    dedup: DedupTable = DedupTable()
    flood: FloodTable = FloodTable()
    publish: PublishTable = PublishTable()
    serve: ServeTable = ServeTable()
    scale: ScaleTable = ScaleTable()
    clean: CleanTable = CleanTable()
    fetch: FetchDefaultsTable = FetchDefaultsTable()
    seeds: tuple[SeedTable, ...] = ()
    sources: tuple[FeedTable, ...] = ()
    categories: tuple[CategoryTable, ...] = ()
    rules: tuple[RuleTable, ...] = ()
