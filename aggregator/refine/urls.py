"""Addresses: made absolute, made presentable, and made comparable.

Rules of this file: strings in, strings out; whatever comes in, nothing is raised. Only http,
https and mailto addresses leave.
"""

import base64
import re
import unicodedata
from functools import lru_cache
from urllib.parse import parse_qsl, quote, unquote, urljoin, urlsplit

import idna

from aggregator.refine.url_tables import (
    FEED_MARK_VALUES,
    FEED_MARKS,
    HOSTS,
    MOBILE_MIDDLE,
    REDIRECTORS,
    TRACKING,
    Host,
)

MAX_PARAMETERS = 100
MAX_URL = 8_000
"""Longer addresses work nowhere and are dropped (except `data:` images, which do not pass here)."""

_TRACKING_EXACT = frozenset(name for name in TRACKING if not name.endswith("*"))
_TRACKING_STARTS = tuple(name[:-1] for name in TRACKING if name.endswith("*"))

# The common case: absolute, a plain host, nothing that would have to be encoded.
_READY = re.compile(
    r"https?://[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::\d{1,5})?(?:[/?#][^\x00-\x20\x7f-\xa0\"<>\\\u1680\u180e\u2000-\u206f\u3000\ud800-\udfff]*)?"
)
_SCHEME = re.compile(r"([a-z][a-z0-9+.\-]*):", re.IGNORECASE)
_WEB = re.compile(r"(https?):[/\\]*", re.IGNORECASE)
# WHATWG URL, "basic URL parser" 1-3: C0 and blanks at the ends go, tabs and newlines go everywhere.
_EDGES = "".join(map(chr, range(0x21)))
_INNER = re.compile(r"[\t\n\r]")
# What may stand in no address as it is; percent-encoded, as browsers do.
_UNSAFE = re.compile(
    r"[\x00-\x20\x7f-\xa0\"<>\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ud800-\udfff\ufffe\uffff]"
)
# What RFC 3986 allows outside the host.
_STRICT = "%:/?#@!$&'()*+,;=-._~"
_STRICT_ONLY = re.compile(r"[A-Za-z0-9%:/?#@!$&'()*+,;=\-._~]*")
# What leaves `published` as it came, and `canonical` but for its scheme: most addresses.
_PUBLISHED = re.compile(
    r"https?://[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?"
    rf"(?:[/?#]{_STRICT_ONLY.pattern})?"
)
_CANONICAL = re.compile(
    r"https?(://(?!www\.)([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)"
    r"(?:/(?!amp\Z)[A-Za-z0-9_~-][A-Za-z0-9_.~-]*)*)"
)
_BAD_HOST = re.compile(r"[\x00-\x20\x7f-\xa0\"'#%/<>?@\\^`{|}]")
_MAIL = re.compile(r"mailto:[^\s<>\"'@]+@[^\s<>\"'@]+|mailto:\?[^\s<>\"']+", re.IGNORECASE)
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_SLUG = re.compile(r"[-_\d]")
_BACKSLASH = "\\"
_AMP_CACHES = (".cdn.ampproject.org", "google.com")
_AMP_CACHE = re.compile(r"/(?:amp|c|v|wp)/(?:s/)?([^/]+\.[^/]+)(/.*)?")


def absolute(url: str, base: str | None = None) -> str | None:
    """`url` as an absolute http, https or mailto address, resolved against `base`, or None.

    What is well-formed stays byte for byte; characters that no address may hold are
    percent-encoded. Reading is as forgiving as in browsers (WHATWG URL): blanks around,
    newlines within, backslashes, a missing slash.
    """
    if len(url) > MAX_URL:
        return None
    if _READY.fullmatch(url):
        return url
    url = _INNER.sub("", url.strip(_EDGES + "\xa0\u3000"))
    scheme = _SCHEME.match(url)
    if scheme:
        return _with_scheme(url, scheme[1].lower())
    if not base:
        return _with_scheme(f"https:{url}", "https") if url.startswith("//") else None
    return _joined(base, url.replace(_BACKSLASH, "/")) if url else None


