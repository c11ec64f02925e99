"""Seed files and posts: front matter as a large archive has it (docs/format.md).

Both ways go through one handler of python-frontmatter. Reading forgives whatever the archive did,
writing is exact. What the words of the header mean is decided here, how they are spelled in
`yamltext`, and the body's spelling in `seedtext`.
"""

import functools
import html
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any, Literal
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

import frontmatter
from frontmatter.default_handlers import BaseHandler

from aggregator.errors import ParseError
from aggregator.model import Entry, Origin, Text
from aggregator.parse import markdown, seedtext, yamltext
from aggregator.parse.dates import parse_date

MAX_BYTES = 10 * 1024 * 1024
"""Larger files are refused."""

Markup = Literal["html", "markdown"]

# python-frontmatter trims what it is given, but the body stands untrimmed: a guard at each end.
_HEAD = "|"
_TAIL = "\n|"
_START = re.compile(r"(?:[ \t]*\n)*-{3,}[ \t]*\n")
# `]` and so on: each is one `_` in a title (format.md "Title" 1).
_TITLE_MARKS = str.maketrans(dict.fromkeys(":/\\?*“”<>|[]", "_"))

# Engines make folders of category names, and most file systems end at 255 bytes.
_MAX_NAME_BYTES = 200
_MAX_LEVELS = 12

_OUR_NAME = re.compile(r"-([0-9a-f]{8})\.md\Z")
_REFERENCE = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
# The archive's stand-in for a missing image, https://picsum.photos/400/300?random=N.
_RANDOM_IMAGE = re.compile(
    r"https?://picsum\.photos/[0-9]+(?:/[0-9]+)?/?(?:\?random\b.*)?", re.IGNORECASE | re.DOTALL
)


def title_text(title: str) -> str:
    """A title as headers and file names show it: one line, marks that trouble files as `_`."""
    return yamltext.one_line(title).translate(_TITLE_MARKS)


def _title(value: Any) -> str:  # noqa: ANN401 - metadata of python-frontmatter are objects
    return " " + yamltext.quoted(title_text(str(value)))


def _image(value: Any) -> str:  # noqa: ANN401 - as above
    return " " + yamltext.address(str(value))


def _plain(value: Any) -> str:  # noqa: ANN401 - as above
    return " " + yamltext.plain(yamltext.one_line(str(value)))


def _bare(value: Any) -> str:  # noqa: ANN401 - as above
    return " " + yamltext.one_line(str(value))


# Every key that is written or used, in the order in which they are written.
_KEYS: Mapping[str, Callable[[Any], str]] = {
    "title": _title,
    "categories": yamltext.plain_list,
    "headimg": _image,
    "author": _plain,
    "comments": _bare,
    "date": _bare,
    "thumbnail": _image,
    "layout": _bare,
    "draft": _bare,
    "markup": _bare,
    "link": _plain,
    "guid": _plain,
    "tags": yamltext.plain_list,
    "updated": _bare,
    "source": _plain,
    "also_in": yamltext.plain_list,
}
_LISTS = frozenset(key for key, style in _KEYS.items() if style is yamltext.plain_list)
_TEXTS = frozenset(_KEYS) - _LISTS
# A header without one of these is not ours.
_ALWAYS = frozenset({"title", "categories", "author", "comments", "date"})


class ArchiveHandler(BaseHandler):
    """The archive's front matter for python-frontmatter, which calls the methods by these names."""

    FM_BOUNDARY = re.compile(r"^-{3,}[ \t]*$", re.MULTILINE)
    START_DELIMITER = END_DELIMITER = "---"

    def detect(self, text: str) -> bool:
        """Whether the first line that is not blank is `---`."""
        return _START.match(text.removeprefix(_HEAD)) is not None

    def split(self, text: str) -> tuple[str, str]:
        """Header and body of a guarded text; ParseError without a header that is closed."""
        parts = self.FM_BOUNDARY.split(text.removeprefix(_HEAD), 2)
        if len(parts) < 3:
            raise ParseError("its front matter is not closed; add a line of `---` after the last key")
        header = parts[1].removeprefix("\n").removesuffix("\n")
        return header, _HEAD + parts[2]

    def load(self, fm: str) -> dict[str, yamltext.Value]:
        """The keys that are used, see `yamltext.load`."""
        return yamltext.load(fm, lists=_LISTS, texts=_TEXTS)

    def export(self, metadata: dict[str, object], **_kwargs: object) -> str:
        """The lines between the two `---`, in the archive's order, without the last newline."""
        return "\n".join(f"{key}:{style(metadata[key])}" for key, style in _KEYS.items() if key in metadata)

    def format(self, post: frontmatter.Post, **kwargs: object) -> str:
        """The whole file; without `hexo=True` as `write` says."""
        header = f"---\n{self.export(post.metadata)}\n---\n"
        body = seedtext.escape_template(f"\n{seedtext.wrap(post.content)}\n            ")
        return f"\n{seedtext.escape_template(header)}{body}" if kwargs.get("hexo") else header + body


_HANDLER = ArchiveHandler()


