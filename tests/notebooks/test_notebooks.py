"""The notebooks run: as scripts, and as notebooks."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import jupytext
from nbclient import NotebookClient
from tests.docs.demo_lake import BODIES, EM, make_demo_lake

if TYPE_CHECKING:
    import pytest

FOLDER = Path(__file__).parents[2] / "notebooks"
FIRST = FOLDER / "01-read-a-lake.py"
SECOND = FOLDER / "02-come-from-bossdb.py"
THIRD = FOLDER / "03-segment-in-bulk.py"
FOURTH = FOLDER / "04-query-annotations.py"
FIFTH = FOLDER / "05-plan-a-petabyte.py"


def _check_first(printed: str) -> None:
    """What the first notebook prints of a lake, all of it computed there in several ways."""
    agreements = re.findall(r"^(.*(?:agree|same labels|over it).*): (\w+)$", printed, re.MULTILINE)
    assert [verdict for _, verdict in agreements] == ["True"] * 5, printed
    sizes = [int(size) for size in re.findall(r"^label +\d+ +(\d+) voxels$", printed, re.MULTILINE)]
    assert len(sizes) == 10
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] > 0
    found = re.search(r"^(\d+) labels in \[", printed, re.MULTILINE)
    assert found is not None
    assert int(found[1]) > 1
    assert re.search(r"^then open: http://127\.0\.0\.1:\d+/neuroglancer/#!", printed, re.MULTILINE)


def _run(script: Path, folder: Path) -> str:
    """Run a notebook as a script in a folder; return what it printed."""
    own = {"XDG_STATE_HOME": str(folder), "TMPDIR": str(folder), "MPLBACKEND": "agg"}
    environment = {**os.environ, **own}
    environment.pop("DISPLAY", None)  # with one, matplotlib waits for who looks
    ran = subprocess.run(
        [sys.executable, "-W", "error", str(script)],
        cwd=folder,
        env=environment,
        capture_output=True,
        check=False,
        text=True,
        timeout=280,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == ""
    assert not list(folder.glob("voxlake-*")), "the lake that it made is still there"
    return ran.stdout


def test_the_first_notebook_runs_as_a_script_and_makes_its_lake(tmp_path: Path) -> None:
    printed = _run(FIRST, tmp_path)
    _check_first(printed)
    assert "phantom/cube-160/cells  labels of em" in printed
    assert "level 0: {'z': 160, 'y': 160, 'x': 160}, voxel [10.0, 10.0, 10.0]" in printed


def test_the_second_notebook_writes_and_reads_by_intern(tmp_path: Path) -> None:
    printed = _run(SECOND, tmp_path)
    agreements = re.findall(r"^.* agrees?: (\w+)$", printed, re.MULTILINE)
    assert agreements == ["True"] * 5, printed
    assert f"ids: [1, {2**63 + 7}]" in printed
    assert "notes: {'stain': 'osmium & uranyl'}" in printed
    # The ball's middle, x, y, z, is at the voxel 64, 48, 12, of 8 x 8 x 40 nm.
    assert re.search(r"^a mesh of \d+ vertices about 512.0 384.0 480.0 nm$", printed, re.MULTILINE)


def test_the_third_notebook_segments_writes_merges_and_asks(tmp_path: Path) -> None:
    printed = _run(THIRD, tmp_path)
    agreements = re.findall(r"^the (?:voxels|bodies) agree: (\w+)$", printed, re.MULTILINE)
    assert agreements == ["True"] * 2, printed
    sizes = [int(size) for size in re.findall(r"^body +\d+ +(\d+) voxels", printed, re.MULTILINE)]
    assert len(sizes) == 5
    assert sizes == sorted(sizes, reverse=True)


def test_the_fourth_notebook_queries_labels_and_proves_what_it_says(tmp_path: Path) -> None:
    printed = _run(FOURTH, tmp_path)
    agreements = re.findall(r"^the (?:boxes|sizes|sidecars) agree: (\w+)$", printed, re.MULTILINE)
    assert agreements == ["True"] * 3, printed
    pairs = r"^(\d+) of \d+ pairs have boxes that are near\n(\d+) pairs of labels are neighbours$"
    found = re.search(pairs, printed, re.MULTILINE)
    assert found is not None
    assert int(found[1]) >= int(found[2]) > 100
    assert re.search(r"^traced: [5-9]\d% of all labelled voxels$", printed, re.MULTILINE)


def test_the_fifth_notebook_plans_a_petabyte(tmp_path: Path) -> None:
    printed = _run(FIFTH, tmp_path)
    assert "1,000 TB of voxels" in printed
    stored = re.search(r"^([\d,]+) TB stored", printed, re.MULTILINE)
    assert stored is not None
    assert 500 < int(stored[1].replace(",", "")) < 8 / 7 * 1000
    assert "8,606,631 objects" in printed
    assert re.search(r"^30 days: [\d,]+ cores$", printed, re.MULTILINE)
    met = [float(size) for size in re.findall(r"^(\de\+\d+) voxels: ", printed, re.MULTILINE)]
    assert len(met) == 5
    assert met == sorted(met)


def test_the_first_notebook_runs_as_a_notebook_on_a_lake_of_its_reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_demo_lake(tmp_path / "lake")
    monkeypatch.setenv("VOXLAKE_LAKE", str(tmp_path / "lake"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    notebook = jupytext.read(FIRST, fmt="py:percent")
    NotebookClient(notebook, timeout=240, kernel_name="python3").execute(cwd=str(tmp_path))
    printed = "".join(
        output["text"]
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if output["output_type"] == "stream" and output["name"] == "stdout"
    )
    _check_first(printed)
    assert f"{BODIES.name}  labels of {EM.name.dataset}" in printed
    complaints = [
        output
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if output.get("name") == "stderr"
    ]
    assert complaints == []
