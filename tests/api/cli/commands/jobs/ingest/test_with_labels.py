"""Labels inside a source: named, or ingested with their image, checked before all is written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import ome_zarr.format
import ome_zarr.writer
import pytest
import zarr

from voxlake.compute.jobs import start_ingest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.api.cli.conftest import Answer, Command

    from voxlake.platform.jobs.record import Job

RNG = np.random.default_rng(6)
SHAPE = (12, 40, 50)
IMAGE = RNG.integers(0, 255, SHAPE).astype("u1")
LABELS = {name: RNG.integers(0, 9, SHAPE).astype("i4") for name in ("nuclei", "cells")}
EM = "lab/brain/em"


def source(path: Path, version: str = "0.4", voxel_size: float = 8.0) -> Path:
    """Write an image and its labels with ome-zarr-py; `voxel_size` is that of the labels."""
    fmt: Any = {"0.4": ome_zarr.format.FormatV04, "0.5": ome_zarr.format.FormatV05}[version]()
    group = zarr.open_group(path, mode="w", zarr_format=fmt.zarr_format)
    options: Any = {"fmt": fmt, "axes": "zyx", "scale_factors": [2]}
    options["axes_units"] = dict.fromkeys("zyx", "nanometer")
    ome_zarr.writer.write_image(IMAGE, group, scale=dict.fromkeys("zyx", 8.0), **options)
    for name, voxels in LABELS.items():
        size = dict.fromkeys("zyx", voxel_size)
        ome_zarr.writer.write_labels(voxels, group, name, scale=size, **options)
    return path


def document(path: Path, key: str) -> tuple[Path, Any]:
    file = path / key / ".zattrs"
    return file, json.loads(file.read_text())


def stored(voxlake: Command, key: str) -> np.ndarray:
    array: Any = zarr.open_array(f"{voxlake.lake}/lab/brain/em.ome.zarr/{key}0", mode="r")
    return np.asarray(array[...])


def names(voxlake: Command) -> list[str]:
    listed = voxlake("ls").document.get("datasets", [])
    return [each["name"] for each in listed]


def ingest(voxlake: Command, path: Path, *words: str) -> Answer:
    return voxlake("ingest", path, EM, "--kind", "image", *words)


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_labels_are_ingested_with_their_image(
    voxlake: Command, tmp_path: Path, version: str
) -> None:
    path = source(tmp_path / "v.zarr", version)
    done = ingest(voxlake, path, "--with-labels", "--index").ok()
    assert [job["dataset"] for job in done["jobs"]] == [EM, "lab/brain/nuclei", "lab/brain/cells"]
    np.testing.assert_array_equal(stored(voxlake, ""), IMAGE)
    for name, voxels in LABELS.items():
        np.testing.assert_array_equal(stored(voxlake, f"labels/{name}/"), voxels)
        info = voxlake("info", f"lab/brain/{name}").ok()
        assert (info["kind"], info["of"]) == ("labels", EM)
        assert info["index"]["indexed"] == info["index"]["shards"]
    assert voxlake("validate", f"{voxlake.lake}/lab/brain/em.ome.zarr").ok()["verdict"] == "right"
    again = ingest(voxlake, path, "--with-labels", "--index")
    assert again.kind == "conflict"


@pytest.mark.parametrize("command", ["plan", "ingest"])
def test_labels_are_named_where_they_are_not_asked_for(
    voxlake: Command, tmp_path: Path, command: str
) -> None:
    path = source(tmp_path / "v.zarr")
    said = voxlake.plain(command, path, EM, "--kind", "image")
    assert said.code == 0
    assert "the source has labels: nuclei, cells; add --with-labels" in said.out + said.err
    inner = voxlake.plain("plan", f"{path}::labels/cells", "lab/brain/x", "--kind", "labels")
    assert "--with-labels" not in inner.out + inner.err


def test_a_plan_names_and_checks_them(voxlake: Command, tmp_path: Path) -> None:
    path = source(tmp_path / "v.zarr")
    plan = voxlake("plan", path, EM, "--kind", "image", "--with-labels").ok()
    assert any("nuclei, cells" in note for note in plan["notes"])
    odd = source(tmp_path / "odd.zarr", voxel_size=9.0)
    refused = voxlake("plan", odd, EM, "--kind", "image", "--with-labels")
    assert refused.code != 0
    assert "9 x 9 x 9 nm" in refused.document["detail"]


def _other_shape(path: Path) -> None:
    zarr.open_group(path / "labels/cells", mode="r+").create_array(
        "s0", data=LABELS["cells"][1:], chunks=(12, 40, 50), overwrite=True
    )


def _moved(path: Path) -> None:
    file, found = document(path, "labels/cells")
    level = found["multiscales"][0]["datasets"][0]
    moved = {"type": "translation", "translation": [0, 80, 0]}
    level["coordinateTransformations"][1:] = [moved]
    file.write_text(json.dumps(found))


def _floats(path: Path) -> None:
    zarr.open_group(path / "labels/cells", mode="r+").create_array(
        "s0", data=LABELS["cells"].astype("f4"), chunks=(12, 40, 50), overwrite=True
    )


def _listed(names: Any) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        file, _ = document(path, "labels")
        file.write_text(json.dumps({"labels": names}))

    return change


def _larger(path: Path) -> None:
    source(path, voxel_size=9.0)


ODD: dict[str, tuple[Callable[[Path], None], str]] = {
    "another voxel size": (_larger, "9 x 9 x 9 nm"),
    "another shape": (_other_shape, "labels cover their image"),
    "another place": (_moved, "first voxel lies at"),
    "no integers": (_floats, "not integers"),
    "listed and not there": (_listed(["nuclei", "gone"]), "gone"),
    "a name of two parts": (_listed(["nuclei", "old/cells"]), "old/cells"),
    "the name of the image": (_listed(["nuclei", "em"]), "called em"),
    "no names": (_listed([3]), "no names of labels"),
    "none": (_listed([]), "no labels inside"),
}


@pytest.mark.parametrize("kind", ODD)
def test_what_does_not_fit_is_an_error_before_anything_is_written(
    voxlake: Command, tmp_path: Path, kind: str
) -> None:
    change, says = ODD[kind]
    path = source(tmp_path / "v.zarr")
    change(path)
    refused = ingest(voxlake, path, "--with-labels")
    assert refused.code != 0
    assert says in refused.document["detail"]
    assert names(voxlake) == []
    assert not (tmp_path / "lake/lab").exists()
    ingest(voxlake, path).ok()  # of the image nothing is wrong


def test_a_name_that_is_taken(voxlake: Command, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", IMAGE)
    voxlake.ingest(tmp_path / "a.npy", "lab/brain/cells").ok()
    refused = ingest(voxlake, source(tmp_path / "v.zarr"), "--with-labels")
    assert refused.kind == "conflict"
    assert names(voxlake) == ["lab/brain/cells"]


@pytest.mark.parametrize("left", [3, 2, 1])
def test_the_same_command_goes_on(
    voxlake: Command, tmp_path: Path, left: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it was interrupted: before the image, between it and its labels, or among these."""
    path = source(tmp_path / "v.zarr")
    runs: list[str] = []

    def interrupted(*args: Any) -> Job:
        if len(runs) == 3 - left:
            raise KeyboardInterrupt
        runs.append(str(args[1].place.name))
        return start_ingest(*args)

    with monkeypatch.context() as patched:
        patched.setattr("voxlake.cli.running.ingest.start_ingest", interrupted)
        assert ingest(voxlake, path, "--with-labels").code != 0
    assert len(names(voxlake)) == 3 - left
    done = ingest(voxlake, path, "--with-labels").ok()
    assert len(done["jobs"]) == left
    for name, voxels in LABELS.items():
        np.testing.assert_array_equal(stored(voxlake, f"labels/{name}/"), voxels)


