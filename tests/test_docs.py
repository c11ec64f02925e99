"""The documentation says what the program does."""

import re
from pathlib import Path
from typing import Any

import pytest
import typer

from aggregator.cli import app
from aggregator.tables import FileTables

ROOT = Path(__file__).parent.parent
SETTINGS = (ROOT / "docs" / "settings.md").read_text("utf-8")
README = (ROOT / "README.md").read_text("utf-8")


def keys() -> list[tuple[str, str]]:
    found = []
    for table, field in FileTables.model_fields.items():
        annotation: Any = field.annotation
        model = getattr(annotation, "__args__", (annotation,))[0]
        found += [(table, key) for key in model.model_fields]
    return found


@pytest.mark.parametrize(("table", "key"), keys())
def test_every_setting_is_documented(table: str, key: str) -> None:
    """A key of feeds.toml has a row, in its own table or among those that hold for every source."""
    assert f"| `{key}`" in SETTINGS or f"| `{table}.{key}`" in SETTINGS


def test_every_command_is_documented() -> None:
    """The README has a row for each command and names each of its long options."""
    group = typer.main.get_command(app)
    commands = getattr(group, "commands")  # noqa: B009 - typer's type does not say that it is a group
    for name, command in commands.items():
        row = next((line for line in README.splitlines() if line.startswith(f"| `aggregator {name}")), "")
        assert row, name
        options = {option for parameter in command.params for option in parameter.opts}
        missing = [
            option for option in options - {"--config", "--json", "--help"} if option not in row + README
        ]
        assert not missing, name


def test_every_link_of_the_documents_leads_somewhere() -> None:
    """Relative links name files that exist."""
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_dependency_has_its_reason() -> None:
    """The README says why each package is there."""
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    block = re.search(r"\ndependencies = \[(.*?)\]", text, re.DOTALL)
    assert block is not None
    names = re.findall(r'"([\w.-]+)', block[1])
    table = README[README.index("## Dependencies") :].lower()
    assert [name for name in names if name not in table] == []
