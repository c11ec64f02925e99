"""Posts: the front-matter file of an article, and the name it has under `outputs/`.

Rules of this file: pure functions of an article and the site's settings; the format itself is
`parse.frontmatter`'s, which reads posts back.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from posixpath import normpath
from typing import Literal

from aggregator.model import Article
from aggregator.options import Site
from aggregator.parse import frontmatter
from aggregator.parse.yamltext import Value
from aggregator.publish.entry import EXCERPT
from aggregator.publish.terms import article_terms
from aggregator.refine.excerpts import beginning
from aggregator.refine.text import cut, headline

Flavour = Literal["hexo", "jekyll", "hugo"]

MAX_NAME_BYTES = 200
"""Of a file name: file systems take 255, and copies and archives add to it."""

# Windows keeps these, whatever follows a point (learn.microsoft.com, "Naming Files, Paths, and Namespaces").
_RESERVED = re.compile(r"\A(CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(?:COM|LPT)[0-9¹²³])( *\.)", re.IGNORECASE)
# What Hugo makes of these is a folder above that of all tags, or its page: it stops at either.
_ABOVE = re.compile(r"\.\.(?:/|\Z)")
_INDEX = re.compile(r"(?:\A|/)index\.\w+(?:/|\Z)", re.IGNORECASE)
_PASSED_OVER = re.compile(r"[^\w./]")
# A file whose name begins with one of these is hidden from people, and from Hexo and Jekyll.
_HIDDEN = "._"


def title(article: Article) -> str:
    """The title that posts show: the article's own, else one made of its text, name or date."""
    return article.title or headline(article.body, article.sources[0].source, article.date)


def post_path(article: Article, flavour: Flavour = "hexo", *, apart: bool = False) -> str:
    """Where the post of `article` lies, relative to the outputs; `/` between the parts.

    By its date in UTC. Jekyll takes only files whose names begin with a day. `apart` gives a
    name with the whole uid, for an article whose usual path is another's.
    """
    date = article.date.astimezone(UTC)
    year, month = f"{date.year:04d}", f"{date.month:02d}"
    start = f"{year}-{month}-{date.day:02d}-" if flavour == "jekyll" else ""
    digits = f"{article.uid[8:]}-{article.uid[:8]}" if apart else article.uid[:8]
    return f"posts/{year}/{month}/{_file_name(start, title(article), digits)}"


def render(article: Article, site: Site) -> bytes:
    """The bytes of the post of `article`."""
    moment = _DATES[site.flavour]
    short = article_terms(site, article).excerpt
    image = site.fallback_image if short else article.image or site.fallback_image
    fields: dict[str, Value] = {
        "title": title(article),
        "categories": _folders(article.categories, site.flavour),
        "author": _author(article),
        "comments": "false",
        "date": moment(article.date),
        **_FLAVOUR_KEYS[site.flavour],
    }
    if image:
        fields |= {"headimg": image, "thumbnail": image}
    extra = {key: value(article, moment) for key, value in _EXTRA.items() if key in site.extra_keys}
    if "tags" in extra:
        extra["tags"] = _folders(article.tags, site.flavour)
    fields |= {key: value for key, value in extra.items() if value}
    body = beginning(article.body, article.summary, article.link, EXCERPT) if short else article.body
    return frontmatter.write(fields, body, hexo=site.flavour == "hexo")


def _folders(names: Sequence[str], flavour: Flavour) -> tuple[str, ...]:
    """Categories or tags as engines can make folders of them: one that is none ends the whole build."""
    cut_off = (_cut_bytes(name, MAX_NAME_BYTES) for name in names)
    return tuple(_fit(name) if flavour == "hugo" else name for name in cut_off)


def _fit(name: str) -> str:
    """The same but for Hugo's sake."""
    folder = normpath(_PASSED_OVER.sub("", name))
    stops = not folder.strip("/") or _ABOVE.match(folder) or _INDEX.search(folder)
    return name.replace(".", "_") if stops else name


def _author(article: Article) -> str:
    """The site, which is the second level of its categories; with one level, the source."""
    path = article.categories
    if len(path) > 1:
        return path[1]
    return _source(article) if article.sources[0].kind == "seed" else article.sources[0].source


def _source(article: Article) -> str:
    """The name of the feed that it first appeared in."""
    return (article.origin and article.origin.title) or article.sources[0].source


def _also_in(article: Article) -> tuple[str, ...]:
    """The names of the other sources that carried it."""
    names = dict.fromkeys(source.source for source in article.sources[1:])
    names.pop(article.sources[0].source, None)
    return tuple(names)


Moment = Callable[[datetime], str]

# The keys that a site may ask for, and what they hold.
_EXTRA: Mapping[str, Callable[[Article, Moment], Value]] = {
    "link": lambda article, _: article.link or "",
    # A seed file is known by its path, which is nobody else's guid.
    "guid": lambda article, _: (article.guid if article.sources[0].kind == "feed" else "") or "",
    "tags": lambda article, _: article.tags,
    # Without a date, the file's own time decides the order, and may be before the article was first seen.
    "updated": lambda article, moment: moment(max(article.updated, article.date)),
    "source": lambda article, _: _source(article),
    "also_in": lambda article, _: _also_in(article),
}


def _rfc1123(moment: datetime) -> str:
    return format_datetime(moment.astimezone(UTC), usegmt=True)


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


# How each engine wants its dates: Hexo as the archive has them, the others as YAML's own.
_DATES: Mapping[Flavour, Moment] = {"hexo": _rfc1123, "jekyll": _iso, "hugo": _iso}
# What each engine must be told besides: Jekyll's themes ask for a layout, and Hugo takes Markdown's word
# that there is no HTML in it.
_FLAVOUR_KEYS: Mapping[Flavour, Mapping[str, Value]] = {
    "hexo": {},
    "jekyll": {"layout": "post"},
    "hugo": {"draft": "false", "markup": "html"},
}


def _file_name(start: str, text: str, digits: str) -> str:
    """`<title>-<8 hex>.md` after `start`: at most `MAX_NAME_BYTES` bytes, harmless to every file system."""
    name = unicodedata.normalize("NFC", frontmatter.title_text(text).replace("#", ""))
    name = _RESERVED.sub(r"\1_\2", name.lstrip(_HIDDEN))
    ending = f"-{digits}.md"
    return start + _cut_bytes(name, MAX_NAME_BYTES - len(start) - len(ending)) + ending


def _cut_bytes(text: str, limit: int) -> str:
    """The longest start of `text` of at most `limit` bytes that splits no character as people see it."""
    data = text.encode("utf-8", "replace")
    if len(data) <= limit:
        return data.decode()
    return cut(text, len(data[:limit].decode("utf-8", "ignore")))