def test_an_unfinished_one_is_resumed(
    voxlake: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = source(tmp_path / "v.zarr")

    def stopped(*_: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("voxlake.cli.running.ingest.run", stopped)
        ingest(voxlake, path, "--with-labels")
    (begun,) = voxlake("jobs").ok()["jobs"]
    done = ingest(voxlake, path, "--with-labels").ok()
    assert done["jobs"][0]["id"] == begun["id"]
    assert len(names(voxlake)) == 3


@pytest.mark.parametrize("words", [("--queue",), ("--overwrite",), ("--kind", "labels")])
def test_what_does_not_go_with_it_is_said(
    voxlake: Command, tmp_path: Path, words: tuple[str, ...]
) -> None:
    path = source(tmp_path / "v.zarr")
    kind = () if "--kind" in words else ("--kind", "image")
    refused = voxlake("ingest", path, EM, *kind, "--with-labels", *words)
    assert (refused.code, refused.kind) == (2, "invalid-input")


def test_labels_of_a_series(voxlake: Command, tmp_path: Path) -> None:
    """Where the image lies in what bioformats2raw wrote."""
    root = zarr.open_group(tmp_path / "v.zarr", mode="w", zarr_format=2)
    root.attrs["bioformats2raw.layout"] = 3
    source(tmp_path / "v.zarr/0")
    done = ingest(voxlake, tmp_path / "v.zarr", "--with-labels").ok()
    assert len(done["jobs"]) == 3
