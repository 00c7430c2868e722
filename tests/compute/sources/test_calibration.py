"""What every kind of input says of where its voxels lie: in which unit, from where, how often."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import h5py
import mrcfile
import nibabel
import numpy as np
import pytest
import tifffile
import zarr
from hypothesis import given
from hypothesis import strategies as st

from voxlake.compute.sources import Calibration, open_source, scales_of
from voxlake.compute.sources.calibration import AxisScale, axis_scale
from voxlake.ngff.grid.axes import TimeStep, VoxelSize
from voxlake.ngff.grid.units import METRES, exact

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

U2 = np.random.default_rng(3).integers(0, 2**16, (4, 6, 7), "u2")
TZYX = np.stack([U2, U2 + 1, U2 + 2])
NIFTI: Any = nibabel.Nifti1Image
"""Its methods have no types."""
IMOD_STAMP = 1146047817

type Write = Callable[[Path], str]


def tiff(name: str, voxels: np.ndarray, **options: Any) -> Write:
    def write(folder: Path) -> str:
        tifffile.imwrite(folder / name, voxels, photometric="minisblack", **options)
        return str(folder / name)

    return write


def ome(axes: str = "ZYX", **sizes: object) -> Write:
    voxels = TZYX if axes == "TZYX" else U2[:1] if axes == "YX" else U2
    return tiff(
        "v.ome.tif", voxels[0] if axes == "YX" else voxels, metadata={"axes": axes, **sizes}
    )


def ome_sizes(x: float, y: float, z: float, unit: str) -> dict[str, Any]:
    sizes: dict[str, Any] = {
        f"PhysicalSize{axis}": size for axis, size in zip("XYZ", (x, y, z), strict=True)
    }
    return sizes | {f"PhysicalSize{axis}Unit": unit for axis in "XYZ"}


def imagej(voxels: np.ndarray = U2, axes: str = "ZYX", **said: object) -> Write:
    pixels = (1 / 5, 1 / 4)
    return tiff("v.tif", voxels, imagej=True, resolution=pixels, metadata={"axes": axes, **said})


def nifti(
    affine: np.ndarray | None, voxels: np.ndarray = U2, units: tuple[str, str] = ("mm", "sec"),
    zooms: tuple[float, ...] = (4, 5, 40), **header: object,
) -> Write:  # fmt: skip
    def write(folder: Path) -> str:
        image = NIFTI(voxels.T, affine, dtype=voxels.dtype)
        image.header.set_zooms(zooms)
        if affine is not None:
            image.set_sform(affine, code=header.pop("sform_code", 2))
            image.set_qform(None, code=0)
        image.header.set_xyzt_units(*units)
        for name, value in header.items():
            image.header[name] = value
        nibabel.save(image, folder / "v.nii")
        return str(folder / "v.nii")

    return write


def mrc(**header: Any) -> Write:
    def write(folder: Path) -> str:
        with mrcfile.new(folder / "v.mrc", overwrite=True) as file:
            file.set_data(U2)
            file.voxel_size = header.pop("size", (4, 5, 40))
            flags, stamp = header.pop("flags", 0), header.pop("stamp", 0)
            for name, value in header.items():
                file.header[name] = value
        with (folder / "v.mrc").open("r+b") as body:
            body.seek(152)
            body.write(np.array([stamp, flags], "<i4").tobytes())
        return str(folder / "v.mrc")

    return write


def hdf5(**attributes: Any) -> Write:
    def write(folder: Path) -> str:
        with h5py.File(folder / "v.h5", "w") as file:
            file["raw"] = U2
            file["raw"].attrs.update(attributes)
        return str(folder / "v.h5")

    return write


def plain_zarr(**attributes: Any) -> Write:
    def write(folder: Path) -> str:
        array = zarr.create_array(folder / "v.zarr", data=U2, chunks=(4, 4, 4))
        array.attrs.update(attributes)
        return str(folder / "v.zarr")

    return write


def ome_zarr(voxels: np.ndarray, axes: list[dict[str, str]], *steps: dict[str, Any]) -> Write:
    def write(folder: Path) -> str:
        group = zarr.open_group(folder / "v.zarr", mode="w", zarr_format=2)
        group.create_array("0", data=voxels, chunks=voxels.shape)
        dataset: Any = {"path": "0", "coordinateTransformations": list(steps)}
        group.attrs["multiscales"] = [{"version": "0.4", "axes": axes, "datasets": [dataset]}]
        return str(folder / "v.zarr")

    return write


def n5(**attributes: Any) -> Write:
    def write(folder: Path) -> str:
        (folder / "v.n5").mkdir()
        document: dict[str, Any] = {
            "dimensions": [7, 6, 4],
            "blockSize": [7, 6, 4],
            "dataType": "uint16",
        }
        document["compression"] = {"type": "raw"}
        (folder / "v.n5" / "attributes.json").write_text(json.dumps(document | attributes))
        return str(folder / "v.n5")

    return write


def precomputed(**scale: Any) -> Write:
    def write(folder: Path) -> str:
        said = {"key": "a", "size": [7, 6, 4], "chunk_sizes": [[7, 6, 4]], "encoding": "raw"}
        info = {"type": "image", "data_type": "uint16", "num_channels": 1, "scales": [said | scale]}
        (folder / "info").write_text(json.dumps(info))
        return f"precomputed://{folder}"

    return write


def space(*units: str | None) -> list[dict[str, str]]:
    axes = [{"name": name, "type": "space"} for name in "zyx"]
    return [axis | ({"unit": unit} if unit else {}) for axis, unit in zip(axes, units, strict=True)]


def scale(*sizes: float) -> dict[str, Any]:
    return {"type": "scale", "scale": sizes}


def translation(*places: float) -> dict[str, Any]:
    return {"type": "translation", "translation": places}


DIAGONAL = np.diag([4.0, 5, 40, 1])
MOVED = DIAGONAL.copy()
MOVED[:3, 3] = (0.8, -7, 12)
TIME = {"name": "t", "type": "time", "unit": "millisecond"}
VIGRA = [{"key": k, "resolution": r} for k, r in (("z", 0.5), ("y", 0.1), ("x", 0.2))]
ILASTIK = {"axistags": json.dumps({"axes": VIGRA})}

SIZES: dict[str, tuple[Write, VoxelSize | None]] = {
    "ome nm": (ome(**ome_sizes(4, 5, 40, "nm")), VoxelSize(40, 5, 4)),
    "ome without units": (
        ome(PhysicalSizeX=4, PhysicalSizeY=5, PhysicalSizeZ=40),
        VoxelSize(40, 5, 4, "micrometer"),
    ),
    "ome angstrom": (ome(**ome_sizes(2.5, 2.5, 7, "Å")), VoxelSize(7, 2.5, 2.5, "angstrom")),
    "ome cm": (ome(**ome_sizes(4, 5, 40, "cm")), VoxelSize(40, 5, 4, "centimeter")),
    "ome dm": (ome(**ome_sizes(4, 5, 40, "dm")), VoxelSize(400, 50, 40, "centimeter")),
    "ome foot": (ome(**ome_sizes(1, 1, 2, "ft")), VoxelSize(60.96, 30.48, 30.48, "centimeter")),
    "ome pixel": (ome(**ome_sizes(4, 5, 40, "pixel")), None),
    "ome reference frame": (ome(**ome_sizes(4, 5, 40, "reference frame")), None),
    "ome mixed": (
        ome(**ome_sizes(4, 5, 0.04, "nm") | {"PhysicalSizeZUnit": "µm"}),
        VoxelSize(40, 5, 4),
    ),
    "ome slice": (
        ome("YX", **ome_sizes(0.2, 0.2, 1, "µm")),
        VoxelSize(1, 0.2, 0.2, "micrometer"),
    ),
    "ome slice without a thickness": (ome("YX", PhysicalSizeX=1, PhysicalSizeY=1), None),
    "imagej mm": (imagej(spacing=40, unit="mm"), VoxelSize(40, 4, 5, "millimeter")),
    "imagej escaped": (imagej(spacing=3, unit="\\u00B5m"), VoxelSize(3, 4, 5, "micrometer")),
    "imagej micron": (imagej(spacing=3, unit="microns"), VoxelSize(3, 4, 5, "micrometer")),
    "imagej zunit": (
        imagej(spacing=3, unit="nm", zunit="\\u00B5m", yunit="nm"),
        VoxelSize(3000, 4, 5),
    ),
    "imagej downwards": (imagej(spacing=-3, unit="um"), VoxelSize(3, 4, 5, "micrometer")),
    "imagej pixel": (imagej(spacing=3, unit="pixel"), None),
    "imagej without a unit": (imagej(spacing=3), None),
    "imagej without spacing": (imagej(unit="nm"), None),
    "tiff": (tiff("v.tif", U2, resolution=(300, 300), resolutionunit=3), None),
    "nifti mm": (nifti(DIAGONAL), VoxelSize(40, 5, 4, "millimeter")),
    "nifti metre": (nifti(DIAGONAL, units=("meter", "sec")), VoxelSize(40, 5, 4, "meter")),
    "nifti 32 bits": (
        nifti(None, zooms=(0.008, 0.1, 0.7)),
        VoxelSize(0.7, 0.1, 0.008, "millimeter"),
    ),
    "nifti unknown": (nifti(DIAGONAL, units=("unknown", "unknown")), None),
    "nifti of no unit that there is": (nifti(DIAGONAL, xyzt_units=4), None),
    "nifti of no unit of time": (
        nifti(DIAGONAL, xyzt_units=2 + 56),
        VoxelSize(40, 5, 4, "millimeter"),
    ),
    "nifti slice": (
        nifti(None, U2[0], zooms=(4, 5), pixdim=[1, 4, 5, 8, 0, 0, 0, 0]),
        VoxelSize(8, 5, 4, "millimeter"),
    ),
    "nifti of no size": (nifti(None, pixdim=[1, 4, 5, 0, 0, 0, 0, 0]), None),
    "nifti of a size below 0": (
        nifti(None, pixdim=[1, -4, 5, 40, 0, 0, 0, 0]),
        VoxelSize(40, 5, 4, "millimeter"),
    ),
    "nifti of no size but an sform": (
        nifti(DIAGONAL, pixdim=[1, 4, 5, 0, 0, 0, 0, 0]),
        VoxelSize(40, 5, 4, "millimeter"),
    ),
    "mrc": (mrc(size=(0.3, 0.7, 1.1)), VoxelSize(1.1, 0.7, 0.3, "angstrom")),
    "mrc open": (mrc(size=0), None),
    "ome-zarr units": (
        ome_zarr(U2, space("micrometer", "nanometer", "angstrom"), scale(0.04, 5, 20)),
        VoxelSize(400, 50, 20, "angstrom"),
    ),
    "ome-zarr symbols": (ome_zarr(U2, space("um", "um", "um"), scale(4, 2, 2)),
        VoxelSize(4, 2, 2, "micrometer")),
    "ome-zarr inch": (
        ome_zarr(U2, space("inch", "inch", "inch"), scale(1, 2, 3)),
        VoxelSize(2.54, 5.08, 7.62, "centimeter"),
    ),
    "ome-zarr no unit": (ome_zarr(U2, space(None, None, None), scale(1, 2, 3)), None),
    "ome-zarr one without": (ome_zarr(U2, space("nm", "nm", None), scale(1, 2, 3)), None),
    "n5 Paintera": (n5(resolution=[4, 5, 40]), None),
    "n5 mixed": (n5(resolution=[4, 5, 0.04], units=["nm", "nm", "µm"]), VoxelSize(40, 5, 4)),
    "n5 furlong": (n5(pixelResolution={"dimensions": [1, 1, 1], "unit": "furlong"}), None),
    "precomputed": (precomputed(resolution=[0.1, 0.7, 3]), VoxelSize(3, 0.7, 0.1)),
    "hdf5 cremi": (hdf5(resolution=(40.0, 4.0, 4.5)), VoxelSize(40, 4, 4.5)),
    "hdf5 32 bits": (hdf5(resolution=np.array([0.7, 0.1, 0.1], "f4")), VoxelSize(0.7, 0.1, 0.1)),
    "hdf5 units": (
        hdf5(resolution=(40, 4, 4), units=[b"mm", b"mm", b"mm"]),
        VoxelSize(40, 4, 4, "millimeter"),
    ),
    "hdf5 one unit": (hdf5(voxel_size=[4, 2, 2], unit="um"), VoxelSize(4, 2, 2, "micrometer")),
    "hdf5 x first": (hdf5(resolution=[4, 5, 40], axes="xyz"), VoxelSize(40, 5, 4)),
    "hdf5 odd unit": (hdf5(resolution=(40, 4, 4), unit="voxels"), None),
    "hdf5 micrometres": (
        hdf5(element_size_um=(0.04, 0.008, 0.008)),
        VoxelSize(0.04, 0.008, 0.008, "micrometer"),
    ),
    "hdf5 Ilastik": (
        hdf5(**ILASTIK, axis_units=json.dumps(dict.fromkeys("xyz", "um"))),
        VoxelSize(0.5, 0.1, 0.2, "micrometer"),
    ),
    "hdf5 Ilastik without units": (hdf5(**ILASTIK), None),
    "zarr funlib": (plain_zarr(resolution=[40, 4, 4]), VoxelSize(40, 4, 4)),
    "zarr COSEM": (
        plain_zarr(
            transform={"axes": ["z", "y", "x"], "scale": [3, 4, 4], "units": ["nm", "nm", "nm"]}
        ),
        VoxelSize(3, 4, 4),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("write", "size"), SIZES.values(), ids=SIZES)
def test_the_voxel_size_is_that_of_the_input_or_not_known(
    tmp_path: Path, write: Write, size: VoxelSize | None
) -> None:
    found = open_source(write(tmp_path)).calibration.voxel_size
    assert found == size


PLACES: dict[str, tuple[Write, tuple[float, float, float], str]] = {
    "imagej origin": (
        imagej(spacing=3, unit="um", xorigin=2, zorigin=-1),
        (3.0, 0.0, -10.0),
        "micrometer",
    ),
    "nifti sform": (nifti(MOVED), (12.0, -7.0, 0.8), "millimeter"),
    "nifti of neither code": (nifti(MOVED, sform_code=0), (0, 0, 0), "millimeter"),
    "mrc nstart": (mrc(nxstart=-2, nystart=3, nzstart=1), (40.0, 15.0, -8.0), "angstrom"),
    "mrc nstart of turned axes": (
        mrc(nxstart=1, nystart=2, nzstart=3, mapc=3, mapr=1, maps=2),
        (40.0, 15.0, 8.0),
        "angstrom",
    ),
    "mrc origin": (mrc(origin=(1.5, -2.5, 100)), (100.0, -2.5, 1.5), "angstrom"),
    "mrc both": (mrc(origin=(8, 0, 0), nxstart=2), (0.0, 0.0, 8.0), "angstrom"),
    "mrc of IMOD": (mrc(origin=(8, 1, 2), stamp=IMOD_STAMP), (-2.0, -1.0, -8.0), "angstrom"),
    "mrc of IMOD, in the sense of MRC": (
        mrc(origin=(8, 1, 2), stamp=IMOD_STAMP, flags=4),
        (2.0, 1.0, 8.0),
        "angstrom",
    ),
    "ome-zarr": (
        ome_zarr(U2, space("um", "nm", "nm"), scale(1, 2, 3), translation(0.1, 7, -5)),
        (100.0, 7.0, -5.0),
        "nanometer",
    ),
    "precomputed": (
        precomputed(resolution=[4, 5, 40], voxel_offset=[-9, 2, 100]),
        (4000.0, 10.0, -36.0),
        "nanometer",
    ),
    "n5 COSEM": (
        n5(transform={"axes": ["z", "y", "x"], "scale": [3, 4, 5], "units": ["nm"] * 3,
                      "translate": [1.5, 2, 3]}),
        (1.5, 2.0, 3.0),
        "nanometer",
    ),
    "n5 Paintera": (
        n5(resolution=[4, 5, 40], units=["nm"] * 3, offset=[100, 200, 300]),
        (300.0, 200.0, 100.0),
        "nanometer",
    ),
    "n5 level": (
        n5(pixelResolution={"dimensions": [4, 5, 40], "unit": "nm"},
           downsamplingFactors=[4, 2, 1]),
        (0.0, 2.5, 6.0),
        "nanometer",
    ),
    "hdf5": (hdf5(resolution=(40, 4, 4), offset=(1520, 3644, 3645)), (1520.0, 3644.0, 3645.0),
             "nanometer"),
    "zarr": (plain_zarr(resolution=[40, 4, 4], offset=[80, 0, 8]), (80.0, 0.0, 8.0), "nanometer"),
}  # fmt: skip


@pytest.mark.parametrize(("write", "place", "unit"), PLACES.values(), ids=PLACES)
def test_the_place_of_the_first_voxel_is_kept(
    tmp_path: Path, write: Write, place: tuple[float, float, float], unit: str
) -> None:
    calibration = open_source(write(tmp_path)).calibration
    assert calibration.translation(unit) == place
    assert list(calibration.unplaced()) == []


ROTATED = np.diag([4.0, 5, 40, 1])
ROTATED[:2, :2] = ((2.0, -3.464), (3.464, 2.0))
FLIPPED = np.diag([-4.0, 5, -40, 1])

UNPLACED: dict[str, tuple[Write, str]] = {
    "nifti rotation": (nifti(ROTATED, zooms=(4, 4, 40)), "rotation"),
    "nifti axes that change places": (nifti(DIAGONAL[[1, 0, 2, 3]]), "rotation"),
    "nifti flip": (nifti(FLIPPED), "flip: z, x"),
    "nifti of two sizes": (nifti(DIAGONAL, pixdim=[1, 4, 5, 41, 0, 0, 0, 0]), "pixdim"),
    "nifti without a unit": (nifti(MOVED, units=("unknown", "sec")), "-7 along y in no unit"),
    "mrc shear": (mrc(cellb=(90, 94.3, 90)), "shear"),
    "mrc two places": (mrc(origin=(8, 0, 0), nxstart=3), "two places"),
    "mrc without a size": (mrc(size=0, nxstart=3), "without a size"),
    "mrc nowhere": (mrc(origin=(np.nan, 0, 0)), "not all numbers"),
    "mrc at infinity": (mrc(origin=(0, 0, -np.inf)), "not all numbers"),
    "ome-zarr flip": (ome_zarr(U2, space("nm", "nm", "nm"), scale(1, -2, 3)), "flip: y"),
    "ome-zarr without a unit": (
        ome_zarr(U2, space("nm", "nm", None), scale(1, 1, 1), translation(0, 0, 5)),
        "5 along x in no unit",
    ),
    "n5 in pixels": (
        n5(resolution=[4, 5, 40], units=["px"] * 3, offset=[0, 200, 0]),
        "200 along y in 'px'",
    ),
}


@pytest.mark.parametrize(("write", "says"), UNPLACED.values(), ids=UNPLACED)
def test_what_cannot_be_kept_of_places_is_said(tmp_path: Path, write: Write, says: str) -> None:
    calibration = open_source(write(tmp_path)).calibration
    assert says in "; ".join(calibration.unplaced())
    assert list(calibration.without_places().unplaced()) == []
    assert calibration.without_places().voxel_size == calibration.voxel_size


TIMES: dict[str, tuple[Write, TimeStep | None]] = {
    "ome": (ome("TZYX", TimeIncrement=1.5), TimeStep(1.5, "second")),
    "ome ms": (
        ome("TZYX", TimeIncrement=20, TimeIncrementUnit="ms"),
        TimeStep(20, "millisecond"),
    ),
    "ome nothing": (ome("TZYX"), None),
    "imagej": (imagej(TZYX, "TZYX", finterval=0.25, unit="um"), TimeStep(0.25, "second")),
    "imagej min": (imagej(TZYX, "TZYX", finterval=2, tunit="min"), TimeStep(2, "minute")),
    "nifti": (nifti(None, TZYX, zooms=(4, 5, 40, 2.5)), TimeStep(2.5, "second")),
    "nifti later": (
        nifti(None, TZYX, ("mm", "msec"), (4, 5, 40, 7), toffset=3),
        TimeStep(7, "millisecond", 3),
    ),
    "nifti in hertz": (nifti(None, TZYX, ("mm", "hz"), (4, 5, 40, 7)), TimeStep(7)),
    "nifti zero": (nifti(None, TZYX, zooms=(4, 5, 40, 0)), None),
    "ome-zarr": (
        ome_zarr(TZYX, [TIME, *space("nm", "nm", "nm")], scale(7, 1, 1, 1),
                 translation(21, 0, 0, 0)),
        TimeStep(7, "millisecond", 21),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("write", "time"), TIMES.values(), ids=TIMES)
def test_the_time_step_is_kept(tmp_path: Path, write: Write, time: TimeStep | None) -> None:
    source = open_source(write(tmp_path))
    assert source.axes == ("t", "z", "y", "x")
    assert source.calibration.time == time


@given(
    st.lists(st.decimals("0.001", "1000", places=3), min_size=3, max_size=3),
    st.sampled_from(sorted(METRES)),
)
def test_a_size_in_any_unit_is_that_many_metres(sizes: list[Any], unit: str) -> None:
    found = Calibration(scales_of("zyx", sizes, unit)).voxel_size
    assert found is not None
    assert found.unit is not None
    metres = [float(exact(size) * METRES[found.unit]) for size in found.zyx]
    assert metres == pytest.approx([float(size * METRES[unit]) for size in sizes], rel=1e-14)


def test_a_flip_is_undone_by_reversing_its_axis() -> None:
    flipped = Calibration(scales_of("zyx", (40, 5, -4), "nm", (0, 0, 100)))
    turned = flipped.reversed(("x", "z"), {"z": 10, "y": 10, "x": 11})
    assert list(turned.unplaced()) == []
    # z was in the wrong order, and stays where it is; the last voxel of x was at 60.
    assert turned.translation("nanometer") == (0.0, 0.0, 60.0)


@pytest.mark.parametrize("step", ["", "wide", None, 0, float("nan"), float("inf")])
def test_a_step_that_says_nothing(step: object) -> None:
    assert axis_scale(step, "nm") is None


def test_a_text_is_a_number() -> None:
    assert axis_scale(" 1e-3 ", "mm", "NaN") == AxisScale(exact("0.001"), "mm")
