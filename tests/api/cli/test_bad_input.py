"""What users get wrong: a clear error, an exit code, no traceback, and nothing written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from PIL import Image
from tests.api.cli.conftest import Answer, Command, files_below

if TYPE_CHECKING:
    from collections.abc import Callable


def _slice(path: Path, shape: tuple[int, int] = (8, 9), dtype: str = "u1") -> None:
    Image.fromarray(np.full(shape, 7, dtype)).save(path)


def _stack(folder: Path) -> Path:
    folder.mkdir()
    for number in range(5):
        _slice(folder / f"z{number:03d}.png")
    return folder


def _missing_slice(folder: Path) -> Path:
    (_stack(folder) / "z002.png").unlink()
    return folder


def _other_size(folder: Path) -> Path:
    _slice(_stack(folder) / "z003.png", (8, 10))
    return folder


def _other_dtype(folder: Path) -> Path:
    _slice(_stack(folder) / "z003.png", dtype="u2")
    return folder


def _truncated_tiff(folder: Path) -> Path:
    folder.mkdir()
    path = folder / "stack.tif"
    tifffile.imwrite(path, np.zeros((6, 40, 50), np.uint8), photometric="minisblack")
    path.write_bytes(path.read_bytes()[:-2000])
    return path


def _float64(folder: Path) -> Path:
    folder.mkdir()
    np.save(folder / "image.npy", np.zeros((3, 4, 5)))
    return folder / "image.npy"


def _absent(folder: Path) -> Path:
    return folder / "nowhere.npy"


SOURCES: dict[str, tuple[Callable[[Path], Path], str, str]] = {
    "missing slice": (_missing_slice, "bad-source", "2"),
    "slices of different size": (_other_size, "bad-source", "z003.png"),
    "slices of different dtype": (_other_dtype, "bad-source", "z003.png"),
    "truncated TIFF": (_truncated_tiff, "bad-source", "stack.tif"),
    "float64 image": (_float64, "unsupported", "float64"),
    "absent source": (_absent, "bad-source", "nowhere.npy"),
}


@pytest.mark.parametrize("case", SOURCES)
def test_bad_source_leaves_the_lake_as_it_was(case: str, tmp_path: Path, shared: Command) -> None:
    make, kind, said = SOURCES[case]
    source = make(tmp_path / "source")
    before, listed = files_below(Path(shared.lake)), shared("ls").ok()
    jobs = shared("jobs", "ls").ok()
    _refused(shared.ingest(source, "lab/other/em"), kind, said)
    plain = shared.plain(
        "ingest", source, "lab/other/em", "--kind", "image", "--voxel-size", "10nm"
    )
    assert (plain.code, plain.out) == (2, "")
    assert plain.err.startswith("error: ")
    assert files_below(Path(shared.lake)) == before
    assert shared("ls").ok() == listed
    assert shared("jobs", "ls").ok() == jobs


WORDS: dict[str, tuple[tuple[str, ...], int, str, str]] = {
    "existing target": (("ingest", "SOURCE", "lab/cube/em"), 1, "conflict", "lab/cube/em"),
    "name with ../": (("ingest", "SOURCE", "lab/../em"), 2, "invalid-name", "'..'"),
    "name that leads out": (("ingest", "SOURCE", "../../etc/em"), 2, "invalid-name", "../../etc"),
    "image with ../": (
        ("ingest", "SOURCE", "lab/cube/x", "--kind", "labels", "--of", "../em"),
        2,
        "invalid-name",
        "../em",
    ),
    "level that cannot be made": (
        ("ingest", "SOURCE", "lab/cube/x", "--levels", "40"),
        2,
        "invalid-input",
        "40 levels",
    ),
    "levels in words": (
        ("ingest", "SOURCE", "lab/cube/x", "--levels", "many"),
        2,
        "invalid-input",
        "'many'",
    ),
    "voxel size without unit": (
        ("ingest", "SOURCE", "lab/cube/x", "--voxel-size", "10"),
        2,
        "invalid-input",
        "'10'",
    ),
    "labels of no image": (
        ("ingest", "SOURCE", "lab/cube/x", "--kind", "labels", "--of", "absent"),
        4,
        "not-found",
        "lab/cube/absent",
    ),
    "labels of another shape": (
        ("ingest", "phantom:8?kind=labels", "lab/cube/x", "--kind", "labels", "--of", "em"),
        2,
        "bad-source",
        "(8, 8, 8)",
    ),
    "image of another experiment": (
        ("ingest", "SOURCE", "lab/cube/x", "--kind", "labels", "--of", "lab/other/em"),
        2,
        "invalid-input",
        "not in the experiment",
    ),
    "index while an image is made": (
        ("ingest", "SOURCE", "lab/cube/x", "--index"),
        2,
        "unsupported",
        "only labels",
    ),
    "index planned of an image": (
        ("plan", "SOURCE", "lab/cube/x", "--kind", "image", "--voxel-size", "10nm", "--index"),
        2,
        "unsupported",
        "only labels",
    ),
    "index of an image": (("index", "lab/cube/em"), 2, "unsupported", "only labels"),
    "dataset that is not there": (("info", "lab/cube/no"), 4, "not-found", "lab/cube/no"),
    "source of another shape": (
        ("verify", "lab/cube/em", "--source", "phantom:8"),
        2,
        "bad-source",
        "(8, 8, 8)",
    ),
    "job that is not there": (("jobs", "show", "01ABC"), 4, "not-found", "01ABC"),
    "no job to resume": (("jobs", "resume"), 4, "not-found", "no job"),
    "list of too much": (("ls", "a/b/c"), 2, "invalid-name", "a/b/c"),
    "collection that is not there": (("ls", "nosuch"), 4, "not-found", "nosuch"),
    "experiment that is not there": (("ls", "lab/nosuch"), 4, "not-found", "lab/nosuch"),
    "unknown option": (("ls", "--colection", "lab"), 2, "usage", "--colection"),
    "unknown option of a job": (("verify", "lab/cube/em", "--sorce", "x"), 2, "usage", "--sorce"),
    "word too many": (("info", "lab/cube/em", "lab/cube/cells"), 2, "usage", "lab/cube/cells"),
    "option twice": (("info", "lab/cube/em", "--lake", "a", "--lake", "b"), 2, "usage", "--lake"),
    "number twice": (("labels", "lab/cube/cells", "--top", "1", "--top", "2"), 2, "usage", "--top"),
    "flag twice": (
        ("label", "lab/cube/cells", "1", "--bodies", "--bodies"),
        2,
        "usage",
        "--bodies",
    ),
    "unknown store": (("ls", "--lake", "ftp://host/lake"), 2, "unsupported", "ftp"),
}


@pytest.mark.parametrize("case", WORDS)
def test_bad_words_leave_the_lake_as_it_was(case: str, shared: Command, image: Path) -> None:
    words, code, kind, said = WORDS[case]
    words = tuple(str(image) if word == "SOURCE" else word for word in words)
    if words[0] == "ingest":
        words += () if "--kind" in words else ("--kind", "image")
        words += () if "--voxel-size" in words else ("--voxel-size", "10nm")
    before, jobs = files_below(Path(shared.lake)), shared("jobs").ok()
    _refused(shared(*words), kind, said, code)
    assert files_below(Path(shared.lake)) == before
    assert shared("jobs").ok() == jobs


def test_bad_source_makes_no_lake(voxlake: Command, tmp_path: Path) -> None:
    _refused(voxlake.ingest(tmp_path / "nowhere.npy"), "bad-source", "nowhere.npy")
    assert not Path(voxlake.lake).exists()


@pytest.mark.parametrize("words", [("ls",), ("info", "a/b/c"), ("jobs",), ("serve",)])
def test_reading_no_lake_makes_none(words: tuple[str, ...], voxlake: Command) -> None:
    _refused(voxlake(*words), "not-found", "voxlake init", 4)
    assert not Path(voxlake.lake).exists()


def test_no_lake_named(voxlake: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VOXLAKE_LAKE")
    _refused(voxlake("ls"), "invalid-input", "--lake")


def test_settings_that_cannot_be(voxlake: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOXLAKE_MEMORY_LIMIT_BYTES", "lots")
    _refused(voxlake("init"), "invalid-input", "VOXLAKE_MEMORY_LIMIT_BYTES")


def test_task_that_would_not_fit_is_refused(
    voxlake: Command, image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOXLAKE_MEMORY_LIMIT_BYTES", "1000")
    refused = voxlake.ingest(image)
    _refused(refused, "limit-exceeded", "1,000")
    (job,) = voxlake("jobs").ok()["jobs"]
    monkeypatch.delenv("VOXLAKE_MEMORY_LIMIT_BYTES")
    assert voxlake("jobs", "cancel", job["id"]).ok()["state"] == "cancelled"
    assert files_below(Path(voxlake.lake)) == {}


def _refused(answer: Answer, kind: str, said: str, code: int = 2) -> None:
    problem = answer.document
    assert (answer.code, answer.kind) == (code, kind), answer
    assert said in problem["detail"]
    assert problem["exit_code"] == code


@pytest.mark.parametrize(
    "source",
    ["https://me:hush@127.0.0.1:9/em.zarr", "s3://b/em?endpoint=http%3A%2F%2Fkey%3Ahush%40h",
     "https://127.0.0.1:9/em.n5?token=hush::/raw"],
)  # fmt: skip
@pytest.mark.parametrize("command", ["ingest", "plan", "verify"])
def test_a_password_in_an_address_is_kept_nowhere(
    voxlake: Command, source: str, command: str
) -> None:
    name = "lab/brain/em"
    voxlake("ingest", "phantom:16", name, "--kind", "image").ok()
    words = {
        "ingest": (source, "lab/brain/new", "--kind", "image", "--voxel-size", "1nm"),
        "plan": (source, "lab/brain/new", "--kind", "image"),
        "verify": (name, "--source", source),
    }[command]
    answer = voxlake(command, *words)
    assert answer.kind == "invalid-input"
    assert "download" in answer.out
    assert "hush" not in answer.out + answer.err + voxlake("jobs").out
    for file in Path(voxlake.lake).rglob("*"):
        assert file.is_dir() or b"hush" not in file.read_bytes()
