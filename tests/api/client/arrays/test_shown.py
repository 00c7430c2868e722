"""What notebooks show: pictures and tables, nothing of others as markup, and never an error."""

from __future__ import annotations

import base64
import io
import re
import threading
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from tests.api.client.answering import answering
from tests.api.conftest import SHAPE, TOKEN
from tests.api.v2.datasets.test_writing import CELLS, DYES, EM

from voxlake.client import Gateway, Lake, RemoteJob
from voxlake.client.arrays.shown import Listed, soon, table_html
from voxlake.client.arrays.slice_picture import PIXELS
from voxlake.documents.jobs.job import JobDocument
from voxlake.platform.errors import StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.api.conftest import Served

EVIL = '"><svg onload=alert(1)>'


class Tags(HTMLParser):
    """The tags of a page, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        assert not any(name.startswith("on") for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def gateway(served: Served) -> Iterator[Gateway]:
    with Gateway(served.url, TOKEN) as opened:
        yield opened


def picture(page: str) -> Any:
    """Return the picture in a page."""
    found = re.search(r"data:image/png;base64,([A-Za-z0-9+/=]+)", page)
    assert found is not None
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(found[1]))))


@pytest.mark.parametrize("name", [EM, DYES])
def test_a_dataset_is_its_middle_slice_and_its_levels(
    served: Served, gateway: Gateway, name: str
) -> None:
    here, there = Lake(served.lake)[name]._repr_html_(), gateway[name]._repr_html_()
    assert here is not None
    assert here == there
    voxels = served.voxels[name]
    plane = voxels[SHAPE[0] // 2] if name == EM else voxels[0, 0, 10]
    shown = picture(here)
    assert shown.shape == plane.shape
    text = Tags(here).text
    assert " x ".join(map(str, voxels.shape)) in text
    assert "nanometer" in text


def test_labels_have_colours_and_their_background_is_transparent(
    gateway: Gateway, served: Served
) -> None:
    page = gateway[CELLS]._repr_html_()
    assert page is not None
    shown, plane = picture(page), served.voxels[CELLS][SHAPE[0] // 2]
    assert np.array_equal(shown[..., 3] == 255, plane != 0)
    colours = {tuple(map(int, colour)) for colour in shown[plane != 0]}
    assert len(colours) == len(np.unique(plane[plane != 0]))


def test_what_is_vast_is_shown_without_reading_it(gateway: Gateway) -> None:
    page = gateway["lab/brain/vast"]._repr_html_()
    assert page is not None
    assert "<img" not in page
    assert len(page) < 4000


def test_a_picture_is_small(gateway: Gateway) -> None:
    wide = np.random.default_rng(0).integers(0, 256, (1, 900, 1100), np.uint8)
    array = replace(
        gateway[EM], shapes=(wide.shape,) * 2, read_box=lambda _, box: wide[box.slices], level=0
    )
    page = array._repr_html_()
    assert page is not None
    assert max(picture(page).shape) <= PIXELS


def test_a_failure_shows_what_is_known(gateway: Gateway) -> None:
    def fail(_level: int, _box: Any) -> Any:
        raise StoreUnavailableError("gone")

    page = replace(gateway[EM], read_box=fail)._repr_html_()
    assert page is not None
    assert "<img" not in page
    assert "45 x 67 x 71" in page


def test_labels_are_their_largest_and_text_if_they_cannot_be_had(
    gateway: Gateway, served: Served
) -> None:
    page = gateway.open_labels(CELLS)._repr_html_()
    assert page is not None
    ids, counts = np.unique(served.voxels[CELLS], return_counts=True)
    largest = max((int(n), int(i)) for i, n in zip(ids, counts, strict=True) if i)
    assert f"<td>{largest[1]}</td><td>{largest[0]}</td>" in page
    with answering(500, b"no") as url, Gateway(url, "t") as broken:
        assert broken.open_labels(CELLS)._repr_html_() is None


def test_nothing_is_waited_for_long() -> None:
    never = threading.Event()
    assert soon(never.wait, 0.01) is None
    never.set()


def test_lists_are_tables(gateway: Gateway) -> None:
    page = gateway.datasets()._repr_html_()
    assert {"table", "tr", "td"} <= Tags(page).tags
    assert EM in page
    assert "nothing" in gateway.search("nosuchword")._repr_html_()


@given(st.text(max_size=500))
def test_what_others_wrote_is_text(words: str) -> None:
    for each in (words, words + EVIL, EVIL + words):
        page = table_html([each], [[each, None, 1.5]] * 70)
        assert Tags(page).tags <= {"table", "thead", "tbody", "tr", "th", "td", "p"}
        assert len(page) < 70 * 3000


def test_a_job_is_its_progress(gateway: Gateway) -> None:
    seen = JobDocument.model_validate(
        {
            "id": "01J", "kind": "ingest", "dataset": EVIL, "state": "running", "running": True,
            "queued": False, "cancelling": False, "message": EVIL, "host": None, "pid": None,
            "dashboard": f"http://h/{EVIL}",
            "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z", "spec": {},
            "stages": [
                {
                    "name": EVIL, "tasks": 8, "done": 2, "failed": 0, "voxels": 8, "voxels_done": 2,
                    "bytes_done": 0, "tasks_per_s": None, "voxels_per_s": None, "seconds_left": 3,
                }
            ],
        }
    )  # fmt: skip
    job = RemoteJob(gateway._connection, seen)
    assert repr(job).endswith(f", Dask at http://h/{EVIL})")
    page = job._repr_html_()
    assert 'value="0.2500"' in page
    assert 'href="http://h/&quot;&gt;&lt;svg onload=alert(1)&gt;" rel="noopener"' in page
    with pytest.raises(ValueError, match="dashboard"):
        JobDocument.model_validate(seen.model_dump() | {"dashboard": "javascript:alert(1)"})
    assert "svg" not in Tags(page).tags
    assert EVIL in Tags(page).text


def test_lists_are_tuples() -> None:
    listed = Listed.of([1, 2, 3])
    assert listed == (1, 2, 3)
    assert listed[0] == 1
