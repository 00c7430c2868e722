"""How readers are found, and how a task gets at its source again."""

from __future__ import annotations

import importlib
import os
import pickle
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import imagecodecs
import numpy as np
import pytest

from voxlake.compute.sources import absolute_location, cached_source, open_source, openers
from voxlake.ngff.grid.box import Box
from voxlake.platform.errors import PlanChangedError, SourceError

if TYPE_CHECKING:
    from pathlib import Path

READER = """
import numpy as np

class Ones:
    shape, dtype, axes = (4, 5, 6), np.dtype("u1"), ("z", "y", "x")
    fingerprint = "ones"
    def read(self, box):
        return np.ones(box.shape, "u1")
    def check(self):
        pass

def open_ones(location):
    return Ones() if location.startswith(("ones:", "phantom:")) else None
"""

GATED = """
import threading

gate = threading.Event()

def open_gated(location):
    if location == "gated:slow":
        assert gate.wait(60)
    return Ones() if location.startswith("gated:") else None
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the path; returns where distributions go."""
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def register(site: Path, name: str, value: str) -> None:
    info = site / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[voxlake.sources]\n{name} = {value}\n")


def test_a_reader_of_ones_own_is_found_and_comes_first(install: Path) -> None:
    (install / "ones_reader.py").write_text(READER)
    register(install, "zz-ones", "ones_reader:open_ones")
    assert openers()[0].name == "zz-ones"
    np.testing.assert_array_equal(open_source("ones:").read(Box.of_shape((1, 2, 3))), 1)
    assert open_source("phantom:8").fingerprint == "ones"
    sys.modules.pop("ones_reader")


def test_a_reader_that_cannot_be_imported_is_named(install: Path) -> None:
    register(install, "broken", "no_such_module:open")
    assert open_source("phantom:8").shape == (8, 8, 8)
    with pytest.raises(SourceError, match=r"broken \(cannot be imported\), .*hdf5"):
        open_source("gopher://x")


def test_our_own_readers_in_a_defined_order() -> None:
    names = [entry.name for entry in openers() if entry.module.startswith("voxlake.")]
    assert names == [*sorted(set(names) - {"bioio"}), "bioio"]
    assert {"hdf5", "mrc", "n5", "nifti", "npy", "phantom", "precomputed", "raw"} < set(names)
    assert names[-4:] == ["stack", "tiff", "zarr", "bioio"]  # these take what others have not


def write_stack(folder: Path, slices: int) -> None:
    for number in range(slices):
        pixels = np.full((16, 16), number, "u1")
        (folder / f"{number}.png").write_bytes(imagecodecs.png_encode(pixels))


def test_cached_source_is_opened_once_for_one_fingerprint(tmp_path: Path) -> None:
    write_stack(tmp_path, 3)
    location = str(tmp_path)
    fingerprint = open_source(location).fingerprint
    assert cached_source(location, fingerprint) is cached_source(location, fingerprint)
    assert len(pickle.dumps((location, fingerprint))) < 300


def test_a_slow_source_holds_up_no_other(install: Path) -> None:
    (install / "gated_reader.py").write_text(f"{READER}\n{GATED}")
    register(install, "gated", "gated_reader:open_gated")
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(cached_source, "gated:slow", "ones")
        gate = importlib.import_module("gated_reader").gate
        try:
            assert cached_source("gated:quick", "ones").fingerprint == "ones"
            assert not slow.done()
        finally:
            gate.set()
        assert slow.result() is cached_source("gated:slow", "ones")


def test_cached_source_that_has_changed(tmp_path: Path) -> None:
    write_stack(tmp_path, 3)
    planned = open_source(str(tmp_path)).fingerprint
    os.utime(tmp_path / "1.png", ns=(1, 1))
    with pytest.raises(PlanChangedError, match="plan the job again"):
        cached_source(str(tmp_path), planned)


def test_fingerprint_sees_time_size_and_names(tmp_path: Path) -> None:
    write_stack(tmp_path, 3)
    first = open_source(str(tmp_path)).fingerprint
    assert open_source(str(tmp_path)).fingerprint == first
    seen = {first}
    os.utime(tmp_path / "1.png", ns=(1, 1))
    seen.add(open_source(str(tmp_path)).fingerprint)
    (tmp_path / "2.png").rename(tmp_path / "3.png")
    seen.add(open_source(str(tmp_path)).fingerprint)
    write_stack(tmp_path, 4)
    seen.add(open_source(str(tmp_path)).fingerprint)
    assert len(seen) == 4


def test_opening_again_reads_one_header(tmp_path: Path) -> None:
    """Opening does not look into slices but the first: a torn one is seen by `check` alone."""
    write_stack(tmp_path, 3)
    (tmp_path / "2.png").write_bytes(b"torn")
    source = open_source(str(tmp_path))
    with pytest.raises(SourceError, match=r"2\.png"):
        source.check()


def test_absolute_location(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert absolute_location("a/*.png") == f"{tmp_path}/a/*.png"
    assert absolute_location("v.h5::/x") == f"{tmp_path}/v.h5::/x"
    assert absolute_location("https://host/v.zarr") == "https://host/v.zarr"


@pytest.mark.parametrize(
    "location",
    [
        "em.raw?dtype=uint8&shape=2,3,4&shape=4,3,2",
        "em.raw?dtype=uint8&dtype=uint8&shape=2,3,4",
        "precomputed:///em?scale=1&scale=0",
        "phantom:8?kind=image&kind=labels",
    ],
)
def test_an_option_that_is_given_twice_is_refused(tmp_path: Path, location: str) -> None:
    (tmp_path / "em.raw").write_bytes(bytes(24))
    place = f"{tmp_path}/{location}" if location.startswith("em") else location
    with pytest.raises(SourceError, match="twice"):
        open_source(place)
