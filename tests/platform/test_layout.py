"""The folder `platform/` must never become importable: it would hide Python's own module."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("folder", ["platform", "ngff", "compute", "api"])
def test_the_folders_are_no_packages(folder: str) -> None:
    strays = [
        ROOT / f"{folder}.py",
        ROOT / folder / "__init__.py",
        ROOT / folder / "voxlake/__init__.py",
    ]
    assert [path for path in strays if path.exists()] == []
    assert not list((ROOT / folder).glob("*.py"))


def test_python_finds_its_own_platform_module_from_the_root() -> None:
    code = "import platform; print(platform.system())"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert done.stdout.strip()