def write(fields: Mapping[str, yamltext.Value], body: str, *, hexo: bool = True) -> bytes:
    """The bytes of a post; `fields` by the keys of the header, `body` sanitised HTML.

    Keys that are missing are left out; dates and words such as `false` are written as they are given.
    Without `hexo` the file begins with `---`, as Jekyll insists, and the header, which only Hexo takes for
    a template, keeps its braces.
    """
    post = frontmatter.Post(body, _HANDLER, **fields)
    return str(frontmatter.dumps(post, _HANDLER, hexo=hexo)).encode("utf-8", "replace")


def read(
    data: bytes,
    *,
    path: str,
    mtime: datetime,
    timezone: str = "UTC",
    proxy_prefixes: tuple[str, ...] = (),
    markup: Markup = "html",
    fallback_image: str = "",
) -> Entry:
    """The entry in a seed file.

    `path` is relative to the seed directory and becomes the guid; `timezone` is that of dates that
    name none; `markup` is what bodies are that begin with no block tag; `fallback_image` is the setting
    of that name, which is no article's own image.
    Raises ParseError for what is no text with front matter, or too large.
    """
    header, fields, body = _parts(data)
    texts = {key: value for key, value in fields.items() if isinstance(value, str)}
    prefix = _OUR_NAME.search(path)
    ours = prefix is not None and fields.keys() >= _ALWAYS and _HANDLER.export({**fields}) == header
    author = texts.get("author", "").strip()
    categories = _path(_names(fields.get("categories", ())))
    return Entry(
        guid=path,
        link=texts.get("link", "").strip() or None,
        title=Text(texts.get("title", ""), html=False),
        authors=(author,) if author else (),
        published=parse_date(texts.get("date", ""), _zone(timezone)),
        updated=parse_date(texts.get("updated", ""), _zone(timezone)),
        published_text=texts.get("date"),
        body=Text(markdown.render(body) if markup == "markdown" else body, html=True),
        tags=_names(fields.get("tags", ())),
        categories=categories or None,
        origin=_origin(texts, author if ours and len(categories) == 1 else ""),
        lead_image=_lead_image(texts, proxy_prefixes, fallback_image, exact=ours),
        uid_prefix=prefix[1] if prefix and ours else None,
        file_time=mtime,
    )


def header(data: bytes) -> dict[str, yamltext.Value]:
    """The keys of a file's header that are used, by name. Raises ParseError like `read`."""
    return _parts(data)[1]


def _parts(data: bytes) -> tuple[str, dict[str, yamltext.Value], str]:
    """Header, its values and body of a file; ParseError if it is no text with front matter."""
    if len(data) > MAX_BYTES:
        size, limit = len(data) / 1048576, MAX_BYTES // 1048576
        raise ParseError(f"has {size:.1f} MB, and files of more than {limit} MB are not read; split it")
    text = seedtext.unescape_template(seedtext.decode(data))
    if not text.strip():
        raise ParseError("is empty; it needs front matter between two lines of `---`")
    guarded = _HEAD + text + _TAIL
    if not _HANDLER.detect(guarded):
        kind = "is binary, not text" if "\0" in text[:1024] else "has no front matter"
        raise ParseError(f"{kind}; an article begins with a line of `---`")
    header, _ = _HANDLER.split(guarded)
    if not yamltext.has_keys(header):
        raise ParseError("has no front matter; between its first two lines of `---` is no `key: value`")
    fields: dict[str, yamltext.Value]
    fields, content = frontmatter.parse(guarded, handler=_HANDLER)  # type: ignore[assignment] # what `load` gives
    return header, fields, seedtext.unwrap(content.removeprefix(_HEAD).removesuffix(_TAIL))


@functools.lru_cache(maxsize=64)
def _zone(name: str) -> tzinfo:
    return UTC if name == "UTC" else ZoneInfo(name)


def _origin(texts: Mapping[str, str], author: str) -> Origin | None:
    """The source that the header names; in a post of ours with one level it is the author."""
    name = texts.get("source", "").strip() or author
    return Origin(title=name) if name else None


def _names(value: yamltext.Value) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else (value,)


def _path(names: tuple[str, ...]) -> tuple[str, ...]:
    """A category path that can be folders: so few levels, with names so short."""
    cut = (name.encode()[:_MAX_NAME_BYTES].decode("utf-8", "ignore") for name in names[:_MAX_LEVELS])
    return tuple(cut)


def _lead_image(
    texts: Mapping[str, str], proxy_prefixes: tuple[str, ...], fallback: str, *, exact: bool
) -> str | None:
    """The image that the header names, its proxy undone; None where that is no image of the article.

    The archive copied attributes with their entities; what we wrote (`exact`) has none.
    """
    written = texts.get("headimg") or texts.get("thumbnail") or ""
    url = written.strip() if exact else _REFERENCE.sub(lambda found: html.unescape(found[0]), written.strip())
    if fallback and yamltext.address(fallback) == yamltext.address(written):
        return None
    url = _without_proxy(url, proxy_prefixes)
    if _RANDOM_IMAGE.fullmatch(url) or not _is_absolute(url):
        return None
    return url


def _without_proxy(url: str, prefixes: tuple[str, ...]) -> str:
    """The address behind proxies that were put before it, once or several times."""
    while prefix := next((prefix for prefix in prefixes if prefix and url.startswith(prefix)), None):
        url = url[len(prefix) :]
    return unquote(url) if url[:8].lower().startswith(("http%3a", "https%3a")) else url


def _is_absolute(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc)
