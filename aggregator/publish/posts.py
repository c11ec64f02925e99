"""Posts: the front-matter file of an article, and the name it has under `outputs/`.

Rules of this file: pure functions of an article and the site's settings; the format itself is
`parse.frontmatter`'s, which reads posts back.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime

from aggregator.model import Article, Site
from aggregator.parse import frontmatter
from aggregator.parse.yamltext import Value
from aggregator.refine.text import cut, headline

MAX_NAME_BYTES = 200
"""Of a file name: file systems take 255, and copies and archives add to it."""

# Windows keeps these, whatever follows a point (learn.microsoft.com, "Naming Files, Paths, and Namespaces").
_RESERVED = re.compile(r"(?:CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(?:COM|LPT)[0-9¹²³]) *\.", re.IGNORECASE)


def title(article: Article) -> str:
    """The title that posts show: the article's own, else one made of its text, name or date."""
    return article.title or headline("", article.body, article.sources[0].source, article.date)


def post_path(article: Article) -> str:
    """Where the post of `article` lies, relative to the outputs; `/` between the parts."""
    date = article.date.astimezone(UTC)
    return f"posts/{date.year:04d}/{date.month:02d}/{_file_name(title(article), article.uid[:8])}"


def render(article: Article, site: Site) -> bytes:
    """The bytes of the post of `article`."""
    image = article.image or site.fallback_image
    fields: dict[str, Value] = {"title": title(article), "categories": article.categories}
    if image:
        fields["headimg"] = image
    fields |= {"author": _author(article), "comments": "false", "date": _rfc1123(article.date)}
    if image:
        fields["thumbnail"] = image
    for key in site.extra_keys:
        if key in EXTRA_KEYS and (value := EXTRA_KEYS[key](article)):
            fields[key] = value
    return frontmatter.write(fields, article.body)


def _author(article: Article) -> str:
    """The site, which is the second level of its categories."""
    path = article.categories
    return path[1] if len(path) > 1 else article.sources[0].source


def _rfc1123(moment: datetime) -> str:
    return format_datetime(moment.astimezone(UTC), usegmt=True)


def _origin(article: Article) -> str:
    return (article.origin and article.origin.title) or article.sources[0].source


def _also_in(article: Article) -> tuple[str, ...]:
    """The names of the other sources that carried it."""
    names = dict.fromkeys(source.source for source in article.sources[1:])
    names.pop(article.sources[0].source, None)
    return tuple(names)


def _updated(article: Article) -> str:
    return _rfc1123(article.updated)


EXTRA_KEYS: Mapping[str, Callable[[Article], Value]] = {
    "link": lambda article: article.link or "",
    "guid": lambda article: article.guid or "",
    "tags": lambda article: article.tags,
    "updated": _updated,
    "source": _origin,
    "also_in": _also_in,
}
"""What `posts.extra_keys` may name, and where its value comes from; empty values are left out."""


def _file_name(text: str, digits: str) -> str:
    """`<title>-<8 hex>.md`, of at most `MAX_NAME_BYTES` bytes and harmless to every file system."""
    name = unicodedata.normalize("NFC", frontmatter.title_text(text).replace("#", ""))
    name = name.lstrip(".")
    if _RESERVED.match(name):
        name = f"_{name}"
    ending = f"-{digits}.md"
    return _cut_bytes(name, MAX_NAME_BYTES - len(ending)) + ending


def _cut_bytes(text: str, limit: int) -> str:
    """The longest start of `text` of at most `limit` bytes that splits no character as people see it."""
    data = text.encode("utf-8", "replace")
    if len(data) <= limit:
        return data.decode()
    return cut(text, len(data[:limit].decode("utf-8", "ignore")))
