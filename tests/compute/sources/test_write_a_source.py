"""The how-to on sources does what it says."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from voxlake.compute.sources import ReadsInto, Source
from voxlake.compute.sources.opening import openers

if TYPE_CHECKING:
    import pytest

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "write-a-source.md"


def test_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = PAGE.read_text()
    reader, use = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (table,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    found = re.search(r'\[project\.entry-points\."(.*?)"\]\n(\w+) = "(.*?)"', table)
    assert found
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "raw_reader.py").write_text(reader)
    info = tmp_path / "raw_reader-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: raw-reader\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{found[1]}]\n{found[2]} = {found[3]}\n")
    known: dict[str, object] = {"Path": Path, "np": np}
    exec(compile(use, str(PAGE), "exec"), known)
    assert (tmp_path / "em_2x3x4.raw").stat().st_size == 24
    assert isinstance(known["source"], ReadsInto)
    assert_has_the_protocol(known["source"])
    sys.modules.pop("raw_reader")


def assert_has_the_protocol(source: object) -> None:
    """Hold the source of the page to all that `Source` asks for, and the page to name it."""
    required = {name for name in vars(Source) if not name.startswith("_")}
    assert {"block", "read", "check"} <= required
    assert all(hasattr(source, name) for name in required)
    assert all(name in PAGE.read_text() for name in required)


def test_the_page_lists_every_reader_that_comes_with_voxlake() -> None:
    words = {
        "stack": "stacks of PNG",
        "tiff": "OME-TIFF",
        "grid": "grids of tiles",
        "mrc": "MRC",
        "raw": "raw binary",
        "precomputed": "Neuroglancer precomputed",
        "hdf5": "HDF5",
        "npy": "`.npy`",
        "nifti": "NIfTI",
        "n5": "N5",
        "phantom": "",
    }
    ours = {entry.name for entry in openers() if entry.module.startswith("voxlake.")}
    (listed,) = re.findall(r"voxlake comes with readers for (.*?)\. ", PAGE.read_text(), re.DOTALL)
    assert [name for name in ours if words.get(name, name) not in listed] == []
