"""The units: well-formed, and shut off from what a feed daemon need not touch."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

UNITS = Path(__file__).parent.parent / "systemd"
PROGRAM = Path(sys.executable).parent / "aggregator"
EXPOSURE = 1.5

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "SYSTEMD_COLORS": "0", "SYSTEMD_PAGER": ""}
    return subprocess.run(
        ["systemd-analyze", *arguments], capture_output=True, text=True, check=False, env=environment
    )


@needs_systemd
@pytest.mark.parametrize("unit", ["aggregator.service", "aggregator-run.service", "aggregator-run.timer"])
def test_systemd_finds_nothing_wrong(tmp_path: Path, unit: str) -> None:
    """`verify` prints nothing, once the unit's program is where the unit says."""
    for file in UNITS.iterdir():
        text = re.sub(r"/opt/aggregator/\.venv/bin/aggregator", str(PROGRAM), file.read_text("utf-8"))
        (tmp_path / file.name).write_text(text, encoding="utf-8")
    result = analyze("verify", str(tmp_path / unit))
    assert (result.stdout + result.stderr, result.returncode) == ("", 0)


@needs_systemd
@pytest.mark.parametrize("unit", ["aggregator.service", "aggregator-run.service"])
def test_services_are_locked_up(unit: str) -> None:
    """The exposure that systemd computes stays low."""
    result = analyze("security", "--offline=true", str(UNITS / unit))
    found = re.search(r"Overall exposure level for \S+: (\d+\.\d+)", result.stdout)
    assert found is not None, result.stderr
    assert float(found[1]) <= EXPOSURE


def test_the_daemon_is_reloaded_as_systemd_252_can() -> None:
    """Debian 12 has no notify-reload: the unit sends SIGHUP itself."""
    lines = (UNITS / "aggregator.service").read_text("utf-8").splitlines()
    assert "Type=notify" in lines
    assert "ExecReload=/bin/kill -HUP $MAINPID" in lines
