"""Files as other programs write them are ingested equal to what those programs read.

The real ones are from public repositories, and read where they are: ``VOXLAKE_FORMATS_DIR`` names
their folder. Elsewhere the libraries that are the oracles here write files of the same kinds.
"""

from __future__ import annotations

import bz2
import gzip
import os
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mrcfile
import nibabel
import numpy as np
import pytest
import tensorstore as ts
import tifffile
import zarr
from tests.compute.sources.reading import assert_whole
from zarr.codecs import GzipCodec

from voxlake.compute.jobs import IngestRequest, Workspace, run_job, start_ingest
from voxlake.compute.jobs.kinds.ingest_spec import ingest_spec
from voxlake.compute.sources import open_source
from voxlake.ngff.grid.axes import VoxelSize
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.lake import Place
from voxlake.platform.errors import InvalidInputError, SourceError
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxlake.compute.sources.calibration import Calibration
    from voxlake.platform.store import StoreURL

REAL = Path(
    os.environ.get("VOXLAKE_FORMATS_DIR")
    or Path(__file__).parents[3].parent / "shared" / "data" / "formats"
)
RNG = np.random.default_rng(11)
I2 = RNG.integers(-999, 999, (5, 13, 17), "i2")
F4 = RNG.random((5, 13, 17), "f4")
RGB = RNG.integers(0, 256, (64, 64, 3), "u1")
STEPS = np.add.outer(np.arange(96), np.arange(128)).astype("u1")
SMOOTH = np.repeat(STEPS[..., np.newaxis], 3, 2)
NIFTI: Any = nibabel.Nifti1Image
NIFTI_2: Any = nibabel.Nifti2Image
"""Their methods have no types."""

type Write = Callable[[Path], None]


def tiff(voxels: np.ndarray, **options: Any) -> Write:
    def write(path: Path) -> None:
        tifffile.imwrite(path, voxels, metadata=None, **options)

    return write


def mrc(pack: Callable[[bytes], bytes] = bytes, **header: Any) -> Write:
    def write(path: Path) -> None:
        plain = path.with_name("plain")
        with mrcfile.new(plain) as file:
            file.set_data(F4)
            file.voxel_size = (11.4, 5.7, 2.3)
            for name, value in header.items():
                file.header[name] = value
        path.write_bytes(pack(plain.read_bytes()))
        plain.unlink()

    return write


def nifti(
    voxels: np.ndarray, affine: np.ndarray | None = None, units: str = "mm", kind: Any = NIFTI,
    slope: float = 0,
) -> Write:  # fmt: skip
    def write(path: Path) -> None:
        header = kind.header_class(endianness=">" if voxels.dtype.byteorder == ">" else "<")
        image = kind(voxels.T, affine, header, dtype=voxels.dtype)
        image.header.set_xyzt_units(units, "sec")
        nibabel.save(image, path)
        if slope:  # nibabel writes no scaling of its own accord
            with path.open("r+b") as file:
                file.seek(112)
                file.write(np.array([slope, 100], "<f4").tobytes())

    return write


def array(**options: Any) -> Write:
    def write(path: Path) -> None:
        zarr.create_array(path, data=I2[:3, :3, :3], chunks=(3, 3, 1), **options)

    return write


def ome_zarr(version: str, voxels: np.ndarray, inner: str, steps: list[dict[str, Any]]) -> Write:
    def write(path: Path) -> None:
        axes = [
            {"name": name, "type": "space", "unit": "nanometer" if len(steps) == 2 else "um"}
            for name in "zyx"[-voxels.ndim :]
        ]
        named: dict[str, Any] = {"axes": axes}
        if version == "0.6.dev1":
            axes = [axis | {"unit": "micrometer"} for axis in axes]
            named = {"coordinateSystems": [{"name": "physical", "axes": axes}]}
            steps[0] |= {"input": inner, "output": "physical"}
        datasets = [{"path": inner, "coordinateTransformations": steps}]
        document = {"multiscales": [{"version": version, **named, "datasets": datasets}]}
        is_old = version == "0.4"
        attributes: Any = document if is_old else {"ome": {"version": version, **document}}
        group = zarr.open_group(
            path, mode="w", zarr_format=2 if is_old else 3, attributes=attributes
        )
        keys = {"chunk_key_encoding": {"name": "v2", "separator": "/"}} if is_old else {}
        group.create_array(inner, data=voxels, chunks=voxels.shape, **keys)  # type: ignore[arg-type]

    return write


FLIP = np.diag([-4.0, 4, 8, 1])
ROTATED = np.array([[-2, 0, 0, 117], [0, 1.97, -0.35, -35], [0, 0.32, 2.17, -7], [0, 0, 0, 1]])
TWO_STEPS = [{"type": "scale", "scale": [4, 30]}, {"type": "translation", "translation": [0, 0]}]
SEQUENCE = [
    {"type": "scale", "scale": [4, 3, 2]},
    {"type": "translation", "translation": [32, 21, 10]},
]

