"""Cutouts that are larger than the memory of a gateway: sent right, and within it."""

from __future__ import annotations

import hashlib
import io
import resource
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import httpx2
import numpy as np
import pytest
from tests.api.conftest import TOKEN, run_app
from tests.api.lakes import Sample, add_sample

from voxlake.api.app import create_app
from voxlake.api.http.limits.budget import Budget
from voxlake.api.identity.local import LocalIdentity
from voxlake.platform.catalog import open_catalog
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator

SHAPE = (2, 3, 160, 256, 256)
ANSWERS_BYTES = 3 << 20
"""Memory for answers: a twentieth of what the dataset has."""


@dataclass(frozen=True)
class Served:
    """A gateway with little memory."""

    client: httpx2.Client
    budget: Budget
    voxels: Any


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    lake = StoreURL.parse(str(tmp_path_factory.mktemp("streaming") / "lake"))
    settings = Settings()
    row = np.random.default_rng(1).integers(0, 256, (SHAPE[0], SHAPE[1], 1, 1, SHAPE[4]), "uint8")
    number = np.arange(SHAPE[2], dtype=np.uint8)[:, None, None]
    voxels = np.ascontiguousarray(np.broadcast_to(row + number, SHAPE))
    with pytest.MonkeyPatch.context() as patch, open_catalog(lake, settings) as catalog:
        # As many chunks are decoded at the same time, and counted.
        patch.setattr("os.cpu_count", lambda: 2)
        axes = ("t", "c", "z", "y", "x")
        sample = Sample("lab/brain/em", voxels, public=True, axes=axes, levels=1, small=False)
        add_sample(lake, catalog, sample)
        app = create_app(settings, lake, catalog, LocalIdentity(TOKEN, "voxlake-session-test"))
        app.state.gateway = replace(app.state.gateway, answers=Budget(ANSWERS_BYTES))
        with run_app(app) as url, httpx2.Client(base_url=url, timeout=60) as client:
            yield Served(client, app.state.gateway.answers, voxels)


def cutout(served: Served, form: str, **ranges: str) -> httpx2.Response:
    """Ask for a cutout."""
    query = {"format": form, **ranges}
    answer = served.client.get("/v2/datasets/lab/brain/em/cutout", params=query)
    assert answer.status_code == 200, answer.text
    return answer


@pytest.mark.parametrize("form", ["raw", "npy", "npz"])
def test_a_cutout_of_twenty_times_the_memory(served: Served, form: str) -> None:
    assert served.voxels.nbytes >= 20 * served.budget.limit_bytes
    body = cutout(served, form).content
    if form == "npz":
        assert zipfile.ZipFile(io.BytesIO(body)).testzip() is None
        found = np.load(io.BytesIO(body))["voxels"]
    else:
        found = np.load(io.BytesIO(body)) if form == "npy" else np.frombuffer(body, np.uint8)
    assert np.array_equal(found.reshape(SHAPE), served.voxels)


@pytest.mark.parametrize(
    "ranges",
    [
        {"t": "1", "c": "1:3"},
        {"t": "0:2", "z": "3:77", "y": "9:200", "x": "1:250"},
        {"c": "2", "y": "63:65"},
        {"t": "1", "c": "0", "z": "5"},
    ],
)
def test_any_times_and_channels(served: Served, ranges: dict[str, str]) -> None:
    part = tuple(
        slice(int(text), int(text) + 1) if text.isdigit() else slice(*map(int, text.split(":")))
        for text in (ranges.get(axis, f"0:{n}") for axis, n in zip("tczyx", SHAPE, strict=True))
    )
    found = np.load(io.BytesIO(cutout(served, "npy", **ranges).content))
    assert np.array_equal(found, served.voxels[part])


def test_ten_at_once_stay_within_the_memory(served: Served) -> None:
    want = hashlib.sha256(served.voxels[1]).hexdigest()
    seen, done = [0], threading.Event()

    def watch() -> None:
        while not done.wait(0.002):
            seen.append(served.budget.used_bytes)

    def ask(_number: int) -> str:
        found, query = hashlib.sha256(), {"t": "1", "format": "raw"}
        path = "/v2/datasets/lab/brain/em/cutout"
        with served.client.stream("GET", path, params=query) as answer:
            for part in answer.iter_bytes():
                found.update(part)
        return found.hexdigest()

    watching = threading.Thread(target=watch)
    watching.start()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with ThreadPoolExecutor(10) as pool:
        found = list(pool.map(ask, range(10)))
    done.set()
    watching.join()
    assert found == [want] * 10
    assert 0 < max(seen) <= served.budget.limit_bytes
    # In kB; what is not counted are the buffers of clients and sockets, and what TensorStore codes.
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown << 10 < served.voxels[1].nbytes * 3


def test_what_has_to_be_joined_has_to_fit(served: Served) -> None:
    answer = served.client.get("/v2/datasets/lab/brain/em/cutout", params={"format": "hdf5"})
    assert answer.status_code == 413
    assert "VOXLAKE_GATEWAY_MEMORY_BYTES" in answer.json()["detail"]
