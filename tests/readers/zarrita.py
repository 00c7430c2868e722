"""Zarrita, on which most viewers in browsers rest, run by Node."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from voxlake.platform.store.local.lock import locked

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

HERE = Path(__file__).parent


def read_by_zarrita(addresses: list[str], token: str = "-") -> dict[str, list[dict[str, Any]]]:
    """Return what zarrita reads at each address, a folder or a URL, level by level."""
    command = [_installed(), "read.mjs", token, *addresses]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, timeout=120)  # noqa: PLW1510  (told below)
    assert done.returncode == 0, done.stderr
    found: dict[str, list[dict[str, Any]]] = json.loads(done.stdout)
    return found


def as_zarrita(levels: Iterable[npt.NDArray[Any]]) -> list[dict[str, Any]]:
    """Return what zarrita is to read of these voxels."""
    return [
        {
            "shape": list(voxels.shape),
            "dtype": voxels.dtype.name,
            "type": _TYPES[voxels.dtype.name],
            "sha256": hashlib.sha256(np.ascontiguousarray(voxels).tobytes()).hexdigest(),
        }
        for voxels in levels
    ]


_TYPES = {
    "uint8": "Uint8Array",
    "uint16": "Uint16Array",
    "uint64": "BigUint64Array",
    "float32": "Float32Array",
}


@cache
def _installed() -> str:
    """Return Node's path; zarrita is installed now if it is not."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.fail("there is no Node to run zarrita with; install Node 20")
    with locked(HERE / "package.json"):  # against other processes of the same test run
        if not (HERE / "node_modules" / ".package-lock.json").is_file():
            subprocess.run([npm, "ci", "--ignore-scripts"], cwd=HERE, check=True, timeout=280)
    return node
