"""Copies of the suites that intern brings to be run against a live bossDB, mended to run at all."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SUITES = {
    "project": 19,
    "group": 20,
    "permission": 8,
    "metadata": 3,
    "user": 3,
    "user_role": 10,
    "volume": 42,
}
"""How many tests each has."""
_STALE = re.compile(r"('nanometers'), [01], 'nanoseconds'")
"""The time step of a frame, which intern moved to the experiment, and left in its suites."""
_SKIP = re.compile(r"^ *@unittest\.skip\(.*indexing disabled.*\)\n", re.MULTILINE)
"""bossDB no longer keeps its index of annotations current; a lake does."""


def write_suite(name: str, folder: Path) -> str:
    """Write a copy of a suite into a folder; return the name of its module."""
    module = f"int_test_{name}_v1"
    text = (_folder() / f"{module}.py").read_text("utf-8-sig")
    (folder / f"{module}.py").write_text(mended(text))
    return module


def mended(text: str) -> str:
    """Return a suite with arguments that intern takes, and all of its tests.

    Examples
    --------
    >>> mended("    1, 1, 1, 'nanometers', 0, 'nanoseconds')")
    "    1, 1, 1, 'nanometers')"
    """
    return _SKIP.sub("", _STALE.sub(r"\1", text))


def names_in_wheel() -> Iterator[str]:
    """Yield the suites that intern brings."""
    for file in _folder().glob("int_test_*_v1.py"):
        yield file.stem.removeprefix("int_test_").removesuffix("_v1")


def _folder() -> Path:
    found = find_spec("intern")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "remote" / "boss" / "tests"
