"""What failed is tried once more and alone, and CI passes only with what a busy machine failed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ONCE_MORE = Path(__file__).parents[2] / ".ci" / "tests"

TESTS = """
import pathlib
import pytest

@pytest.mark.parametrize("n", range({tests}))
def test_number(n):
    tried = pathlib.Path(f"tried-{{n}}")
    times = int(tried.read_text()) if tried.exists() else 0
    tried.write_text(str(times + 1))
    assert n >= {failing} or times >= {failures}
"""


@pytest.mark.parametrize(
    ("failing", "failures", "passes", "tries"),
    [(0, 1, True, 1), (2, 1, True, 2), (2, 2, False, 2), (6, 1, False, 1)],
)
def test_a_few_tests_may_fail_once(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    failing: int,
    failures: int,
    passes: bool,
    tries: int,
) -> None:
    text = TESTS.format(tests=7, failing=failing, failures=failures)
    (tmp_path / "test_numbers.py").write_text(text)
    (tmp_path / "pytest.ini").write_text("[pytest]")
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    done = subprocess.run(
        [ONCE_MORE, sys.executable, "-m", "pytest", "-p", "xdist"],
        check=False,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == (0 if passes else 1), done.stdout
    unsteady = {f"test_numbers.py::test_number[{n}]" for n in range(failing)}
    said = {*done.stdout.partition("UNSTEADY")[2].splitlines()} & unsteady
    assert said == (unsteady if passes else set())
    assert [(tmp_path / f"tried-{n}").read_text() for n in (0, 6)] == [str(tries), "1"]


def test_a_run_that_broke_off_fails(tmp_path: Path) -> None:
    assert (
        subprocess.run([ONCE_MORE, "bash", "-c", "exit 3"], check=False, cwd=tmp_path).returncode
        == 3
    )