def _joined(base: str, url: str) -> str | None:
    try:
        joined = urljoin(base, url)
    except ValueError:
        return None
    scheme = _SCHEME.match(joined)
    return _with_scheme(joined, scheme[1].lower()) if scheme else None


def _with_scheme(url: str, scheme: str) -> str | None:
    if scheme == "mailto":
        return url if _MAIL.fullmatch(url) else None
    web = _WEB.match(url)
    if scheme not in {"http", "https"} or web is None:
        return None
    rest = url[web.end() :]
    end = next((at for at, char in enumerate(rest) if char in "/\\?#"), len(rest))
    authority, tail = rest[:end], rest[end:]
    host = authority.rpartition("@")[2]
    if not host or _BAD_HOST.search(host):
        return None
    if not _readable(f"{scheme}://{authority}"):
        return None
    path, mark, rest = tail.partition("?") if "?" in tail.partition("#")[0] else tail.partition("#")
    return f"{scheme}://{authority}{_UNSAFE.sub(_escape, path.replace(_BACKSLASH, '/') + mark + rest)}"


def _readable(url: str) -> bool:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    return bool(parts.hostname)


def _escape(match: re.Match[str]) -> str:
    return quote(match[0].encode("utf-8", "replace"))


def published(url: str | None, base: str | None = None) -> str | None:
    """`url` absolute and as RFC 3986 has it: ASCII, IDNA host, everything else percent-encoded."""
    if url and len(url) <= MAX_URL and _PUBLISHED.fullmatch(url):
        return url
    found = absolute(url, base) if url else None
    if found is None:
        return None
    if found.startswith("mailto:"):
        return quote(found, safe=_STRICT)
    scheme, _, rest = found.partition("://")
    end = next((at for at, char in enumerate(rest) if char in "/?#"), len(rest))
    user, at, host = rest[:end].rpartition("@")
    tail = rest[end:]
    if tail and not _STRICT_ONLY.fullmatch(tail):
        tail = quote(tail, safe=_STRICT)
    if not host.isascii():
        name, colon, port = host.partition(":")
        host = f"{_ascii_host(name)}{colon}{port}"
    return f"{scheme}://{quote(user, safe=':%')}{at}{host}{tail}"


@lru_cache(maxsize=4096)
def _ascii_host(host: str) -> str:
    """The host in lower case and IDNA 2008 (UTS #46 mapping); bare punycode where that knows no name."""
    host = host.lower().rstrip(".")
    if host.isascii():
        return host
    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except idna.IDNAError:
        labels = unicodedata.normalize("NFKC", host).split(".")
        return ".".join(
            f"xn--{label.encode('punycode').decode()}" if not label.isascii() else label for label in labels
        )


# How an address goes on whose host was but points.
_NO_HOST = frozenset({"", "/", "?", "#", ":"})


