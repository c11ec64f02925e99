"""Hugo and Jekyll, where they are installed, build blogs from posts in their flavour."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import blog
import pytest

pytestmark = [pytest.mark.soak, pytest.mark.timeout(300)]

HUGO_DUMP = """[{{ range $i, $p := .Site.RegularPages }}{{ if $i }},{{ end }}
{{ dict "file" .File.Path "title" .Title "date" (.Date.UTC.Format "2006-01-02T15:04:05Z")
        "categories" .Params.categories "content" (string .Content) | jsonify }}{{ end }}]"""
JEKYLL_DUMP = """---
layout: null
permalink: /dump.json
---
[{% for p in site.posts %}{% unless forloop.first %},{% endunless %}{"file": {{ p.path | jsonify }},
"title": {{ p.title | jsonify }}, "date": {{ p.date | date_to_xmlschema | jsonify }},
"categories": {{ p.categories | jsonify }}, "content": {{ p.content | jsonify }}}{% endfor %}]"""


def put(root: Path, name: str, text: str) -> None:
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def build(command: list[str], folder: Path) -> None:
    environment = os.environ | {"LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=250, check=False
    )
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-1000:]


def pages(dump: Path, folder: str) -> list[blog.Page]:
    return [
        blog.Page(
            page["file"].removeprefix(folder),
            page["title"],
            page["date"],
            tuple(page["categories"]),
            page["content"],
        )
        for page in json.loads(dump.read_text("utf-8"))
    ]


@pytest.mark.skipif(not shutil.which("hugo"), reason="Hugo is not installed")
def test_hugo(tmp_path: Path) -> None:
    """Every article is a page of a Hugo site with its title, date, categories and DOM."""
    put(tmp_path, "config.toml", 'baseURL = "http://localhost/"\n[outputs]\nhome = ["HTML", "JSON"]\n')
    put(tmp_path, "layouts/_default/single.html", "<h1>{{ .Title }}</h1>{{ .Content }}")
    put(tmp_path, "layouts/_default/list.html", "{{ range .Pages }}{{ .Title }}{{ end }}")
    put(tmp_path, "layouts/index.json", HUGO_DUMP)
    posts = blog.articles()
    blog.write(posts, tmp_path / "content" / "posts", "hugo")
    build(["hugo"], tmp_path)
    assert blog.differences(posts, pages(tmp_path / "public" / "index.json", "posts/"), "hugo") == []


@pytest.mark.skipif(not shutil.which("jekyll"), reason="Jekyll is not installed")
def test_jekyll(tmp_path: Path) -> None:
    """Every article is a page of a Jekyll site with its title, date, categories and DOM."""
    put(tmp_path, "_config.yml", "title: Test\ntimezone: UTC\npermalink: /:year/:month/:title/\n")
    put(tmp_path, "_layouts/post.html", "<h1>{{ page.title | escape }}</h1>{{ content }}")
    put(tmp_path, "dump.json", JEKYLL_DUMP)
    posts = blog.articles()
    blog.write(posts, tmp_path / "_posts", "jekyll")
    build(["jekyll", "build"], tmp_path)
    assert blog.differences(posts, pages(tmp_path / "_site" / "dump.json", "_posts/"), "jekyll") == []
