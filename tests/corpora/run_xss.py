"""Run by hand: what is left of other projects' XSS vectors after refining.

    python tests/corpora/run_xss.py FOLDER

FOLDER holds checkouts (or single files of them) of cure53/DOMPurify (test/fixtures/expect.mjs),
cure53/H5SC (items.js), mganss/HtmlSanitizer (its Tests.cs), mozilla/bleach (tests/), rust-ammonia/ammonia
(src/lib.rs), minimaxir/big-list-of-naughty-strings (blns.json) and OWASP/CheatSheetSeries
(XSS_Filter_Evasion_Cheat_Sheet.md). Each file is read for its literals, never run. Every vector goes
into every field of an entry; the result is judged by html5lib, by bleach, and by real Chromium if it
is there. Then feeds of all vectors go through a whole pass, and the site and its feeds are opened.
Exit status 1 if anything is found.
"""

import ast
import json
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
sys.path.insert(0, str(ROOT))

import chromium  # noqa: E402 - after the path
import hostile  # noqa: E402 - as above
from oracle import bleached, offences  # noqa: E402 - as above

from aggregator.model import Refined  # noqa: E402 - as above

BATCH = 150
SUSPECT = re.compile(r"[<>&]|script:|data:", re.IGNORECASE)


def json_strings(text: str) -> Iterator[str]:
    """DOMPurify: the payloads of its expectations, which are written as JSON strings."""
    for literal in re.findall(r'"payload"\s*:\s*("(?:[^"\\]|\\.)*")', text):
        yield json.loads(literal.replace("\\'", "'"), strict=False)


def javascript_strings(text: str) -> Iterator[str]:
    """H5SC: the data of its items, with our own call where it names one of its payloads."""
    for literal in re.findall(r"'data'\s*:\s*'((?:[^'\\]|\\.)*)'", text, re.DOTALL):
        vector = re.sub(r"\\u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})", _code, literal)
        vector = vector.replace("\\r", "\r").replace("\\n", "\n").replace("\\t", "\t")
        vector = re.sub(r"\\(.)", r"\1", vector)
        vector = re.sub(r"%js_uri[a-z_]*%", "javascript:trap()", vector)
        vector = re.sub(r"%js_[a-z_]*%", "trap()", vector)
        yield re.sub(r"%[a-z_]*_path%", "https://trap.example/x", vector)


def _code(match: re.Match[str]) -> str:
    return chr(int(match[1] or match[2], 16))


def csharp_strings(text: str) -> Iterator[str]:
    """HtmlSanitizer: string literals that hold markup."""
    for verbatim, plain in re.findall(r'@"((?:[^"]|"")*)"|"((?:[^"\\\n]|\\.)*)"', text):
        yield verbatim.replace('""', '"') if verbatim else _unescaped(plain)


def rust_strings(text: str) -> Iterator[str]:
    """Ammonia: string literals of its tests."""
    for raw, plain in re.findall(r'r#+"(.*?)"#+|"((?:[^"\\]|\\.)*)"', text, re.DOTALL):
        yield raw or _unescaped(plain)


def _unescaped(literal: str) -> str:
    try:
        return str(ast.literal_eval(f'"""{literal}"""')) if '"""' not in literal else literal
    except (SyntaxError, ValueError):
        return literal.replace('\\"', '"')


def python_strings(text: str) -> Iterator[str]:
    """Bleach: string constants of its tests."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def before_dashes(text: str) -> Iterator[str]:
    """Bleach's data files: the input stands before a line of two dashes."""
    yield text.partition("\n--\n")[0]


def code_blocks(text: str) -> Iterator[str]:
    """OWASP: the blocks of code, whole and line by line."""
    for block in re.findall(r"^\s*```\w*\n(.*?)^\s*```", text, re.DOTALL | re.MULTILINE):
        yield block.strip()
        yield from (line.strip() for line in block.splitlines())
    yield from re.findall(r"`([^`\n]+)`", text)


def naughty(text: str) -> Iterator[str]:
    """The Big List of Naughty Strings: all of it."""
    yield from json.loads(text)


READERS: dict[str, tuple[str, Callable[[str], Iterator[str]]]] = {
    "expect.mjs": ("DOMPurify", json_strings),
    "items.js": ("H5SC", javascript_strings),
    "Tests.cs": ("HtmlSanitizer", csharp_strings),
    "lib.rs": ("ammonia", rust_strings),
    "test_*.py": ("bleach", python_strings),
    "*.test": ("bleach", before_dashes),
    "blns.json": ("naughty strings", naughty),
    "XSS_Filter_Evasion_Cheat_Sheet.md": ("OWASP", code_blocks),
}


def collect(folder: Path) -> dict[str, str]:
    """Every vector found, once, and the collection it was first found in."""
    vectors: dict[str, str] = {}
    for pattern, (name, read) in READERS.items():
        for file in sorted(folder.rglob(pattern)):
            for vector in read(file.read_text("utf-8", "replace")):
                if vector.strip() and (name == "naughty strings" or SUSPECT.search(vector)):
                    vectors.setdefault(vector, name)
    return vectors


def judged(vector: str, article: Refined) -> list[str]:
    """What html5lib and bleach find in the body."""
    found = offences(article.body)
    ours, second = bleached(article.body)
    return [*found, *(["bleach would change it"] if ours != second else [])]


def whole_pass(vectors: list[str]) -> tuple[str, ...]:
    """What Chromium runs or loads in the site and feeds that a pass makes of feeds full of vectors."""
    with tempfile.TemporaryDirectory() as folder:
        found = hostile.opened(hostile.passed(vectors, Path(folder)))
    sys.stdout.write(f"{found.pages} pages and {found.entries} entries of feeds opened in Chromium\n")
    return found.caught


def main(folder: Path) -> int:
    vectors = collect(folder)
    articles = {vector: chromium.refined(vector) for vector in vectors}
    problems = [
        f"{vector!r}: {what}" for vector, article in articles.items() for what in judged(vector, article)
    ]
    names = list(vectors.values())
    for name in dict.fromkeys(names):
        sys.stdout.write(f"{names.count(name):5} {name}\n")
    if chromium.find():
        pieces = [chromium.shown(article) for article in articles.values()]
        for start in range(0, len(pieces), BATCH):
            problems += chromium.problems(pieces[start : start + BATCH])
        problems += whole_pass(list(vectors))
    else:
        sys.stdout.write("no Chromium here: judged by html5lib and bleach only\n")
    sys.stdout.writelines(f"{problem}\n" for problem in problems)
    sys.stdout.write(f"{len(vectors)} vectors, {len(problems)} problems\n")
    return 1 if problems or not vectors else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1])))