def canonical(url: str | None) -> str | None:
    """`url` as an identity: equal for two addresses of one page as far as can be told without asking.

    http and https, `www.`, default ports, a trailing slash, fragments (but `#!` and `#/`
    routes), tracking parameters, the order of parameters, AMP and phone variants make no
    difference; hosts in `url_tables.HOSTS` have rules of their own. Idempotent. None for
    what is no web address.
    """
    plain = _CANONICAL.fullmatch(url) if url and len(url) <= MAX_URL else None
    if plain and not _has_rules(plain[2]):
        return "https" + plain[1]
    found = published(url)
    if found is None or found.startswith("mailto:"):
        return None
    # Each round takes off one wrapping at most, and a wrapping is at least this long.
    for _ in range(MAX_URL // 10):
        following = _canonical_once(found)
        if following == found:
            break
        found = following
    return None if found.removeprefix("https://")[:1] in _NO_HOST else found


def _has_rules(host: str) -> bool:
    """Whether more can be made of a host in lower case without `www.`, or of its paths."""
    return host in HOSTS or host == "youtu.be" or ".m." in host or host.endswith(_AMP_CACHES)


def _canonical_once(url: str) -> str:
    rest, _, fragment = url.partition("://")[2].partition("#")
    rest, _, query = rest.partition("?")
    authority, slash, path = rest.partition("/")
    host, port = _split_port(authority.rpartition("@")[2].lower())
    path = _canonical_path(slash + path)
    amp = _AMP_CACHE.fullmatch(path) if host.endswith(_AMP_CACHES) else None
    if amp:
        return f"https://{amp[1]}{amp[2] or ''}" + (f"?{query}" if query else "")
    host, rules = _canonical_host(host)
    if host == "youtu.be" and len(path) > 1:
        host, query, path = "youtube.com", f"v={path[1:]}", "/watch"
    query = _canonical_query(query, rules)
    route = f"#{_canonical_escapes(fragment)}" if fragment[:1] in {"!", "/"} and len(fragment) > 1 else ""
    return f"https://{host}{port}{path}" + (f"?{query}" if query else "") + route


def _split_port(authority: str) -> tuple[str, str]:
    host, colon, port = authority.rpartition(":")
    if not colon or not port.isdigit():
        return authority.rstrip(":"), ""
    # http and https count as one, so 80 and 443 are both "the usual port".
    return host, "" if int(port) in {80, 443} else f":{int(port)}"


def _canonical_host(host: str) -> tuple[str, Host]:
    host = host.rstrip(".")
    while host.startswith("www.") and host.count(".") > 1:
        host = host[4:]
    labels = host.split(".")
    if len(labels) == 4 and labels[1] == "m" and ".".join(labels[2:]) in MOBILE_MIDDLE:
        host = f"{labels[0]}.{labels[2]}.{labels[3]}"
    rules = HOSTS.get(host, _NO_RULES)
    return rules.same_as or host, rules


_NO_RULES = Host()


def _canonical_path(path: str) -> str:
    path = _canonical_escapes(path)
    if "/." in path:
        path = _without_dots(path)
    path = path.rstrip("/")
    start, _, last = path.rpartition("/")
    if last == "amp" and _SLUG.search(start.rpartition("/")[2]):
        path = start.rstrip("/")
    return path


def _without_dots(path: str) -> str:
    """RFC 3986 section 5.2.4."""
    kept: list[str] = []
    for segment in path.split("/")[1:]:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    return "/" + "/".join(kept)


def _canonical_escapes(text: str) -> str:
    """Percent-encoding in one form (RFC 3986 6.2.2): upper-case digits, none for unreserved characters."""
    return _ESCAPE.sub(_canonical_escape, text) if "%" in text else text


def _canonical_escape(match: re.Match[str]) -> str:
    char = chr(int(match[0][1:], 16))
    return char if char in _UNRESERVED else match[0].upper()


def _canonical_query(query: str, rules: Host) -> str:
    if not query:
        return ""
    pieces = [piece for piece in query.split("&") if piece]
    names = {piece.partition("=")[0] for piece in pieces}
    if rules.only and rules.only[0] in names:
        pieces = [piece for piece in pieces if piece.partition("=")[0] in rules.only]
    kept = [piece for piece in pieces if not _is_tracking(piece, rules)]
    kept.sort(key=lambda piece: piece.partition("=")[0])
    return _canonical_escapes("&".join(kept))


def _is_tracking(piece: str, rules: Host) -> bool:
    name, _, value = piece.partition("=")
    name, tracks, may_track = _judged(name)
    return tracks or (may_track and _is_mark(name, value)) or name in rules.drop


@lru_cache(maxsize=1024)
def _tracks(piece: str) -> bool:
    """Whether a parameter with its value tracks on every host; the same ones come again and again."""
    return _is_tracking(piece, _NO_RULES)


@lru_cache(maxsize=4096)
def _judged(name: str) -> tuple[str, bool, bool]:
    """A parameter's name in lower case, whether it tracks, and whether it does with some values."""
    name = unquote(name).lower()
    tracks = name in _TRACKING_EXACT or name.startswith(_TRACKING_STARTS)
    return name, tracks, name in FEED_MARKS or name in {"amp", "outputtype"}


def _is_mark(name: str, value: str) -> bool:
    if name == "amp":
        return value in {"", "1"}
    return value == "amp" if name == "outputtype" else value.lower() in FEED_MARK_VALUES


def without_tracking(url: str) -> str:
    """`url` less its tracking parameters; everything else byte for byte."""
    head, mark, rest = url.partition("?")
    if not mark:
        return url
    query, hash_mark, fragment = rest.partition("#")
    pieces = query.split("&")
    kept = [piece for piece in pieces if not _tracks(piece)]
    if len(kept) == len(pieces):
        return url
    return head + ("?" + "&".join(kept) if kept else "") + hash_mark + fragment


def without_proxy(url: str, prefixes: tuple[str, ...]) -> str:
    """`url` less a proxy put in front of it (`https://proxy/?http://...`)."""
    for prefix in prefixes:
        if prefix and url.startswith(prefix):
            rest = url[len(prefix) :]
            if rest.startswith(("http://", "https://")):
                return rest
            if rest[:12].lower().startswith(("http%3a%2f%2f", "https%3a%2f%")):
                return unquote(rest)
    return url


def may_wrap(url: str) -> bool:
    """Whether an address can hold another one, or tracking: a quick look."""
    return "?" in url or "google.com/" in url or ".ampproject.org/" in url


def redirect_target(url: str) -> str:
    """Where a redirector that carries its target in the address leads; `url` itself if it is none."""
    for _ in range(3):
        target = _one_target(url)
        if target is None:
            return url
        url = target
    return url


def _one_target(url: str) -> str | None:
    if "google.com/" in url or ".ampproject.org/" in url:
        target = _from_google_news(url) or _from_amp_cache(url)
        if target is not None:
            return target
    if not _REDIRECTOR.match(url):
        return None
    head, _, query = url.partition("?")
    host, slash, path = head.partition("://")[2].partition("/")
    host = host.lower().removeprefix("www.")
    names = next(
        (n for (h, p), n in REDIRECTORS.items() if h == host and (slash + path or "/").startswith(p)), ()
    )
    if not names or query.count("&") > MAX_PARAMETERS:
        return None
    values = dict(parse_qsl(query.partition("#")[0]))
    for name in names:
        target = absolute(values.get(name, ""))
        if target is not None and not target.startswith("mailto:"):
            return target
    return None


def _from_amp_cache(url: str) -> str | None:
    """The page that a cache of AMP pages hands out."""
    head, mark, query = url.partition("?")
    host, slash, path = head.partition("://")[2].partition("/")
    found = _AMP_CACHE.fullmatch(slash + path) if host.lower().endswith(_AMP_CACHES) else None
    return absolute(f"https://{found[1]}{found[2] or ''}{mark}{query}") if found else None


def _from_google_news(url: str) -> str | None:
    """What an address of Google News leads to: older ones have it in base64 at the start of their name."""
    named = _GOOGLE_NEWS.match(url)
    if named is None:
        return None
    try:
        data = base64.urlsafe_b64decode(named[1] + "=" * (-len(named[1]) % 4))
    except ValueError:
        return None
    # Protocol buffers: field 1 is 19, field 4 a text, its length in seven bits a byte.
    size, at = (data[3], 4) if data[3] < 128 else (data[3] & 127 | data[4] << 7, 5)
    target = absolute(data[at : at + size].decode("latin-1"))
    return target if target is not None and target.startswith("http") else None


_GOOGLE_NEWS = re.compile(
    r"https?://news\.google\.com/(?:__i/)?(?:rss/)?articles/(CBMi[\w-]{8,2000})", re.ASCII
)
_HOSTS = "|".join(sorted({re.escape(host) for host, _ in REDIRECTORS}))
_REDIRECTOR = re.compile(rf"https?://(?:www\.)?(?:{_HOSTS})[/?]", re.IGNORECASE)
