"""Markdown in seed directories."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from aggregator.errors import ParseError
from aggregator.parse.frontmatter import read
from aggregator.parse.markdown import MAX_CHARS, is_html, looks_like_markdown, render

CORPUS = Path(__file__).parents[3] / "shared" / "samples" / "corpus"
NOW = datetime(2024, 1, 1, tzinfo=UTC)
SOURCE = (
    "# Heading\n\nA **bold** word, ~~gone~~ and a [link](https://www.example.org/).\n\n"
    "| a | b |\n|---|---|\n| 1 | 2 |\n"
)


def test_markdown_is_rendered_where_the_settings_say_so() -> None:
    """The default leaves a body as it is."""
    data = f"---\ntitle: x\n---\n{SOURCE}".encode()
    assert read(data, path="a.md", mtime=NOW).body.value == SOURCE.rstrip("\n")
    html = read(data, path="a.md", mtime=NOW, markup="markdown").body.value
    assert html.startswith("<h1>Heading</h1>\n<p>A <strong>bold</strong> word, <s>gone</s> and a <a href=")
    assert "<td>1</td>" in html


@pytest.mark.parametrize(
    "body", ["<div>   \n# x\n</div>", "<P>a\n\n# b", "  <!-- c -->\n# d", "<table\n>", "<h2>x</h2>"]
)
def test_a_body_that_begins_with_a_block_tag_is_html(body: str) -> None:
    """Even in a directory of Markdown."""
    assert is_html(body)
    assert render(body) == body


@pytest.mark.parametrize(
    "body", ["text <p>", "<b>bold</b>", "<https://www.example.org>", "<picture>", "#1", ""]
)
def test_anything_else_is_not(body: str) -> None:
    """Inline tags, autolinks and text begin no HTML block."""
    assert not is_html(body)


@pytest.mark.parametrize(
    "body",
    [
        "# Heading\n",
        "Heading\n=======\n",
        "Text\n\n```python\nx = 1\n```\n",
        "See [this](https://www.example.org/a_(b)).",
        "![](/a.png)",
        "- one\n- two\n",
        "1. one\n2. two\n",
        "> quoted\n",
        "a **strong** word",
        "| a | b |\n|---|:-:|\n| 1 | 2 |\n",
    ],
)
def test_markdown_is_recognised(body: str) -> None:
    """Each sign alone is enough."""
    assert looks_like_markdown(body)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "Just text. With a # and * and [brackets] (and these).",
        "<p># not a heading</p>\n- a\n- b",
        "平台: PC<br>折扣力度: 3.8折<br>[史低]",
        "* one line with a star",
        "2 ** 3 ** 4",
    ],
)
def test_text_and_html_are_not_taken_for_markdown(body: str) -> None:
    """Signs that prove nothing, and HTML that holds some."""
    assert not looks_like_markdown(body)


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the archive samples are not here")
def test_the_archive_is_not_taken_for_markdown() -> None:
    """`check` has nothing to warn of over the samples."""
    found = [
        file.name
        for file in CORPUS.glob("*.md")
        if looks_like_markdown(read(file.read_bytes(), path=file.name, mtime=NOW).body.value)
    ]
    assert found == []


def test_too_long_a_text_is_refused() -> None:
    """Rendering is not linear, so its input is bounded."""
    with pytest.raises(ParseError, match="512 KB of Markdown"):
        render("x" * (MAX_CHARS + 1))
