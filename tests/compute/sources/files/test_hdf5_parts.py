"""Parts of HDF5 datasets that lie elsewhere are read, or refused by name, and never fill values."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import h5py
import numpy as np
import pytest
from tests.compute.sources.reading import assert_whole, cut, fails

from voxlake.compute.sources import open_source

if TYPE_CHECKING:
    from pathlib import Path

RNG = np.random.default_rng(11)
VOXELS = RNG.integers(1, 60000, (10, 16, 12), "u2")


def part(folder: Path, number: int, **options: object) -> None:
    """Write five slices into a file of their own."""
    with h5py.File(folder / f"part{number}.h5", "w") as file:
        file.create_dataset("d/raw", data=VOXELS[5 * number : 5 * number + 5], **options)


def virtual(folder: Path, parts: int = 2, fill: int | None = None, beside: str = "") -> Path:
    """Write a dataset of the slices of `parts` files, two of which are all of it."""
    layout = h5py.VirtualLayout(VOXELS.shape, "u2")
    for number in range(parts):
        source = h5py.VirtualSource(f"{beside}part{number}.h5", "d/raw", (5, 16, 12))
        layout[5 * number : 5 * number + 5] = source
    with h5py.File(folder / "v.h5", "w") as file:
        file.create_virtual_dataset("raw", layout, fillvalue=fill)
    return folder / "v.h5"


def test_virtual_dataset_is_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(2):
        part(tmp_path, number, chunks=(1, 8, 12), compression="gzip")
    source = open_source(str(virtual(tmp_path)))
    assert_whole(source, VOXELS)
    assert source.block == (1, 8, 12)
    monkeypatch.chdir(tmp_path.parent)
    assert_whole(open_source(f"{tmp_path.name}/v.h5"), VOXELS)


@pytest.mark.parametrize("damage", ["gone", "renamed", "short", "torn", "other rank"])
def test_virtual_dataset_with_a_bad_part_is_refused(tmp_path: Path, damage: str) -> None:
    for number in range(2):
        part(tmp_path, number)
    location, second = virtual(tmp_path), tmp_path / "part1.h5"
    open_source(str(location)).check()
    if damage == "gone":
        second.unlink()
    elif damage == "torn":
        cut(second, 700)
    else:
        with h5py.File(second, "w") as file:
            shape = {"renamed": (5, 16, 12), "short": (4, 16, 12), "other rank": (5, 191)}[damage]
            file["d/rav" if damage == "renamed" else "d/raw"] = np.ones(shape, "u2")
    fails(location, "part1.h5", "v.h5")


def test_virtual_dataset_with_a_gap(tmp_path: Path) -> None:
    """What no part has is the fill value, if the writer gave one."""
    part(tmp_path, 0)
    fails(virtual(tmp_path, parts=1), "960 of 1920 voxels")
    voxels = VOXELS.copy()
    voxels[5:] = 7
    other = tmp_path / "other"
    other.mkdir()
    part(other, 0)
    assert_whole(open_source(str(virtual(other, parts=1, fill=7))), voxels)


def test_virtual_dataset_of_virtual_ones(tmp_path: Path) -> None:
    for number in range(2):
        part(tmp_path, number)
    virtual(tmp_path)
    layout = h5py.VirtualLayout(VOXELS.shape, "u2")
    layout[...] = h5py.VirtualSource("v.h5", "raw", VOXELS.shape)
    with h5py.File(tmp_path / "w.h5", "w") as file:
        file.create_virtual_dataset("raw", layout)
    assert_whole(open_source(str(tmp_path / "w.h5")), VOXELS)
    (tmp_path / "part0.h5").unlink()
    fails(tmp_path / "w.h5", "part0.h5")


def counted(folder: Path, file: str, name: str) -> Path:
    """Write a virtual dataset of as many blocks of five slices as there are parts."""
    endless = h5py.h5s.UNLIMITED
    into = h5py.h5s.create_simple((10, 16, 12), (endless, 16, 12))
    into.select_hyperslab((0, 0, 0), (endless, 1, 1), (5, 1, 1), (5, 16, 12))
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    taken = h5py.h5s.create_simple((5, 16, 12))
    plist.set_virtual(into, file.encode(), name.encode(), taken)
    with h5py.File(folder / "v.h5", "w", libver="latest") as made:
        h5py.h5d.create(made.id, b"raw", h5py.h5t.STD_U16LE, into, plist)
    return folder / "v.h5"


COUNTED = {
    "files": ("part%b.h5", "d/raw"),
    "folders": ("run%b/part%b.h5", "d/raw"),
    "datasets": ("all.h5", "d/raw%b"),
    "percent": ("100%%_%b.h5", "d/raw"),
}


def write_counted(folder: Path, kind: str, numbers: tuple[int, ...]) -> Path:
    """Write the parts of those numbers, and what is made of all; return the latter."""
    file, name = COUNTED[kind]
    for number in numbers:
        filled = [each.replace("%b", str(number)).replace("%%", "%") for each in (file, name)]
        (folder / filled[0]).parent.mkdir(exist_ok=True)
        with h5py.File(folder / filled[0], "a") as made:
            at = 5 * (number % 2)
            made[filled[1]] = VOXELS[at : at + 5]
    return counted(folder, file, name)


@pytest.mark.parametrize("kind", COUNTED)
def test_parts_that_are_counted_are_read_whole(tmp_path: Path, kind: str) -> None:
    location = write_counted(tmp_path, kind, (0, 1))
    with h5py.File(location) as file:  # the oracle, which follows them by itself
        np.testing.assert_array_equal(file["raw"][...], VOXELS)
    assert_whole(open_source(str(location)), VOXELS)


@pytest.mark.parametrize("kind", COUNTED)
@pytest.mark.parametrize(("there", "absent"), [((1,), 0), ((0, 1, 3, 10), 2), ((0, 2), 1)])
def test_a_missing_one_of_parts_that_are_counted_is_named(
    tmp_path: Path, kind: str, there: tuple[int, ...], absent: int
) -> None:
    """The HDF5 library ends the dataset there, and says nothing."""
    location = write_counted(tmp_path, kind, there)
    if kind == "datasets":
        fails(location, f"d/raw{absent}", "not there")
    else:
        fails(location, COUNTED[kind][0].replace("%b", str(absent)).replace("%%", "%"), "not there")


@pytest.mark.parametrize("damage", ["torn", "renamed", "short"])
def test_a_bad_one_of_parts_that_are_counted_is_named(tmp_path: Path, damage: str) -> None:
    location = write_counted(tmp_path, "files", (0, 1))
    if damage == "torn":
        cut(tmp_path / "part1.h5", 700)
    else:
        with h5py.File(tmp_path / "part1.h5", "w") as file:
            shape = (5, 16, 12) if damage == "renamed" else (4, 16, 12)
            file["d/rav" if damage == "renamed" else "d/raw"] = np.ones(shape, "u2")
    fails(location, "part1.h5", "v.h5")


def test_parts_that_are_counted_lie_in_the_folder_unless_asked(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    outside.mkdir()
    for number in range(2):
        part(outside, number)
    location = counted(inside, "../out/part%b.h5", "d/raw")
    fails(location, "outside of the folder", "?links=anywhere")
    assert_whole(open_source(f"{location}?links=anywhere"), VOXELS)
    (outside / "part0.h5").unlink()
    fails(f"{location}?links=anywhere", "part0.h5", "not there")


def test_other_files_are_no_parts(tmp_path: Path) -> None:
    location = write_counted(tmp_path, "files", (0, 1))
    for name in ("part02.h5", "part.h5", "part2.h5.bak", "party2.h5"):
        (tmp_path / name).write_bytes(b"")
    assert_whole(open_source(str(location)), VOXELS)


def test_a_virtual_dataset_as_long_as_its_source(tmp_path: Path) -> None:
    endless = h5py.h5s.UNLIMITED
    with h5py.File(tmp_path / "part0.h5", "w") as file:
        file.create_dataset("d/raw", data=VOXELS, maxshape=(None, 16, 12))
    space = h5py.h5s.create_simple((5, 16, 12), (endless, 16, 12))
    space.select_hyperslab((0, 0, 0), (endless, 1, 1), (1, 1, 1), (1, 16, 12))
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_virtual(space, b"part0.h5", b"d/raw", space)
    with h5py.File(tmp_path / "v.h5", "w", libver="latest") as made:
        h5py.h5d.create(made.id, b"raw", h5py.h5t.STD_U16LE, space, plist)
    assert_whole(open_source(str(tmp_path / "v.h5")), VOXELS)
    (tmp_path / "part0.h5").unlink()
    fails(tmp_path / "v.h5", "part0.h5")


def test_virtual_dataset_ends_with_its_process(tmp_path: Path) -> None:
    """The HDF5 library ends a process with a fault if it exits in the wrong order."""
    for number in range(2):
        part(tmp_path, number)
    script = (
        "import ctypes, sys; from voxlake.compute.sources import open_source;"
        "from voxlake.ngff.grid.box import Box; source = open_source(sys.argv[1]);"
        "source.check(); source.read(Box.of_shape(source.shape));"
        "ctypes.pythonapi.Py_IncRef(ctypes.py_object(source))"
    )
    run = subprocess.run([sys.executable, "-c", script, str(virtual(tmp_path))], check=False)
    assert run.returncode == 0


LINKS = {
    "soft": h5py.SoftLink("/real/raw"),
    "relative": h5py.SoftLink("real/raw"),
    "external": h5py.ExternalLink("part0.h5", "/d/raw"),
    "two": h5py.SoftLink("/other"),
}


@pytest.mark.parametrize("kind", LINKS)
def test_links_are_followed(tmp_path: Path, kind: str) -> None:
    part(tmp_path, 0)
    with h5py.File(tmp_path / "v.h5", "w") as file:
        file["real/raw"], file["noise"] = VOXELS[:5], np.zeros((3, 4, 4), "u1")
        file["other"] = h5py.ExternalLink("part0.h5", "/d/raw")
        file["link"] = LINKS[kind]
        file["group"] = h5py.SoftLink("/real")
    assert_whole(open_source(f"{tmp_path}/v.h5::/link"), VOXELS[:5])
    assert_whole(open_source(f"{tmp_path}/v.h5::/group/raw"), VOXELS[:5])


def test_a_file_of_one_link_needs_no_name(tmp_path: Path) -> None:
    part(tmp_path, 0)
    with h5py.File(tmp_path / "v.h5", "w") as file:
        file["entry/data"] = h5py.ExternalLink("part0.h5", "/d/raw")
    assert_whole(open_source(f"{tmp_path}/v.h5"), VOXELS[:5])


@pytest.mark.parametrize(
    ("link", "word"),
    [
        (h5py.SoftLink("/nowhere"), "/nowhere"),
        (h5py.SoftLink("/a"), "circle"),
        (h5py.ExternalLink("gone.h5", "/d/raw"), "gone.h5"),
        (h5py.ExternalLink("part0.h5", "/d/nothing"), "/d/nothing"),
    ],
)
def test_links_to_nothing_are_refused(
    tmp_path: Path, link: h5py.SoftLink | h5py.ExternalLink, word: str
) -> None:
    part(tmp_path, 0)
    with h5py.File(tmp_path / "v.h5", "w") as file:
        file["a"] = link
    fails(f"{tmp_path}/v.h5::/a", "v.h5", word)
    fails(f"{tmp_path}/v.h5", "v.h5", word)


@pytest.mark.parametrize("kind", ["external", "symbolic", "virtual"])
def test_links_out_of_the_folder_are_followed_if_asked(tmp_path: Path, kind: str) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    outside.mkdir()
    for number in range(2):
        part(outside, number)
    if kind == "virtual":
        virtual(inside, beside="../out/")
    else:
        name = "../out/part0.h5" if kind == "external" else "near.h5"
        (inside / "near.h5").symlink_to(outside / "part0.h5")
        with h5py.File(inside / "v.h5", "w") as file:
            file["raw"] = h5py.ExternalLink(name, "/d/raw")
    fails(f"{inside}/v.h5::/raw", "outside of the folder", "?links=anywhere")
    voxels = VOXELS if kind == "virtual" else VOXELS[:5]
    assert_whole(open_source(f"{inside}/v.h5::/raw?links=anywhere"), voxels)


def raw_files(folder: Path, name: str, sizes: tuple[int, ...]) -> Path:
    """Write a dataset whose voxels lie in files of nothing else."""
    body = VOXELS.tobytes()
    files = []
    for number, size in enumerate(sizes):
        (folder / f"{name}{number}").write_bytes(body[:size])
        files.append((f"{name}{number}", 0, size))
        body = body[size:]
    files[-1] = (files[-1][0], 0, h5py.h5f.UNLIMITED)
    with h5py.File(folder / "v.h5", "w") as file:
        file.create_dataset("raw", VOXELS.shape, "u2", external=files, efile_prefix=str(folder))
    return folder / "v.h5"


@pytest.mark.parametrize("sizes", [(3840,), (1000, 2840)])
def test_raw_files_are_read_whole_or_refused(
    tmp_path: Path, sizes: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    location = raw_files(tmp_path, "voxels.raw", sizes)
    monkeypatch.chdir(tmp_path.parent)
    assert_whole(open_source(str(location)), VOXELS)
    cut(tmp_path / "voxels.raw0", -1)
    fails(location, "voxels.raw0", "truncated")
    (tmp_path / "voxels.raw0").unlink()
    fails(location, "voxels.raw0", "not there")


@pytest.mark.parametrize(
    ("code", "name"), [(32008, "bitshuffle"), (32013, "zfp"), (290, "unknown")]
)
@pytest.mark.parametrize("kind", ["plain", "virtual", "linked"])
def test_filters_that_are_not_installed_are_named(
    tmp_path: Path, code: int, name: str, kind: str
) -> None:
    with h5py.File(tmp_path / "v.h5", "w") as file:
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_chunk((4, 16, 16))
        plist.set_filter(code, h5py.h5z.FLAG_OPTIONAL, (0, 0))
        space, u2 = h5py.h5s.create_simple((4, 16, 16)), h5py.h5t.NATIVE_UINT16
        made = h5py.h5d.create(file.id, b"d", u2, space, plist)
        made.write_direct_chunk((0, 0, 0), bytes(600))
    if kind != "plain":
        layout = h5py.VirtualLayout((4, 16, 16), "u2")
        layout[...] = h5py.VirtualSource("v.h5", "d", (4, 16, 16))
        with h5py.File(tmp_path / "w.h5", "w") as file:
            if kind == "virtual":
                file.create_virtual_dataset("d", layout)
            else:
                file["d"] = h5py.ExternalLink("v.h5", "d")
    fails(tmp_path / ("v.h5" if kind == "plain" else "w.h5"), name, str(code), "plug-in")
