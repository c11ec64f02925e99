"""What the operator chose, as the rooms need it: frozen values, made by `config` from feeds.toml."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from aggregator.model import CategoryPath, Node, SourceKind

SECRETS = r"token|secret|pass(?:wo?r?d)?|pwd|key|sig(?:nature)?|auth|credentials?|session"
"""How parameters that hold secrets are called: so their names end. Elsewhere (`author`) it is chance."""

# What stands between `://` and the last `@` in an address, and the values of parameters that name secrets.
_USERINFO = re.compile(r"(://)[^/?#\s]+@")
_PARAMETER = re.compile(rf"([?&;][\w.%-]*(?:{SECRETS})=)[^&;#\s'\"]+", re.IGNORECASE)


def redact(text: str) -> str:
    """The text without credentials in addresses: user, password, and parameters that hold secrets."""
    return _PARAMETER.sub(r"\1***", _USERINFO.sub(r"\1***@", text))


def holds_secret(address: str | None) -> bool:
    """Whether an address is not for everybody's eyes."""
    return address is not None and redact(address) != address


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


RuleField = Literal["title", "text", "author", "tags", "link", "language"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one field of an entry is held against: any of some words, or a regular expression."""

    field: RuleField
    words: tuple[str, ...] = ()
    regex: str | None = None


@dataclass(frozen=True, slots=True)
class Rewrite:
    """What a regular expression finds in a title or link is replaced; groups may be used."""

    field: Literal["title", "link"]
    regex: str
    replacement: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One `[[rules]]` table, for the sources that it names.

    keep      entries that do not fit `when` are dropped
    drop      entries that fit are dropped
    rewrite   title or link of entries that fit are changed; this happens before all else
    route     entries that fit go under `path` instead of the source's categories

    An entry fits when every one of `when` does. `category` is the start of the category paths
    that the rule is for; `label` names the rule to people.
    """

    label: str
    action: Literal["keep", "drop", "rewrite", "route"]
    when: tuple[Wanted, ...] = ()
    category: CategoryPath = ()
    rewrites: tuple[Rewrite, ...] = ()
    path: CategoryPath = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One `[[sources]]` or `[[seeds]]` table. Its name is its identity.

    `players` are hosts whose frames may stay (None: the usual ones); `tracking`: links keep their
    tracking parameters; `excerpt`: characters of each body that are republished (None: all);
    `full_text`: bodies are taken from the pages that entries link to.
    """

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
    rules: tuple[Rule, ...] = ()
    players: frozenset[str] | None = None
    tracking: bool = False
    excerpt: int | None = None
    full_text: bool = False

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How the store decides what an entry is, and what it keeps; durations in seconds.

    near            what to do with nearly the same text of another source: one article ("merge"),
                    two that name each other ("link"), or nothing ("off")
    threshold       how alike such texts are, 0.0 to 1.0
    window          how far their dates may lie apart
    keep_revisions  how many earlier versions of an article are kept
    flood_limit     how many old entries a source may come up with at once; None: any number
    flood_age       from which age an entry is old
    """

    near: Literal["merge", "link", "off"] = "link"
    threshold: float = 0.5
    window: float = 3 * 86400.0
    keep_revisions: int = 10
    flood_limit: int | None = 20
    flood_age: float = 7 * 86400.0
