"""A real Hexo builds a blog from posts: nothing is lost, nothing is run, nothing is changed."""

import json
import random
import shutil
import subprocess
from pathlib import Path

import blog
import pytest
import yaml

from aggregator.parse import yamltext

DATA = Path(__file__).parent.parent / "data" / "posts"
# What `hexo init` installs.
PACKAGES = (
    "hexo@8",
    "hexo-generator-archive@2",
    "hexo-generator-category@2",
    "hexo-generator-index@4",
    "hexo-generator-tag@2",
    "hexo-renderer-ejs@2",
    "hexo-renderer-marked@7",
    "hexo-renderer-stylus@3",
    "hexo-theme-landscape@1",
)
CONFIG = "title: Test\nurl: http://localhost\ntimezone: UTC\ntheme: landscape\npermalink: :hash/\n"

pytestmark = [pytest.mark.soak, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def hexo(request: pytest.FixtureRequest) -> Path:
    """A folder in which Hexo is installed; kept between runs in pytest's cache."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("node and npm are not here")
    cache = request.config.cache
    assert cache is not None
    folder = Path(cache.mkdir("hexo"))
    if not (folder / "node_modules" / "hexo").is_dir():
        (folder / "package.json").write_text('{"name": "blog", "private": true, "hexo": {"version": ""}}')
        command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", *PACKAGES]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600, check=False)
        if done.returncode:
            shutil.rmtree(folder)
            pytest.skip(f"npm could not install Hexo: {done.stderr.strip().splitlines()[-1:]}")
    return folder


def node(folder: Path, script: str, given: str = "") -> object:
    """What a script of the tests prints."""
    done = subprocess.run(
        ["node", str(DATA / script)],
        cwd=folder,
        input=given,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def test_a_blog_of_posts(hexo: Path) -> None:
    """Every article is a page with its title, date, category tree and DOM; no template is run."""
    for name in ("source", "public", "db.json"):
        shutil.rmtree(hexo / name, ignore_errors=True)
        (hexo / name).unlink(missing_ok=True)
    (hexo / "_config.yml").write_text(CONFIG)
    posts = blog.articles()
    blog.write(posts, hexo / "source" / "_posts", "hexo")
    found = node(hexo, "hexo_dump.cjs")
    assert isinstance(found, list)
    pages = [
        blog.Page(page["file"], page["title"], page["date"], tuple(page["categories"]), page["content"])
        for page in found
    ]
    assert blog.differences(posts, pages, "hexo") == []
    assert all(page["depth"] == [0] + [1] * (len(page["categories"]) - 1) for page in found)
    public = [file.read_text("utf-8") for file in (hexo / "public").rglob("*.html")]
    assert len(public) >= len(posts)
    assert not any("javascript:alert" in page.replace("[x](javascript:alert(1))", "") for page in public)


def test_js_yaml_reads_what_was_written(hexo: Path) -> None:
    """20,000 strings, most of them almost something else, are read as themselves; PyYAML agrees."""
    letters = (
        "0123456789_.:+-eExobXaAfFiInN ~=<>tTrRuUlLyYoOsSZ",
        "a1 '\"\\:-#&*!|>%@`{}[],?~=._0\ufeff\u00a0是😀",
    )
    chance = random.Random(20_240_506)
    texts = ["".join(chance.choices(chance.choice(letters), k=chance.randint(1, 9))) for _ in range(20_000)]
    documents = [
        f"author: {style(text)}\nlist: \n - {style(text)}\n"
        for text in texts
        for style in (yamltext.plain, yamltext.quoted)
    ]
    expected = [{"author": text, "list": [text]} for text in texts for _ in range(2)]
    assert node(hexo, "js_yaml.cjs", json.dumps(documents)) == expected
    assert [yaml.load(document, Loader=yaml.CSafeLoader) for document in documents] == expected
