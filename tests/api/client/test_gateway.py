"""The gateway, asked through the client: a real server, and NumPy as the judge."""

from __future__ import annotations

import json
import os
import socket
import warnings
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import httpx2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.api.client.answering import answering
from tests.api.conftest import SHAPE, TOKEN

from voxlake.client import Gateway
from voxlake.client.http.failures import error_of
from voxlake.ngff.grid.box import Box
from voxlake.platform.errors import (
    ForbiddenError,
    InvalidInputError,
    InvalidNameError,
    LimitExceededError,
    NotFoundError,
    OutOfBoundsError,
    StoreError,
    StoreUnavailableError,
    UnauthenticatedError,
    UnsupportedError,
    VoxlakeError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.api.conftest import Served

EM, CELLS, DYES = "lab/brain/em", "lab/brain/cells", "lab/light/dyes"


@pytest.fixture(scope="session")
def gateway(served: Served) -> Iterator[Gateway]:
    with Gateway(served.url, TOKEN) as opened:
        yield opened


@pytest.fixture(scope="session")
def stranger(served: Served) -> Iterator[Gateway]:
    with Gateway(f"{served.url}/") as opened:
        yield opened


def test_everyone_sees_the_datasets_that_are_theirs_to_see(
    served: Served, gateway: Gateway, stranger: Gateway
) -> None:
    assert {each.name for each in gateway.datasets()} == served.voxels.keys()
    assert {each.name for each in stranger.datasets()} == {
        each.name for each in gateway.datasets() if each.public
    }
    cells = next(each for each in gateway.datasets() if each.name == CELLS)
    assert (cells.kind, cells.of, cells.state) == ("labels", EM, "ready")


def test_info_agrees_with_the_store(served: Served, gateway: Gateway) -> None:
    info = gateway.info(CELLS)
    assert (info.shape, info.dtype, info.axis_names) == (SHAPE, "uint64", ("z", "y", "x"))
    assert [level.shape for level in info.levels] == [SHAPE, (45, 34, 36)]
    assert info.levels[1].translation == (0.0, 5.0, 5.0)
    assert info.multiscale.voxel_size.zyx == (40.0, 10.0, 10.0)
    assert info.multiscale.is_labels
    assert info.zarr_url == gateway.address(CELLS)


@st.composite
def boxes(draw: st.DrawFn, shape: tuple[int, ...]) -> Box:
    ends = [sorted(draw(st.sets(st.integers(0, n), min_size=2, max_size=2))) for n in shape]
    return Box(tuple(lo for lo, _ in ends), tuple(hi for _, hi in ends))


@given(boxes(SHAPE))
def test_a_cutout_is_what_numpy_cuts_out(served: Served, gateway: Gateway, box: Box) -> None:
    for region in (box, box.slices, str(box).strip("[]")):
        voxels = gateway.cutout(CELLS, region)
        assert voxels.dtype == np.uint64
        np.testing.assert_array_equal(voxels, served.voxels[CELLS][box.slices])


def test_a_cutout_of_a_level_of_everything(served: Served, gateway: Gateway) -> None:
    np.testing.assert_array_equal(gateway.cutout(EM, level=1), served.voxels[EM][:, ::2, ::2])


def test_channels_and_time_points_can_be_asked_for_or_left_out(
    served: Served, gateway: Gateway
) -> None:
    voxels = served.voxels[DYES]
    spatial = np.s_[3:9, :, 5:6]
    np.testing.assert_array_equal(gateway.cutout(DYES, spatial), voxels[:, :, 3:9, :, 5:6])
    whole = np.s_[1:2, :2, 3:9, 4:, :]
    np.testing.assert_array_equal(gateway.cutout(DYES, whole), voxels[whole])
    with pytest.raises(InvalidInputError, match="4 ranges were given for the axes t, c, z, y, x"):
        gateway.cutout(DYES, np.s_[:, :, :, :])


@pytest.mark.parametrize("part", [slice(0, 9, 2), slice(-3, None), slice(0, -1), 3])
def test_slices_that_are_no_ranges_are_refused_before_anything_is_sent(part: Any) -> None:
    with Gateway("http://127.0.0.1:1") as nowhere, pytest.raises(InvalidInputError, match="0:64"):
        nowhere.cutout(EM, (part, slice(None), slice(None)))


@pytest.mark.parametrize("text", ["", "0:5,1,:", "0:5,:,-1:", "0:5,:,:,a:b", "0:9:2,:,:"])
def test_texts_that_are_no_ranges_are_refused_before_anything_is_sent(text: str) -> None:
    with Gateway("http://127.0.0.1:1") as nowhere, pytest.raises(InvalidInputError):
        nowhere.cutout(EM, text)


@given(boxes(SHAPE))
def test_labels_in_a_box_are_those_that_numpy_finds(
    served: Served, gateway: Gateway, box: Box
) -> None:
    found, counts = np.unique(served.voxels[CELLS][box.slices], return_counts=True)
    expected = {int(label): int(count) for label, count in zip(found, counts, strict=True) if label}
    labels = gateway.labels(CELLS, box)
    assert labels.dtype == np.uint64
    assert labels.tolist() == list(expected)
    assert gateway.label_counts(CELLS, box) == expected


def test_a_label_is_where_numpy_says(served: Served, gateway: Gateway) -> None:
    label = 2**64 - 1
    places = np.argwhere(served.voxels[CELLS] == label)
    extent = gateway.label(CELLS, label)
    assert (extent.label, extent.voxels) == (label, len(places))
    assert extent.box == Box(tuple(places.min(0).tolist()), tuple((places.max(0) + 1).tolist()))


def test_the_neuroglancer_link_shows_the_family(served: Served, gateway: Gateway) -> None:
    viewer, _, state = gateway.neuroglancer_link(EM).partition("#!")
    assert viewer == f"{served.url}/neuroglancer/"
    layers = json.loads(unquote(state))["layers"]
    assert {layer["name"] for layer in layers} == {"em", "cells", "draft"}


ERRORS = [
    (lambda g: g.info("lab/brain/none"), NotFoundError),
    (lambda g: g.label(CELLS, 77), NotFoundError),
    (lambda g: g.cutout(EM, level=7), OutOfBoundsError),
    (lambda g: g.cutout(EM, np.s_[0:999, :, :]), OutOfBoundsError),
    (lambda g: g.cutout("lab/brain/vast"), LimitExceededError),
    (lambda g: g.labels(EM), UnsupportedError),
    (lambda g: g.info("lab/brain"), InvalidNameError),
    (lambda g: g.info("lab/../em"), InvalidNameError),
]


@pytest.mark.parametrize(("ask", "error"), ERRORS)
def test_the_error_is_the_one_that_the_server_raised(
    gateway: Gateway, ask: Any, error: type[VoxlakeError]
) -> None:
    with pytest.raises(error) as caught:
        ask(gateway)
    assert type(caught.value) is error
    assert len(str(caught.value)) > 20


def test_strangers_and_wrong_tokens_are_told_to_log_in(served: Served, stranger: Gateway) -> None:
    with pytest.raises(UnauthenticatedError):
        stranger.cutout("lab/brain/secret")
    with Gateway(served.url, "wrong") as liar, pytest.raises(UnauthenticatedError):
        liar.datasets()


def test_a_gateway_that_is_not_there_is_no_missing_dataset() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with (
        Gateway(f"http://127.0.0.1:{port}") as nowhere,
        pytest.raises(StoreUnavailableError, match="did not answer"),
    ):
        nowhere.datasets()


@pytest.mark.parametrize(
    ("status", "body"),
    [(404, b"<html>nginx</html>"), (502, b""), (200, b"<html>hello</html>"), (200, b"{}")],
)
def test_answers_of_something_else_are_store_errors(status: int, body: bytes) -> None:
    with answering(status, body) as url, Gateway(url) as stray:
        with pytest.raises(StoreError):
            stray.info(EM)
        with pytest.raises(StoreError):
            stray.cutout(EM)


def test_pickles_are_never_loaded(tmp_path: Path) -> None:
    path = tmp_path / "evil.npy"
    np.save(path, np.array([{}], object), allow_pickle=True)
    with answering(200, path.read_bytes()) as url, Gateway(url) as evil, pytest.raises(StoreError):
        evil.cutout(EM)


def test_kinds_of_errors_that_are_not_known_keep_their_words() -> None:
    request = httpx2.Request("GET", "http://127.0.0.1/v2/datasets")
    for kind, error in (("forbidden", ForbiddenError), ("of-the-future", VoxlakeError)):
        body = {
            "type": f"urn:voxlake:error:{kind}",
            "title": "As you wish",
            "detail": "because",
            "status": 418,
            "request_id": "1",
        }
        found = error_of(httpx2.Response(418, json=body, request=request))
        assert (type(found), str(found)) == (error, "because")


def test_the_owner_of_a_local_server_needs_no_token_in_hand(served: Served, tmp_path: Path) -> None:
    file = tmp_path / "owner-token"
    with pytest.raises(UnauthenticatedError, match="voxlake serve"):
        Gateway.local(served.url, file)
    file.write_text(f"{TOKEN}\n")
    with Gateway.local(served.url, file) as gateway:
        assert "lab/brain/secret" in {each.name for each in gateway.datasets()}


@pytest.mark.parametrize("url", ["https://lake.example.org", "http://127.0.0.1.evil.org", "", "x"])
def test_the_owners_token_does_not_leave_the_machine(tmp_path: Path, url: str) -> None:
    (tmp_path / "owner-token").write_text(TOKEN)
    with pytest.raises(InvalidInputError, match="not on this machine"):
        Gateway.local(url, tmp_path / "owner-token")


def test_processes_that_are_forked_read_what_they_ask_for(served: Served) -> None:
    voxels = served.voxels[EM]

    def reads_right(opened: Gateway, seed: int) -> bool:
        picks = np.random.default_rng(seed)
        for _ in range(20):
            start = [int(picks.integers(0, n - 4)) for n in voxels.shape]
            box = tuple(slice(lo, lo + 4) for lo in start)
            if not np.array_equal(opened.cutout(EM, box), voxels[box]):
                return False
        return True

    with Gateway(served.url, TOKEN) as opened, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # this process has threads
        assert reads_right(opened, 0)
        children = []
        for seed in (1, 2):
            if not (child := os.fork()):
                try:
                    os._exit(not reads_right(opened, seed))
                finally:
                    os._exit(2)
            children.append(child)
        assert reads_right(opened, 3)
        ends = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    assert ends == [0, 0]