FILES: dict[str, Write] = {
    "12bit.cropped.tiff": tiff(RGB[..., 0].astype("u2") * 16, bitspersample=12),
    "12bit.cropped.rgb.tiff": tiff(RGB.astype("u2") * 9, bitspersample=12, photometric="rgb"),
    "BigTIFFMotorola.tif": tiff(RGB, bigtiff=True, byteorder=">", photometric="rgb"),
    "int16_zstd.tif": tiff(I2[0], compression="zstd"),
    "predictor-3-gray-f32.tif": tiff(F4[0], compression="lzw", predictor=3),
    "quad-tile.jpg.tiff": tiff(SMOOTH, compression="jpeg", tile=(64, 64), photometric="rgb"),
    "random-fp16.tiff": tiff(F4[0].astype("f2")),
    "seq-1c-24b-hpredict-072a9dc9.tiff": tiff(RGB[..., 0].astype("u4") * 999, bitspersample=24),
    "seq-1c-8b-multipage-adeefdcc.tiff": tiff(
        np.abs(I2[:3]).astype("u1"), photometric="minisblack"
    ),
    "EMD-3001.map.bz2": mrc(bz2.compress, mapc=3, mapr=1, maps=2, cellb=(90, 94.326, 90)),
    "EMD-3197.map": mrc(nxstart=-2),
    "anatomical.nii": nifti(I2.astype(">i2"), np.diag([-2.0, 2, 2, 1])),
    "functional.nii": nifti(np.stack([I2, I2 - 7]), FLIP, slope=0.07),
    "resampled_anat_moved.nii": nifti(np.where(F4 > 0.9, np.nan, F4).astype(">f4"), FLIP),
    "example_nifti2.nii.gz": nifti(np.stack([I2, I2 + 1]), ROTATED, kind=NIFTI_2),
    "standard.nii.gz": nifti(RGB[:7, :5, 0], np.diag([1.0, 3, 2, 1]), "unknown"),
    "zarr_v2_F": array(zarr_format=2, order="F"),
    "zarr_v3_sharded": array(shards=(3, 3, 3), compressors=GzipCodec()),
    "ome_zarr_0.4": ome_zarr("0.4", RGB[..., 0], "scale0/image", TWO_STEPS),
    "ome_zarr_0.5": ome_zarr("0.5", RGB[..., 0], "scale0/image", TWO_STEPS),
    "ome_zarr_0.6_sequence": ome_zarr(
        "0.6.dev1", I2, "array", [{"type": "sequence", "transformations": SEQUENCE}]
    ),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real files, or others of their kinds."""
    if all((REAL / name).exists() for name in FILES):
        return REAL
    made = tmp_path_factory.mktemp("formats")
    for name, write in FILES.items():
        write(made / name)
    return made


def voxels_of(path: Path) -> np.ndarray:
    """Return what the library of the format reads, with z, y, x last."""
    if path.suffix in {".tif", ".tiff"}:
        read = tifffile.imread(path)
        return np.moveaxis(read, -1, 0)[:, np.newaxis] if read.shape[-1] == 3 else read
    if path.suffix in {".nii", ".gz"}:
        image: Any = nibabel.load(path)
        return np.asarray(image.dataobj).T
    if path.suffix in {".map", ".bz2"}:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of headers that are not as MRC2014 has them
            file = mrcfile.open(path, permissive=True)
        order = [int(file.header[name]) for name in ("maps", "mapr", "mapc")]
        return np.array(file.data).transpose([order.index(n) for n in (3, 2, 1)])
    levels = {"ome_zarr_0.4": "scale0/image", "ome_zarr_0.5": "scale0/image"}
    inner = {**levels, "ome_zarr_0.6_sequence": "array"}.get(path.name, "")
    driver = "zarr3" if (path / inner / "zarr.json").exists() else "zarr"
    kvstore = {"driver": "file", "path": f"{path / inner}/"}
    opened = ts.open({"driver": driver, "kvstore": kvstore}).result()
    return np.asarray(opened.read().result())


def check_places(path: Path, calibration: Calibration) -> None:
    """Hold sizes and places to what the library of the format says."""
    if path.suffix in {".map", ".bz2"}:
        check_mrc_places(path, calibration)
    elif path.suffix in {".nii", ".gz"}:
        check_nifti_places(path, calibration)
    elif path.name == "ome_zarr_0.6_sequence":
        assert calibration.voxel_size == VoxelSize(4, 3, 2, "micrometer")
        assert calibration.translation("micrometer") == (32, 21, 10)
    else:
        assert calibration.voxel_size is None
        # Of z nothing is said.
        said = "y 4 nanometer, x 30 nanometer" if path.name.startswith("ome_zarr") else ""
        assert calibration.said == said


def check_mrc_places(path: Path, calibration: Calibration) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        file = mrcfile.open(path, permissive=True, header_only=True)
    size, lost = calibration.voxel_size, "; ".join(calibration.unplaced())
    assert size is not None
    assert size.unit == "angstrom"
    np.testing.assert_allclose(size.zyx, [file.voxel_size[n] for n in "zyx"], rtol=1e-6)
    assert ("shear" in lost) == (float(file.header["cellb"]["beta"]) != 90)
    starts = [int(file.header[f"n{n}start"]) for n in "zyx"]
    if not lost:
        np.testing.assert_allclose(
            calibration.translation("angstrom"), np.multiply(starts, size.zyx), rtol=1e-6
        )


def check_nifti_places(path: Path, calibration: Calibration) -> None:
    image: Any = nibabel.load(path)
    matrix = image.affine[:3, :3]
    size, lost = calibration.voxel_size, "; ".join(calibration.unplaced())
    assert (size is None) == (image.header.get_xyzt_units()[0] == "unknown")
    if size is not None:
        np.testing.assert_allclose(size.zyx, image.header.get_zooms()[2::-1], rtol=1e-6)
    assert ("rotation" in lost) == bool((matrix != np.diag(np.diagonal(matrix))).any())
    if "rotation" not in lost:
        assert ("x run backwards" in lost) == bool(matrix[0, 0] < 0)
        np.testing.assert_allclose(calibration.translation(None), image.affine[2::-1, 3], rtol=1e-6)


@pytest.mark.parametrize("name", FILES)
def test_it_is_read_as_its_own_library_reads_it(folder: Path, name: str) -> None:
    source = open_source(str(folder / name))
    voxels = voxels_of(folder / name).astype(source.dtype).reshape(source.shape)
    assert_whole(source, voxels)
    check_places(folder / name, source.calibration)


@pytest.fixture
def workspace(lake: StoreURL) -> Iterator[Workspace]:
    with Workspace.opened(lake, Settings(workers=0)) as opened:
        yield opened


@pytest.mark.parametrize("name", FILES)
def test_it_is_ingested_whole_or_says_what_to_give(
    workspace: Workspace, folder: Path, name: str
) -> None:
    place = Place(DatasetName.parse("c/e/em"), Kind.IMAGE)
    calibration = open_source(str(folder / name)).calibration
    request = IngestRequest(str(folder / name), place)
    given, refused = VoxelSize(40, 4, 30), list(calibration.unplaced())
    if calibration.voxel_size is None:
        with pytest.raises(InvalidInputError, match="--voxel-size"):
            ingest_spec(request, None, Settings())
        request = IngestRequest(request.source, place, given)
    if refused:
        with pytest.raises(SourceError, match="--drop-transform"):
            ingest_spec(request, None, Settings())
        request = IngestRequest(
            request.source, place, request.voxel_size, drop_transform=True, reverse=()
        )
    understood = ingest_spec(request, None, Settings()).preview()
    run_job(workspace, start_ingest(workspace, request))
    dataset = workspace.dataset(place)
    level = dataset.level(0)
    assert understood.startswith(" x ".join(map(str, level.shape[-3:])) + " zyx, ")
    assert f", {level.dtype}, {dataset.multiscale.voxel_size.text}" in understood
    stored = level.read(level.box).result()
    np.testing.assert_array_equal(
        stored, voxels_of(folder / name).astype(level.dtype).reshape(level.shape)
    )
    assert dataset.multiscale.voxel_size == (calibration.voxel_size or given)
    wanted = (0, 0, 0) if refused else calibration.translation(dataset.multiscale.voxel_size.unit)
    assert dataset.multiscale.translation == wanted


def test_a_flip_is_undone(folder: Path, workspace: Workspace) -> None:
    place = Place(DatasetName.parse("c/e/em"), Kind.IMAGE)
    request = IngestRequest(str(folder / "anatomical.nii"), place, reverse=("x",))
    run_job(workspace, start_ingest(workspace, request))
    dataset = workspace.dataset(place)
    level = dataset.level(0)
    image: Any = nibabel.load(folder / "anatomical.nii")
    last = image.affine @ (image.shape[0] - 1, 0, 0, 1)
    np.testing.assert_array_equal(
        level.read(level.box).result(), np.asarray(image.dataobj).T[..., ::-1]
    )
    assert dataset.multiscale.translation == (last[2], last[1], last[0])


def test_a_gzip_of_an_mrc_is_as_the_bzip2(folder: Path, tmp_path: Path) -> None:
    packed = tmp_path / "em.map.gz"
    with bz2.open(folder / "EMD-3001.map.bz2") as body, gzip.open(packed, "wb") as file:
        shutil.copyfileobj(body, file)
    assert_whole(open_source(str(packed)), voxels_of(folder / "EMD-3001.map.bz2"))
