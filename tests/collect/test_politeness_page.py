"""docs/politeness.md says what the tests show. `REGENERATE=1` writes its tables anew."""

import ast
import os
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "docs" / "politeness.md"
SECTION = re.compile(r"<!-- (tests/\S+\.py) -->\n.*?<!-- end -->", re.DOTALL)


def rules_of(file: Path) -> dict[str, str]:
    """The tests of a file, in order, with the sentence that each begins with."""
    found = {}
    for node in ast.parse(file.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            found[node.name] = " ".join((ast.get_docstring(node) or "").split())
    return found


def table(file: Path) -> str:
    rows = [
        f"| {name.removeprefix('test_').replace('_', ' ').capitalize()} | {shown} | holds |"
        for name, shown in rules_of(file).items()
    ]
    return "\n".join(["| rule | what its test shows | |", "| --- | --- | --- |", *rows])


def generated(page: str) -> str:
    """The page with its tables as the tests are now."""
    return SECTION.sub(lambda match: f"<!-- {match[1]} -->\n\n{table(ROOT / match[1])}\n\n<!-- end -->", page)


def test_the_tables_are_those_of_the_tests() -> None:
    """Each rule on the page is a test, and each test of these files is on the page."""
    page = PAGE.read_text("utf-8")
    if os.environ.get("REGENERATE"):
        PAGE.write_text(generated(page), "utf-8")
    assert page == generated(page), "run this test once with REGENERATE=1"


def test_every_criterion_names_a_test_that_exists() -> None:
    """The tests of the first table are among those of the sections."""
    page = PAGE.read_text("utf-8")
    known = {name for match in SECTION.finditer(page) for name in rules_of(ROOT / match[1])}
    named = re.findall(r"^\| .* \| `(test_\w+)` \|$", page, re.MULTILINE)
    assert len(named) >= 19
    assert set(named) <= known


def test_every_behaviour_suite_is_on_the_page() -> None:
    """No file of rules is forgotten."""
    named = {match[1] for match in SECTION.finditer(PAGE.read_text("utf-8"))}
    suites = {str(file.relative_to(ROOT)) for file in (ROOT / "tests" / "collect").glob("test_polite_*.py")}
    assert suites <= named
