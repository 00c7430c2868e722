"""Cutouts equal NumPy, in every format, and are refused before a voxel is read."""

from __future__ import annotations

import io
import socket
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.api.conftest import LIMIT_BYTES, SHAPE, VAST, Served

from voxlake.api.formats import FORMATS, Cutout
from voxlake.ngff.dataset import open_dataset
from voxlake.ngff.grid.box import Box
from voxlake.platform.names import DatasetName

if TYPE_CHECKING:
    import httpx2

    from voxlake.api.formats import Format


CUTOUT = "/v2/datasets/{}/cutout"


def decode(answer: httpx2.Response) -> Any:
    """Decode a cutout by what its headers say."""
    assert answer.status_code == 200, answer.text
    if answer.headers["content-type"] == "application/x-npy":
        return np.load(io.BytesIO(answer.content), allow_pickle=False)
    shape = tuple(map(int, answer.headers["x-voxlake-shape"].split(",")))
    return np.frombuffer(answer.content, answer.headers["x-voxlake-dtype"]).reshape(shape)


@st.composite
def spans(draw: st.DrawFn) -> list[tuple[int, int]]:
    """Draw a box inside SHAPE."""
    found = []
    for extent in SHAPE:
        lo = draw(st.integers(0, extent - 1))
        found.append((lo, draw(st.integers(lo + 1, extent))))
    return found


@settings(max_examples=40)
@given(box=spans(), form=st.sampled_from(["raw", "npy"]))
@pytest.mark.parametrize("name", ["lab/brain/em", "lab/brain/secret", "lab/brain/cells"])
def test_a_cutout_of_any_box_equals_numpy(
    served: Served, owner: httpx2.Client, name: str, box: list[tuple[int, int]], form: str
) -> None:
    query = {axis: f"{lo}:{hi}" for axis, (lo, hi) in zip("zyx", box, strict=True)}
    got = decode(owner.get(CUTOUT.format(name), params={**query, "format": form}))
    want = served.voxels[name][tuple(slice(lo, hi) for lo, hi in box)]
    assert got.dtype == want.dtype
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
@pytest.mark.parametrize(("name", "level"), [("lab/brain/em", 1), ("lab/brain/cells", 0)])
def test_every_format_is_sent_with_what_the_dataset_says(
    served: Served, owner: httpx2.Client, name: str, level: int, form: Format
) -> None:
    """The readers of others open these bodies in ``tests/api/formats``."""
    box = Box((3, 5, 7), (4, 21, 30))
    ranges = {axis: f"{lo}:{hi}" for axis, lo, hi in zip("zyx", box.start, box.stop, strict=True)}
    query = {**ranges, "level": str(level), "format": form.name}
    answer = owner.get(CUTOUT.format(name), params=query)
    steps = (slice(None), *(slice(None, None, 1 << level),) * 2)
    voxels = served.voxels[name][steps][box.slices]
    url = served.catalog.get_dataset(DatasetName.parse(name)).url
    multiscale = open_dataset(served.lake / url).multiscale
    at = multiscale.levels[level]
    start = zip(at.translation, at.scale, box.start, strict=True)
    place = tuple(origin + step * lo for origin, step, lo in start)
    cutout = Cutout(name, level, box, voxels.dtype, multiscale.axes, at.scale, place)
    if not form.accepts(cutout):
        assert answer.status_code == 406
        assert form.name in {"png", "jpeg", "webp"}
        return
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == form.media_type
    assert f"cutout{form.suffix}" in answer.headers["content-disposition"]
    assert ("content-length" in answer.headers) is form.is_exact
    assert answer.content == b"".join(form.encode(cutout, iter([np.ascontiguousarray(voxels)])))


def test_missing_axes_are_taken_whole_and_one_number_is_one_voxel(
    served: Served, anonymous: httpx2.Client
) -> None:
    got = decode(anonymous.get(CUTOUT.format("lab/light/dyes"), params={"c": "1", "z": ":5"}))
    np.testing.assert_array_equal(got, served.voxels["lab/light/dyes"][:, 1:2, :5])


def test_a_level_is_read_in_its_own_voxels(served: Served, anonymous: httpx2.Client) -> None:
    got = decode(anonymous.get(CUTOUT.format("lab/brain/em"), params={"level": 1}))
    np.testing.assert_array_equal(got, served.voxels["lab/brain/em"][:, ::2, ::2])


