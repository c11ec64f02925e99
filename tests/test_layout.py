"""The house: who may talk to whom, and how large a room may get."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "aggregator"
MODULES = sorted(PACKAGE.rglob("*.py"))
PURE = {"parse", "refine"}
EDGES = {"collect", "store", "publish", "serve"}
IMPURE = {
    "asyncio",
    "http",
    "multiprocessing",
    "os",
    "pathlib",
    "random",
    "requests",
    "shutil",
    "socket",
    "sqlalchemy",
    "subprocess",
    "tempfile",
    "threading",
    "time",
    "urllib3",
}
MODULE_LINES = 400
FUNCTION_LINES = 40


def imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room(file: Path) -> str:
    parts = file.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else ""


def rooms_imported(file: Path) -> set[str]:
    parts = (name.split(".") for name in imports(file))
    return {part[1] for part in parts if part[0] == "aggregator" and len(part) > 1}


def name(file: Path) -> str:
    return str(file.relative_to(PACKAGE))


@pytest.mark.parametrize("file", [file for file in MODULES if room(file) in PURE], ids=name)
def test_pure_rooms_know_no_edge_and_no_outside(file: Path) -> None:
    """parse and refine import the model and each other, and nothing that does I/O."""
    ours = rooms_imported(file)
    assert ours <= PURE | {"model", "options", "errors", "__version__"}
    assert not {module.split(".")[0] for module in imports(file)} & IMPURE


@pytest.mark.parametrize("file", [file for file in MODULES if room(file) in EDGES], ids=name)
def test_edges_do_not_import_one_another(file: Path) -> None:
    """An edge knows the model, the pure rooms and itself; the pipeline brings edges together."""
    assert rooms_imported(file) <= PURE | {"model", "options", "errors", "__version__", room(file)}


def test_every_module_has_its_row() -> None:
    """docs/architecture.md says of each module outside the rooms what may live there."""
    table = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    own = [name(file) for file in MODULES if not room(file) and not file.name.startswith(("__", "cli"))]
    assert [file for file in own if f"`{file}`" not in table] == []


@pytest.mark.parametrize("file", MODULES, ids=name)
def test_no_module_holds_two_ideas(file: Path) -> None:
    """A module of more lines than this should be two."""
    assert len(file.read_text("utf-8").splitlines()) <= MODULE_LINES


@pytest.mark.parametrize("file", MODULES, ids=name)
def test_no_function_holds_two_ideas(file: Path) -> None:
    """A function of more lines than this should be two."""
    functions = [
        node
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    lengths = {node.name: (node.end_lineno or node.lineno) - node.lineno + 1 for node in functions}
    assert {function: lines for function, lines in lengths.items() if lines > FUNCTION_LINES} == {}
