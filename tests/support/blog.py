"""Articles that try every engine's patience, and what a page of theirs must say."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import html5lib
from publishing import article, provenance

from aggregator.model import Article
from aggregator.options import Site
from aggregator.parse.frontmatter import read, title_text
from aggregator.parse.yamltext import one_line
from aggregator.publish.posts import Flavour, post_path, render
from aggregator.refine.html import sanitize

TESTS = Path(__file__).parent.parent
ARCHIVE = (TESTS / "data" / "frontmatter", TESTS.parent.parent / "shared" / "samples" / "corpus")
# What stands in the wrapper for want of a body: without it there would be a blank line.
NOTHING = "\n"
NOW = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)

TITLES = (
    "{{ 7*7 }}",
    "{% raw %}",
    "{% include x %}",
    "{# c #}",
    "<%= 7*7 %>",
    "{{< x >}}",
    "{{% x %}}",
    "---",
    "&anchor",
    "*alias",
    "!!python/object:os.system",
    "!!js/function 'x'",
    "../../etc/passwd",
    "..",
    "NUL",
    "CON.txt",
    "_hidden",
    "[图] 漏洞",
    ".NET",
    "a\0b",
    "🏆" * 300,
    "[x](javascript:alert(1))",
    "# heading",
    "**bold** _it_ `code`",
    'it\'s "both"',
    "<!-- more -->",
    "<b>&lt;x&gt;</b>",
    "a  b ",
    "'",
    '"',
    "\\",
    "%",
    "yes",
    "12:30",
    "null",
    "~",
    "2021-01-01",
    "@x",
    "- x",
    "? x",
    "|",
    ">",
    ":smile: $x$",
    "a\u2028b\x85c",
)
BODIES = (
    "<p>{{ 7*7 }} {% raw %} {# c #} &lt;%= 7*7 %&gt; {{&lt; x &gt;}} {{% y %}}</p>",
    "text [x](javascript:alert(1)) **b** _i_ `c`\n\n    code\n\n```js\nfence\n```\n\n# heading",
    "text\n\n- list\n- list\n\n> quote\n\n1. a\n2. b\n\n***\n\n| a | b |\n|---|---|\n| c | d |",
    "<pre>a\n\n\nb\n    c\n</pre>",
    "<pre>\n\nbegins with a newline\n</pre>",
    "<p>x</p>\n\n<div>\n\n    <p>indented</p>\n\n</div>\n\n",
    "<table>\n\n<tbody><tr><td>\n\na</td></tr></tbody></table>",
    "<p>a</p>\n\n</div>\n\n# out\n\n[y](http://x.example.org)",
    "http://auto.example.org/link and www.example.org and a@example.org",
    '<p>:smile: ~~x~~ ==y== ^z^ H~2~O [^1] $x$ $$y$$ \\(z\\) -- ... "q"</p>',
    "{: .class}\n{:toc}\n* toc\n",
    "<!-- more -->\n<p>after</p>",
    "<p>&amp;lt; &lt;x&gt; &amp; &amp;#123; &quot;</p>",
    "<details><summary>s</summary>\n\nx</details>",
    "\n\n\u00a0\nb\u2028\nc\n\n",
    "<p>---</p>\n---\ntitle: x\n---\n",
    "",
)


@dataclass(frozen=True, slots=True)
class Page:
    """What an engine made of a post; `file` is relative to the posts."""

    file: str
    title: str
    date: str
    categories: tuple[str, ...]
    content: str


def articles() -> list[Article]:
    """The archive's articles, then hostile titles and bodies, then hostile names of categories."""
    made = [
        from_archive(number, file)
        for number, file in enumerate(sorted(f for d in ARCHIVE for f in d.glob("*.md")))
    ]
    for index in range(max(len(TITLES), len(BODIES))):
        title, body = TITLES[index % len(TITLES)], BODIES[index % len(BODIES)]
        path = ("Hostile", one_line(title)[:40].strip().removeprefix("..") or "x", f"No. {index} & more")
        made.append(
            article(
                1000 + index,
                title=title,
                body=sanitize(body).html,
                sources=(provenance("S", categories=path),),
                image="https://img.example.net/it's {a}.jpg",
            )
        )
    return made


def from_archive(number: int, file: Path) -> Article:
    """An article of the archive as it comes to be published."""
    entry = read(file.read_bytes(), path=file.name, mtime=NOW)
    return article(
        number,
        title=entry.title.value,
        published=entry.published or NOW,
        sources=(provenance("Archive", categories=entry.categories or ("Archive",)),),
        body=sanitize(entry.body.value).html,
        image=entry.lead_image,
    )


def write(posts: list[Article], folder: Path, flavour: Flavour) -> None:
    """The posts of a blog, below `folder`."""
    for post in posts:
        file = folder / post_path(post, flavour).removeprefix("posts/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(render(post, Site(flavour=flavour)))


def expected(post: Article, flavour: Flavour) -> Page:
    """The page that an engine should make of an article."""
    file = post_path(post, flavour).removeprefix("posts/")
    title = title_text(post.title) if post.title else ""
    return Page(
        file=file,
        title=title,
        date=post.date.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        categories=tuple(one_line(name) for name in post.categories),
        content=dom(f"<div>   \n{post.body if post.body.strip() else NOTHING}  \n</div>\n            "),
    )


def dom(html: str) -> str:
    """The tree that a browser makes of a fragment, as text."""
    tree = html5lib.parseFragment(html, treebuilder="etree", namespaceHTMLElements=False)
    text = html5lib.serialize(
        tree, omit_optional_tags=False, quote_attr_values="always", alphabetical_attributes=True
    )
    return str(text).strip()


def differences(posts: list[Article], pages: list[Page], flavour: Flavour) -> list[str]:
    """Where the pages of an engine are not what they should be; header braces may be references still."""
    found = {page.file: page for page in pages}
    wrong = []
    for post in posts:
        want = expected(post, flavour)
        page = found.pop(want.file, None)
        if page is None:
            wrong.append(f"{want.file}: no page")
            continue
        title = unescape(page.title)
        if want.title and title != unescape(want.title):
            wrong.append(f"{want.file}: title {title!r}")
        if not page.date.startswith(want.date):
            wrong.append(f"{want.file}: date {page.date}, not {want.date}")
        if tuple(map(unescape, page.categories)) != tuple(map(unescape, want.categories)):
            wrong.append(f"{want.file}: categories {page.categories}, not {want.categories}")
        if dom(page.content) != want.content:
            wrong.append(f"{want.file}: content {page.content[:200]!r}")
    return wrong + [f"{file}: of nobody" for file in found]


def unescape(text: str) -> str:
    return text.replace("&#123;", "{").replace("&#125;", "}")