def test_headers_describe_the_body(anonymous: httpx2.Client) -> None:
    answer = anonymous.get(CUTOUT.format("lab/brain/em"), params={"z": "1:3", "y": "5", "x": "60:"})
    assert answer.headers["x-voxlake-axes"] == "z,y,x"
    assert answer.headers["x-voxlake-box"] == "1:3,5:6,60:71"
    assert answer.headers["x-voxlake-shape"] == "2,1,11"
    assert answer.headers["x-voxlake-dtype"] == "uint8"
    assert answer.headers["content-length"] == "22"
    assert "Accept" in answer.headers["vary"]


@pytest.mark.parametrize(
    ("accept", "status", "media_type"),
    [
        ("application/x-npy", 200, "application/x-npy"),
        ("*/*", 200, "application/octet-stream"),
        ("application/x-npy, */*", 200, "application/x-npy"),
        ("application/octet-stream;q=0.2, application/x-npy;q=0.9", 200, "application/x-npy"),
        ("image/png", 200, "image/png"),
        ("image/gif", 406, "application/problem+json"),
        ("application/octet-stream;q=0", 406, "application/problem+json"),
    ],
)
def test_the_accept_header_chooses_the_format(
    anonymous: httpx2.Client, accept: str, status: int, media_type: str
) -> None:
    answer = anonymous.get(
        CUTOUT.format("lab/brain/em"), params={"z": "0"}, headers={"Accept": accept}
    )
    assert (answer.status_code, answer.headers["content-type"]) == (status, media_type)


@pytest.mark.parametrize(
    ("name", "query", "status", "kind"),
    [
        ("lab/brain/em", {"format": "gif"}, 406, "not-acceptable"),
        ("lab/brain/em", {"z": "0:46"}, 400, "out-of-bounds"),
        ("lab/brain/em", {"z": "9:9"}, 400, "invalid-input"),
        ("lab/brain/em", {"z": "9:3"}, 400, "invalid-input"),
        ("lab/brain/em", {"z": "-1:3"}, 400, "invalid-input"),
        ("lab/brain/em", {"z": "a"}, 400, "invalid-input"),
        ("lab/brain/em", {"z": ""}, 400, "invalid-input"),
        ("lab/brain/em", {"z": f"0:{2**60}"}, 400, "invalid-input"),
        ("lab/brain/em", {"c": "0"}, 400, "invalid-input"),
        ("lab/brain/em", {"level": "2"}, 400, "out-of-bounds"),
        ("lab/brain/em", {"level": "-1"}, 400, "invalid-input"),
        ("lab/brain/em", {"level": "one"}, 400, "invalid-input"),
    ],
)
def test_what_cannot_be_answered_is_refused(
    anonymous: httpx2.Client, name: str, query: dict[str, str], status: int, kind: str
) -> None:
    answer = anonymous.get(CUTOUT.format(name), params=query)
    assert answer.status_code == status
    assert answer.json()["type"] == f"urn:voxlake:error:{kind}"


@given(
    box=st.lists(st.integers(0, VAST[0] - 1), min_size=3, max_size=3),
    edge=st.integers(1, 17),
    form=st.sampled_from(["raw", "npy"]),
)
@settings(max_examples=40)
def test_a_cutout_above_the_limit_is_refused_without_reading(
    anonymous: httpx2.Client, box: list[int], edge: int, form: str
) -> None:
    query = {
        axis: f"{lo}:{min(VAST[0], lo + (1 << edge))}" for axis, lo in zip("zyx", box, strict=True)
    }
    size = np.prod([min(VAST[0], lo + (1 << edge)) - lo for lo in box], dtype=object)
    size += 128 * (form == "npy")
    answer = anonymous.get(CUTOUT.format("lab/brain/vast"), params={**query, "format": form})
    if size <= LIMIT_BYTES:
        assert not decode(answer).any()
        return
    assert answer.status_code == 413
    assert str(size) in answer.json()["detail"]
    assert str(LIMIT_BYTES) in answer.json()["detail"]


def test_clients_that_go_away_leave_nothing_behind(served: Served) -> None:
    budget = served.app.state.gateway.answers
    host, port = served.url.removeprefix("http://").split(":")
    request = (
        f"GET /v2/datasets/lab/brain/vast/cutout?z=0:160&y=0:160&x=0:160 HTTP/1.1\r\n"
        f"Host: {host}\r\n\r\n"
    ).encode()
    for number in range(60):
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(request)
            if number % 3 == 0:
                connection.recv(1000)
    deadline = time.monotonic() + 60
    while budget.used_bytes or budget.waiting:
        assert time.monotonic() < deadline, "cutouts of clients that left are still held"
        time.sleep(0.02)
