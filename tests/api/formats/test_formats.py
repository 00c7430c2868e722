"""Every format holds every voxel, and the readers of others open it with its size and place."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import blosc
import h5py
import nibabel as nib
import nrrd
import numcodecs
import numpy as np
import pyarrow as pa
import pytest
import tifffile
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from tests.api.formats.described import described

from voxlake.api.formats import FORMATS, Cutout, Format
from voxlake.api.formats.blosc import STORED
from voxlake.ngff.dataset import open_dataset
from voxlake.ngff.grid.box import Box
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    type Opened = npt.NDArray[Any]
    type Open = Callable[[bytes, Cutout, Path], Opened]

DTYPES = ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8", ">u2"]
BY_NAME = {form.name: form for form in FORMATS}


def numbers(shape: tuple[int, ...], dtype: str) -> npt.NDArray[Any]:
    """Voxels among which the ends of the type are."""
    voxels = np.random.default_rng(1).integers(0, 100, shape).astype(dtype)
    if voxels.dtype.kind in "ui":
        ends = np.iinfo(voxels.dtype)
        voxels.flat[0], voxels.flat[-1] = ends.min, ends.max
    return voxels


def body_of(form: Format, cutout: Cutout, voxels: npt.NDArray[Any]) -> bytes:
    """Encode voxels that come in blocks along the first long axis."""
    axis = next((axis for axis, n in enumerate(voxels.shape) if n > 1), 0)
    blocks = np.array_split(voxels, min(3, voxels.shape[axis]), axis)
    body = b"".join(form.encode(cutout, iter(blocks)))
    size = form.measure(cutout)
    assert len(body) == size if form.is_exact else len(body) <= size
    return body


def file_of(body: bytes, folder: Path, name: str) -> Path:
    """Return a file with the body."""
    path = folder / name
    path.write_bytes(body)
    return path


def open_raw(body: bytes, cutout: Cutout, _folder: Path) -> Opened:
    return np.frombuffer(body, cutout.dtype.newbyteorder("<")).reshape(cutout.shape)


def open_npy(body: bytes, _cutout: Cutout, _folder: Path) -> Opened:
    voxels: Opened = np.load(io.BytesIO(body), allow_pickle=False)
    return voxels


def open_npz(body: bytes, _cutout: Cutout, _folder: Path) -> Opened:
    with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
        voxels: Opened = arrays["voxels"]
    return voxels


def open_blosc(body: bytes, cutout: Cutout, folder: Path) -> Opened:
    return open_raw(numcodecs.blosc.decompress(body), cutout, folder)


def open_hdf5(body: bytes, cutout: Cutout, _folder: Path) -> Opened:
    with h5py.File(io.BytesIO(body)) as file:
        dataset = file["voxels"]
        assert [dim.label for dim in dataset.dims] == list(cutout.names)
        np.testing.assert_allclose(dataset.attrs["element_size_um"], [0.04, 0.008, 0.004])
        assert tuple(dataset.attrs["start"]) == cutout.box.start
        voxels: Opened = dataset[:]
    return voxels


def open_zarr(body: bytes, cutout: Cutout, folder: Path) -> Opened:
    path = file_of(body, folder, "it.zarr.zip")
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.namelist()[0] == "zarr.json"
        archive.extractall(folder / "it.ome.zarr")
    dataset = open_dataset(StoreURL.parse(str(folder / "it.ome.zarr")))
    assert dataset.multiscale.axes == cutout.axes
    assert dataset.multiscale.levels[0].scale == cutout.scale
    assert dataset.multiscale.levels[0].translation == cutout.translation
    with zarr.storage.ZipStore(path, mode="r") as store:
        array = zarr.open_group(store, mode="r")["0"]
        assert isinstance(array, zarr.Array)
        return np.asarray(array[:])


def open_tiff(body: bytes, cutout: Cutout, _folder: Path) -> Opened:
    with tifffile.TiffFile(io.BytesIO(body)) as file:
        voxels: Opened = file.series[0].asarray(squeeze=False)
        said = file.imagej_metadata or {}
        is_imagej = cutout.dtype.name in {"uint8", "uint16", "float32"}
        assert bool(said) is is_imagej
        if is_imagej:
            assert (said["spacing"], said["unit"]) == (0.04, "um")
    t, c, z, y, x = cutout.sizes
    ordered = voxels.reshape(t, z, c, y, x).transpose(0, 2, 1, 3, 4)
    return ordered.reshape(cutout.shape)


def open_nifti(body: bytes, cutout: Cutout, folder: Path) -> Opened:
    image: Any = nib.load(file_of(body, folder, "it.nii"))
    np.testing.assert_allclose(np.diag(image.affine), [0.004, 0.008, 0.04, 1])
    np.testing.assert_allclose(image.affine[:3, 3], [0.3, 0.2, 0.1])
    assert image.header.get_xyzt_units()[0] == "micron"
    voxels: Opened = np.asarray(image.dataobj).T
    return voxels.reshape(cutout.shape)


def open_nrrd(body: bytes, cutout: Cutout, _folder: Path) -> Opened:
    file = io.BytesIO(body)
    header = nrrd.read_header(file)
    steps = np.asarray(header["space directions"], float)
    np.testing.assert_allclose(steps[:3], np.diag([0.004, 0.008, 0.04]))
    np.testing.assert_allclose(header["space origin"], [0.3, 0.2, 0.1])
    voxels: Opened = nrrd.read_data(header, file, index_order="C")
    return voxels.reshape(cutout.shape)


def open_arrow(body: bytes, cutout: Cutout, _folder: Path) -> Opened:
    tensor = pa.ipc.read_tensor(pa.BufferReader(body))
    assert tuple(tensor.dim_names) == cutout.names
    voxels: Opened = tensor.to_numpy()
    return voxels


OPEN: dict[str, Open] = {
    "raw": open_raw,
    "npy": open_npy,
    "npz": open_npz,
    "blosc": open_blosc,
    "hdf5": open_hdf5,
    "zarr": open_zarr,
    "ozx": open_zarr,
    "tiff": open_tiff,
    "nifti": open_nifti,
    "nrrd": open_nrrd,
    "arrow": open_arrow,
}
PICTURES = ("png", "jpeg", "webp")
SHAPES = [(3, 5, 7), (70, 3, 66), (2, 3, 5, 7), (2, 1, 3, 5, 7), (2, 2, 2, 3, 4), (1, 1, 1)]


def test_every_format_is_opened_by_another_reader() -> None:
    assert set(BY_NAME) == {*OPEN, *PICTURES}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", OPEN)
def test_every_format_holds_every_voxel(name: str, dtype: str, tmp_path: Path) -> None:
    form, held = BY_NAME[name], 0
    for number, shape in enumerate(SHAPES):
        voxels = numbers(shape, dtype)
        cutout = described(Box((4,) * len(shape), tuple(4 + n for n in shape)), voxels.dtype)
        if not form.accepts(cutout):
            continue
        held += 1
        folder = tmp_path / str(number)
        folder.mkdir()
        found = OPEN[name](body_of(form, cutout, voxels), cutout, folder)
        assert found.dtype.newbyteorder("<") == voxels.dtype.newbyteorder("<")
        np.testing.assert_array_equal(found, voxels)
    assert held >= len(SHAPES) - (name == "nifti")


@settings(max_examples=30)
@given(
    shape=st.lists(st.integers(1, 5), min_size=3, max_size=5).map(tuple),
    name=st.sampled_from(["raw", "npy", "npz", "blosc", "arrow"]),
    dtype=st.sampled_from(DTYPES),
)
def test_any_shape(shape: tuple[int, ...], name: str, dtype: str) -> None:
    voxels = numbers(shape, dtype)
    cutout = described(Box.of_shape(shape), voxels.dtype)
    body = body_of(BY_NAME[name], cutout, voxels)
    np.testing.assert_array_equal(OPEN[name](body, cutout, Path()), voxels)


@settings(max_examples=30)
@given(
    shape=st.lists(st.integers(1, 90), min_size=3, max_size=3).map(tuple),
    dtype=st.sampled_from(DTYPES),
    rows=st.integers(1, 90),
)
def test_a_stored_buffer_is_one_of_blosc(shape: tuple[int, ...], dtype: str, rows: int) -> None:
    """Both decoders that clients have take it, and its length is known before it is made."""
    voxels = numbers(shape, dtype)
    cutout = described(Box.of_shape(shape), voxels.dtype)
    blocks = (voxels[row : row + rows] for row in range(0, shape[0], rows))
    body = b"".join(STORED.encode(cutout, blocks))
    assert len(body) == STORED.measure(cutout)
    for decoded in (numcodecs.blosc.decompress(body), blosc.decompress(body)):
        assert decoded == voxels.astype(cutout.dtype.newbyteorder("<")).tobytes()


@pytest.mark.parametrize("name", ["raw", "npy", "nifti", "nrrd"])
def test_voxels_are_not_copied(name: str) -> None:
    voxels = np.zeros((4, 5, 6), np.uint16)
    cutout = described(Box.of_shape(voxels.shape), voxels.dtype)
    *_, last = BY_NAME[name].encode(cutout, iter([voxels]))
    assert np.shares_memory(np.frombuffer(last, np.uint16), voxels)


@pytest.mark.parametrize("shuffled", ["u8", "u2", "f4"])
def test_blosc_is_small_of_labels_and_of_numbers(shuffled: str) -> None:
    rng = np.random.default_rng(3)
    if shuffled == "u8":  # ids that say nothing, in runs of some voxels
        ids = rng.integers(1, 1 << 62, 500, np.uint64)
        voxels = ids[np.repeat(rng.integers(0, 500, 16_000), 8)].reshape(20, 80, 80)
    else:  # a slope with noise in its lower bits
        slope = np.arange(20 * 80 * 80) // 32 + rng.integers(0, 16, 20 * 80 * 80)
        voxels = slope.reshape(20, 80, 80).astype(shuffled)
    cutout = described(Box.of_shape(voxels.shape), voxels.dtype)
    sizes = [
        len(numcodecs.blosc.compress(voxels, b"lz4", 5, shuffle))
        for shuffle in (numcodecs.blosc.NOSHUFFLE, numcodecs.blosc.BITSHUFFLE)
    ]
    body = body_of(BY_NAME["blosc"], cutout, voxels)
    assert len(body) <= min(sizes) < voxels.nbytes / 1.3


@pytest.mark.parametrize("shape", [(1, 40, 60), (40, 1, 60), (40, 60, 1)])
@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("dtype", ["u1", "u2"])
def test_a_picture_of_a_slice(name: str, shape: tuple[int, ...], dtype: str) -> None:
    ramp = np.add.outer(np.arange(40), np.arange(60)).astype(dtype)
    cutout = described(Box.of_shape(shape), ramp.dtype)
    if not BY_NAME[name].accepts(cutout):
        assert (name, dtype) in {("jpeg", "u2"), ("webp", "u2")}
        return
    picture = Image.open(io.BytesIO(body_of(BY_NAME[name], cutout, ramp.reshape(shape))))
    pixels = np.asarray(picture)[..., 0] if name == "webp" else np.asarray(picture)
    assert pixels.shape == ramp.shape
    off = 0 if name == "png" else 4
    assert np.abs(pixels.astype(int) - ramp).max() <= off


@pytest.mark.parametrize(
    ("name", "shape", "dtype", "axes"),
    [
        ("png", (2, 40, 60), "u1", None),
        ("png", (2, 1, 40, 60), "u1", None),
        ("png", (1, 40, 60), "f4", None),
        ("jpeg", (1, 1, 65_501), "u1", None),
        ("webp", (1, 16_384, 1), "u1", None),
        ("nifti", (1, 1, 2**15), "u1", None),
        ("nifti", (2, 2, 1, 1, 1), "u1", None),
        ("nrrd", (3, 4, 5), "f2", None),
        ("tiff", (3, 4, 5), "f2", None),
        ("nifti", (3, 4, 5), "u1", "xyz"),
        ("tiff", (3, 4), "u1", "yx"),
    ],
)
def test_what_a_format_cannot_hold_is_not_offered(
    name: str, shape: tuple[int, ...], dtype: str, axes: str | None
) -> None:
    assert not BY_NAME[name].accepts(described(Box.of_shape(shape), np.dtype(dtype), axes))


def test_voxels_that_do_not_compress_stay_within_what_is_told() -> None:
    voxels = np.frombuffer(np.random.default_rng(2).bytes(130 * 70 * 66), "u1").reshape(130, 70, 66)
    for form in FORMATS:
        for part in (voxels, voxels[:1], voxels[:1, :1], voxels[:1, :1, :1]):
            cutout = described(Box.of_shape(part.shape), part.dtype)
            if form.accepts(cutout):
                body_of(form, cutout, part)


def test_the_same_cutout_is_the_same_file() -> None:
    voxels = numbers((3, 5, 7), "u1")
    cutout = described(Box.of_shape(voxels.shape), voxels.dtype)
    for name in ("npz", "zarr", "tiff", "hdf5"):
        assert body_of(BY_NAME[name], cutout, voxels) == body_of(BY_NAME[name], cutout, voxels)
