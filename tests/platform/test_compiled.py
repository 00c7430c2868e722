"""What was compiled is loaded by the next process, and never by another build."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.docs.pages import ROOT

if TYPE_CHECKING:
    from pathlib import Path

CALLER = """
from called import value
from voxlake.platform.compiled import njit

@njit(cache=True)
def caller():
    return value()

print(caller(), sum(caller.stats.cache_hits.values()))
"""
CALLED = """
from voxlake.platform.compiled import njit

@njit(cache=True)
def value():
    return {}
"""


def installed(folder: Path, value: int) -> None:
    """Install a build of voxlake, in whose files a function returns a value."""
    (folder / "called.py").write_text(CALLED.format(value))
    (folder / "caller.py").write_text(CALLER)
    about = folder / "voxlake-1.dist-info"
    about.mkdir(exist_ok=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: voxlake\nVersion: 1\n")
    (about / "RECORD").write_text(f"called.py,sha256={value},1\n")


def answer(folder: Path) -> str:
    """Return what a process answers: the value, and how many functions it did not compile."""
    environment = os.environ | {"PYTHONPATH": str(folder), "NUMBA_CACHE_DIR": str(folder / "kept")}
    command = [sys.executable, "-c", "import caller"]
    ran = subprocess.run(command, env=environment, capture_output=True, check=True, text=True)
    return ran.stdout.strip()


def test_it_is_loaded_by_the_next_process_and_by_no_other_build(tmp_path: Path) -> None:
    installed(tmp_path, 1)
    assert [answer(tmp_path), answer(tmp_path)] == ["1 0", "1 1"]
    # The file of the caller is as it was.
    installed(tmp_path, 2)
    assert answer(tmp_path) == "2 0"


def test_all_that_is_compiled_is_kept_so() -> None:
    for folder in ("platform", "ngff", "compute", "api"):
        for file in (ROOT / folder / "voxlake").rglob("*.py"):
            text = file.read_text()
            assert file.name == "compiled.py" or not re.search(
                r"numba\.n?jit|from numba import .*\bn?jit\b",
                text,
            ), file
