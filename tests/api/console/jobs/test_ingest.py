"""The ingest wizard: a source is named, looked at, its plan seen, and started; a page each."""

from __future__ import annotations

import html
import re
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
from PIL import Image
from tests.api.console.conftest import SHAPE
from tests.api.console.jobs.conftest import INGEST, work
from tests.api.lakes import image_voxels, label_voxels

if TYPE_CHECKING:
    from pathlib import Path

    import httpx2
    from tests.api.console.conftest import Browser, Workshop


def look(shop: Workshop, browser: Browser, source: Path | str) -> httpx2.Response:
    """Have a source looked at; return the page that tells what was found."""
    page = browser.fill_in(f"{INGEST}/look", source=str(source), axes="")
    assert page.status_code == 200, page.text
    assert "it waits for a worker" in page.text
    work(shop)
    return browser.get(page.url.path)


def fields_of(page: str) -> dict[str, str]:
    """Return what the form of a page is filled in with."""
    form = re.search(r'<form class="fields".*?</form>', page, re.DOTALL)
    assert form
    fields = {}
    for tag in re.findall(r"<input [^>]*>", form[0]):
        named = re.search(r'name="([^"]+)"', tag)
        value = re.search(r'value="([^"]*)"', tag)
        if named and ('type="checkbox"' not in tag or " checked" in tag):
            fields[named[1]] = html.unescape(value[1]) if value else ""
    for name, options in re.findall(r'<select name="([^"]+)">(.*?)</select>', form[0], re.DOTALL):
        chosen = re.search(r"<option([^>]*) selected>([^<]*)", options) or re.search(
            r"<option([^>]*)>([^<]*)", options
        )
        assert chosen
        value = re.search(r'value="([^"]*)"', chosen[1])
        fields[name] = html.unescape(value[1] if value else chosen[2])
    return fields


def picture(browser: Browser, page: str) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return the pixels of the picture on a page."""
    found = re.search(r'<img src="([^"]+)"', page)
    assert found
    answer = browser.get(found[1])
    assert answer.headers["content-type"] == "image/png"
    with Image.open(BytesIO(answer.content)) as image:
        return np.asarray(image)


@pytest.fixture
def stack(sources: Path) -> Path:
    """Slices of TIFF that say how large a pixel is, and not how thick a slice."""
    folder = sources / "mouse 7"
    folder.mkdir(exist_ok=True)
    for number, plane in enumerate(image_voxels(SHAPE), start=1):
        tifffile.imwrite(folder / f"em_{number:03}.tif", plane)
    return folder


def test_a_stack_is_looked_at_planned_and_ingested(shop: Workshop, stack: Path) -> None:
    with shop.browser("ada") as ada:
        named = ada.get(INGEST).text
        assert 'aria-current="step">Source<' in named
        assert f"{stack.parent}" in named
        found = look(shop, ada, stack)
        assert 'aria-current="step">What was found<' in found.text
        assert "20, from em_001.tif to em_020.tif" in found.text
        assert "20 \u00d7 21 \u00d7 22" in found.text
        shown = picture(ada, found.text)
        assert shown.shape == SHAPE[1:]
        middle = image_voxels(SHAPE)[10].astype(int)
        order = np.argsort(middle, axis=None)
        assert np.all(np.diff(shown.reshape(-1)[order].astype(int)) >= 0), "it is that slice"
        fields = fields_of(found.text)
        assert fields["name"] == "mouse-7"
        assert fields["as_kind"] == "image"
        fields |= {"size_z": "40", "size_y": "4", "size_x": "4"}
        plan = ada.fill_in(INGEST, **fields)
        work(shop)
        plan = ada.get(plan.url.path)
        assert 'aria-current="step">Plan<' in plan.text
        for told in ("Shards", "Stored", "Time", "Cost", "Start what was planned"):
            assert told in plan.text
        assert ada.get("/datasets/lab/brain/mouse-7").status_code == 404
        started = ada.fill_in(f"{plan.url.path}/start")
        work(shop)
        ada.await_status("/datasets/lab/brain/mouse-7", 200)
        assert 'aria-current="step">Ingest<' in ada.get(started.url.path).text


def test_labels_with_sizes_are_filled_in_as_they_are_said(shop: Workshop, sources: Path) -> None:
    tifffile.imwrite(
        sources / "cells.ome.tif",
        label_voxels(SHAPE).astype(np.uint32),
        metadata={
            "axes": "ZYX",
            "PhysicalSizeX": 0.1,
            "PhysicalSizeY": 0.1,
            "PhysicalSizeZ": 0.3,
        },
    )
    with shop.browser("ada") as ada:
        found = look(shop, ada, sources / "cells.ome.tif").text
        fields = fields_of(found)
        assert fields["as_kind"] == "labels"
        assert fields["name"] == "cells-2", "cells is taken"
        assert [fields[f"size_{axis}"] for axis in "zyx"] == ["0.3", "0.1", "0.1"]
        assert fields["unit"] == "micrometer"
        assert picture(ada, found).shape == (*SHAPE[1:], 4), "labels are drawn in colours"
        plan = ada.fill_in(INGEST, **fields | {"of": ""})
        work(shop)
        assert "It would be refused" not in ada.get(plan.url.path).text


def test_missing_slices_are_told_and_nothing_is_planned(shop: Workshop, sources: Path) -> None:
    folder = sources / "torn"
    folder.mkdir()
    for number in (1, 2, 5):
        tifffile.imwrite(folder / f"s{number}.tif", np.zeros((4, 5), np.uint8))
    with shop.browser("ada") as ada:
        found = look(shop, ada, folder).text
        assert "2: 3, 4" in found
        assert "Plan it" not in found
        assert "Name another source" in found


def test_errors_name_the_field(shop: Workshop, sources: Path) -> None:
    with shop.browser("ada") as ada:
        asked = {"source": str(sources / "em.npy"), "name": "x", "as_kind": "image"}
        for wrong, words in (
            ({"name": "a/b"}, "name:"),
            ({"size_z": "-1"}, "size_z:"),
            ({"size_z": "4"}, "the size along y and x is missing"),
            ({"as_kind": "movie"}, "as_kind:"),
            ({"dtype": "int7"}, "dtype:"),
        ):
            page = ada.fill_in(INGEST, **asked | wrong)
            assert page.status_code == 400
            assert words in page.text, wrong
        elsewhere = ada.fill_in(f"{INGEST}/look", source="/etc")
        assert elsewhere.status_code == 403
        assert "VOXLAKE_INGEST_STORES" in elsewhere.text


def test_who_may_not_ingest_sees_nothing_of_a_look(shop: Workshop, stack: Path) -> None:
    with shop.browser("ada") as ada, shop.browser("carl") as carl, shop.browser() as nobody:
        page = look(shop, ada, stack)
        job = page.url.path
        for path in (job, f"/v2{job}/picture"):
            assert carl.get(path).status_code == 404
            assert nobody.get(path).status_code == 401
        assert carl.fill_in(f"{INGEST}/look", source=str(stack)).status_code == 404
