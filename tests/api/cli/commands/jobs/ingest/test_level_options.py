"""Options for how levels are made, of which voxels, and which way round a source is read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pytest
import zarr

if TYPE_CHECKING:
    from tests.api.cli.conftest import Command


def _level(voxlake: Command, number: int, name: str = "lab/cube/em") -> npt.NDArray[Any]:
    array = zarr.open_group(Path(voxlake.lake) / f"{name}.ome.zarr")[str(number)]
    assert isinstance(array, zarr.Array)
    return np.asarray(array[...])


def _blocks(voxels: npt.NDArray[Any], factors: tuple[int, int, int]) -> npt.NDArray[Any]:
    """Return whole blocks as (z, y, x, voxels of a block); what is left at far faces is cut."""
    z, y, x = (n // f * f for n, f in zip(voxels.shape, factors, strict=True))
    cut = voxels[:z, :y, :x]
    shape = [part for n, f in zip(cut.shape, factors, strict=True) for part in (n // f, f)]
    split = cut.reshape(shape).transpose(0, 2, 4, 1, 3, 5)
    return split.reshape(*split.shape[:3], -1)


def test_factors_and_reduction_are_those_asked_for(voxlake: Command, image: Path) -> None:
    voxels = np.load(image)
    words = ("--factors", "1,2,2", "--factors", "3,1,2", "--reduce", "max")
    voxlake.ingest(image, "lab/cube/em", *words).ok()
    assert [_level(voxlake, n).shape for n in range(3)] == [(23, 37, 41), (23, 19, 21), (8, 19, 11)]
    for number, factors in ((1, (1, 2, 2)), (2, (3, 1, 2))):
        expected = _blocks(_level(voxlake, number - 1), factors).max(axis=-1)
        found = _level(voxlake, number)[tuple(map(slice, expected.shape))]
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(_level(voxlake, 0), voxels)


@pytest.mark.parametrize(("name", "expected"), [("min", np.min), ("stride", None)])
def test_other_reductions(voxlake: Command, image: Path, name: str, expected: Any) -> None:
    voxlake.ingest(image, "lab/cube/em", "--factors", "2,2,2", "--reduce", name).ok()
    blocks = _blocks(np.load(image), (2, 2, 2))
    wanted = expected(blocks, axis=-1) if expected else blocks[..., 0]
    np.testing.assert_array_equal(_level(voxlake, 1)[tuple(map(slice, wanted.shape))], wanted)


def test_reversed_axes_are_turned(voxlake: Command, image: Path) -> None:
    voxlake.ingest(image, "lab/cube/em", "--reverse", "z", "--reverse", "x").ok()
    np.testing.assert_array_equal(_level(voxlake, 0), np.load(image)[::-1, :, ::-1])


@pytest.mark.parametrize(
    "words",
    [
        ("--factors", "2,2"),
        ("--factors", "a,b,c"),
        ("--factors", "0,1,1"),
        ("--factors", "2,2,2", "--levels", "2"),
        ("--reverse", "q"),
        ("--kind", "labels", "--reduce", "mean"),
        ("--reduce", "median"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    voxlake: Command, image: Path, words: tuple[str, ...]
) -> None:
    refused = voxlake.ingest(image, "lab/cube/em", *words)
    assert refused.code == 2
    assert refused.kind in {"invalid-input", "usage"}
    assert not list(Path(voxlake.lake).rglob("zarr.json"))


def test_only_what_lies_over_the_boxes_is_rebuilt(voxlake: Command, tmp_path: Path) -> None:
    np.save(tmp_path / "flat.npy", np.full((64, 256, 256), 7, np.uint8))
    voxlake.ingest(tmp_path / "flat.npy", "lab/cube/em", "--levels", "2").ok()
    array = zarr.open_group(Path(voxlake.lake) / "lab/cube/em.ome.zarr")["0"]
    assert isinstance(array, zarr.Array)
    array[0:64, 0:64, 0:64] = 100
    array[0:64, 128:192, 128:192] = 200
    words = ("--box", "0:64,0:64,0:64")
    report = voxlake("downsample", "lab/cube/em", *words).ok()
    assert [(s["name"], s["run"]["voxels"]) for s in report["stages"]] == [("rebuild-1", 32**3)]
    level = _level(voxlake, 1)
    assert (level[:32, :32, :32] == 100).all()
    assert (level[:32, 64:96, 64:96] == 7).all()  # stale, and not asked for
    both = (*words, "--box", "0:64,128:192,128:192")
    voxlake("downsample", "lab/cube/em", *both).ok()
    assert (_level(voxlake, 1)[:32, 64:96, 64:96] == 200).all()


@pytest.mark.parametrize(
    "box", ["0:9", "0:9,0:9", "0:9,9:9,0:9", "a:b,0:1,0:1", "0:1,0:1,0:99", "0:1,0:1,0:1,0:1"]
)
def test_boxes_that_are_none_are_refused(shared: Command, box: str) -> None:
    refused = shared("downsample", "lab/cube/em", "--box", box)
    assert (refused.code, refused.kind in {"invalid-input", "out-of-bounds"}) == (
        2,
        True,
    )
