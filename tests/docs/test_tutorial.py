"""The tutorial runs from top to bottom: commands, Python, and what viewers are to open."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import tifffile
from ome_zarr.io import parse_url
from ome_zarr.reader import Reader
from tests.docs.demo_lake import serve
from tests.docs.pages import ROOT, blocks_of
from tests.docs.pasting import pasting, python, shell

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.docs.pages import Block

PAGE = ROOT / "docs" / "tutorials" / "your-own-first-dataset.md"
ADDRESS = "http://127.0.0.1:8080"
SERVE = "voxlake serve --lake first-lake\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, and nothing of the user's own."""
    monkeypatch.chdir(tmp_path)
    for name in ("STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    monkeypatch.delenv("VOXLAKE_LAKE", raising=False)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    return tmp_path


def test_from_top_to_bottom(folder: Path) -> None:
    text = PAGE.read_text()
    served = [block.code for block in blocks_of(text)].index(SERVE)
    with shell(VOXLAKE_WORKERS="0") as in_shell, python() as in_python:
        paste = pasting(in_shell, in_python)
        _read(blocks_of(text)[:served], paste)
        with serve(folder / "first-lake", dict(os.environ)) as url:
            _read(blocks_of(text.replace(ADDRESS, url))[served + 1 :], paste)
    assert tifffile.imread("part.tif").shape == (32, 300, 400)
    assert not [path for path in (folder / "first-lake" / "lab").rglob("*") if path.is_file()]


def _read(blocks: list[Block], paste: Callable[[Block], str]) -> None:
    """Paste blocks, hold what is shown of their output against it, and open what viewers open."""
    said: list[list[str]] = []
    for block in blocks:
        if block.language == "text":
            assert [line for line in block.code.splitlines() if line.split() not in said] == []
        elif block.language == "console":
            _open(block.code.split()[-1])
        else:
            said = [line.split() for line in paste(block).splitlines()]


def _open(address: str) -> None:
    """Read an image as the plug-in of napari does."""
    location = parse_url(address)
    assert location is not None, address
    image, *_ = Reader(location)()
    assert image.data[0].shape == (48, 300, 400)
