"""What the operator chose, as the rooms need it: frozen values, made by `config` from feeds.toml."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from aggregator.model import CategoryPath, Node, SourceKind


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchPolicy:
    """How one source is asked, after the defaults of `[fetch]` were applied."""

    interval: float = 3600.0
    max_interval: float = 86400.0
    schedule: str | None = None
    timeout: float = 30.0
    max_bytes: int = 10 * 1024 * 1024
    max_entries: int = 5000
    per_host: int = 1
    per_host_delay: float = 1.0
    user_agent: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    auth: str | None = None
    proxy: str | None = None
    proxy_from_env: bool = False
    verify: bool = True
    allow_private_networks: bool = False
    dead_after: float = 14 * 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One `[[sources]]` or `[[seeds]]` table. Its name is its identity."""

    name: str
    kind: SourceKind
    categories: CategoryPath
    url: str | None = None
    path: Path | None = None
    enabled: bool = True
    fetch: FetchPolicy = FetchPolicy()
    timezone: str = "UTC"
    markup: Literal["html", "markdown"] = "html"
    proxy_prefixes: tuple[str, ...] = ()
    keep: float | None = None

    @property
    def location(self) -> str:
        """The address or path, for messages and `source` elements."""
        return self.url or str(self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """On what terms a category, a source or the whole site is republished.

    `excerpt` shows the beginning of each body only; `licence` is a note, an address in it is linked.
    """

    noindex: bool = False
    excerpt: bool = False
    licence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What outputs say of themselves. `base_url` ends with a slash.

    `terms` hold for a node and all below it; those of the empty category path for the whole site.
    """

    title: str = "aggregator"
    base_url: str = "http://localhost:8080/"
    language: str = "en"
    entries_per_feed: int = 50
    formats: tuple[str, ...] = ("atom", "rss", "json")
    extra_keys: tuple[str, ...] = ("link",)
    fallback_image: str = ""
    flavour: Literal["hexo", "jekyll", "hugo"] = "hexo"
    hub: str = ""
    terms: tuple[tuple[Node, Terms], ...] = ()
