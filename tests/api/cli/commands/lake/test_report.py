"""``voxlake report``: a page about a dataset that stands by itself."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import numpy as np
import pytest
from imagecodecs import png_decode

from voxlake.cli.shown.report_page import HEIGHT, histogram

if TYPE_CHECKING:
    from pathlib import Path

    from tests.api.cli.conftest import Command


class _Page(HTMLParser):
    """The elements of a page, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.said = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value for name, value in attrs if name in {"src", "href"} and value]
        assert not [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.said += data


@pytest.fixture
def image(tmp_path: Path) -> Path:
    z, y, x = np.indices((12, 20, 30))
    path = tmp_path / "<svg onload=a>.npy"
    np.save(path, (z * 10 + y + x).astype("uint8"))
    return path


def test_it_has_slices_levels_coverage_values_source_and_proof(
    voxlake: Command, image: Path, tmp_path: Path
) -> None:
    proof, file = tmp_path / "proof.jsonl", tmp_path / "report.html"
    voxlake.ingest(image).ok()
    voxlake("verify", "lab/cube/em", "--source", image, "--report", proof).ok()
    assert voxlake.plain("report", "lab/cube/em", file, "--verified", proof).code == 0

    page = _Page(file.read_text())
    assert {"script", "link", "iframe"} & set(page.tags) == set()
    assert all(address.startswith("data:image/png;base64,") for address in page.addresses)
    slices = [png_decode(b64decode(each.partition(",")[2])) for each in page.addresses]
    assert [each.shape for each in slices] == [(20, 30), (12, 30), (12, 20)]
    voxels = np.load(image)
    np.testing.assert_array_equal(slices[0], voxels[6])
    np.testing.assert_array_equal(slices[2], voxels[:, :, 15])
    assert page.tags.count("svg") == 2
    for said in ("z 12, y 20, x 30", "10 x 10 x 10 nanometer", str(image), "same: "):
        assert said in page.said
    digest = json.loads(proof.read_text().splitlines()[-1])["hash_of_all_lines_above"]
    assert f"BLAKE2b-256 {digest}" in page.said
    assert "warning" not in re.sub(r"<style>.*</style>", "", file.read_text(), flags=re.DOTALL)


def test_labels_are_in_colours_and_their_sizes_counted(voxlake: Command, tmp_path: Path) -> None:
    labels = np.zeros((8, 8, 8), "uint64")
    labels[:, :4], labels[:, 4:, :2] = 7, 2**40
    np.save(tmp_path / "labels.npy", labels)
    voxlake.ingest(tmp_path / "labels.npy", "lab/cube/cells", "--kind", "labels").ok()
    assert voxlake.plain("report", "lab/cube/cells", tmp_path / "cells.html").code == 0
    page = _Page((tmp_path / "cells.html").read_text())
    first = png_decode(b64decode(page.addresses[0].partition(",")[2]))
    assert first.shape == (8, 8, 4)
    assert len(np.unique(first.reshape(-1, 4), axis=0)) == 3
    assert "64 to 256" in page.said


def test_what_is_no_report_is_refused(voxlake: Command, image: Path, tmp_path: Path) -> None:
    voxlake.ingest(image).ok()
    for text in ("", "{}\n", "{}\n{}\n", "no\nJSON\n"):
        (tmp_path / "proof").write_text(text)
        words = ("report", "lab/cube/em", tmp_path / "page", "--verified", tmp_path / "proof")
        answer = voxlake.plain(*words)
        assert answer.code == 2
        assert "is no report of a verification" in answer.err
    assert not (tmp_path / "page").exists()


def test_bars_are_as_high_as_there_are_voxels() -> None:
    values = np.array([0] * 30 + [63] * 10, "uint8").reshape(2, 4, 5)
    bars = re.findall(r"v-([\d.]+)", histogram(values, labels=False))
    heights = [float(bar) for bar in bars]
    assert heights[0] == pytest.approx(HEIGHT)
    assert heights[-1] == pytest.approx(HEIGHT / 3, abs=0.01)
    assert sum(heights[1:-1]) == 0


def test_sizes_of_labels_are_in_the_bins_of_the_console() -> None:
    """Two labels of 1 voxel, one of 2, none of 4 to 7, one of 9: bins 1, 2, 4 and 8."""
    labels = np.array([1, 2, 3, 3, *[2**63] * 9, *[0] * 12], "uint64").reshape(5, 5, 1)
    page = histogram(labels, labels=True)
    heights = [-float(bar) for bar in re.findall(r"v(-?[\d.]+)h", page)]
    assert heights == [HEIGHT, HEIGHT / 2, 0, HEIGHT / 2]
    assert "1 to 9; at most 2 labels of so many voxels in one of 4 bins" in page


@pytest.mark.parametrize("values", [[np.nan, np.inf], [5.0, 5.0], [-1e30, 1e30]])
def test_any_values_are_drawn(values: list[float]) -> None:
    assert histogram(np.array(values, "float32"), labels=False)
