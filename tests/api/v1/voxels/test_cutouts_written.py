"""Cutouts that bossDB's clients write: intern is the writer, NumPy the judge."""

from __future__ import annotations

import io
import math
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from intern.resource.boss.resource import ChannelResource
from numcodecs import blosc
from tests.api.conftest import SHAPE, TOKEN, Served, run_app
from tests.api.formats.parsing.bodies import bombs_of, encoded
from tests.api.lakes import Sample, add_sample, image_voxels, label_voxels
from tests.api.v1.conftest import remote
from tests.api.v2.labels.indexed import check_index

from voxlake.api.app import create_app
from voxlake.api.data.writing import writing
from voxlake.api.formats.parsing import ENVELOPE_BYTES
from voxlake.api.identity.local import LocalIdentity
from voxlake.api.workers.worker import share_of
from voxlake.ngff import lake as lakes
from voxlake.ngff.grid.box import Box
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.stale import forget_marks, list_marks
from voxlake.platform.catalog import open_catalog
from voxlake.platform.catalog.data.frames import Frame
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

    type Span = tuple[int, int]

CHANNELS = ("em", "wide", "cells", "few", "film", "grown")
BELOW = Frame("below", (-45, -67, -71), (0, 4, 9), (3.0, 2.0, 1.0), "micrometer", "")
"""It begins below 0, and is larger along y and x than what is stored."""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A gateway of channels of every type, in a frame that begins below 0."""
    folder = tmp_path_factory.mktemp("posted")
    lake = StoreURL.parse(str(folder / "lake"))
    samples = [
        Sample("lab/below/em", image_voxels(SHAPE)),
        Sample("lab/below/wide", image_voxels(SHAPE, 3, "uint16")),
        Sample("lab/below/cells", label_voxels(SHAPE), Kind.LABELS),
        Sample("lab/below/drawn", label_voxels(SHAPE, 8) % np.uint64(1000), Kind.LABELS),
        Sample("lab/below/few", label_voxels(SHAPE, 5).astype(np.uint32), Kind.LABELS),
        Sample("lab/below/film", image_voxels((3, *SHAPE), 4, "uint16"), axes=tuple("tzyx")),
        Sample(
            "lab/below/grown",
            np.stack([label_voxels(SHAPE, seed) for seed in (6, 7, 8)]),
            Kind.LABELS,
            axes=tuple("tzyx"),
            indexed=False,
        ),
    ]
    nothing, vast = np.zeros((1, 1, 1), np.uint64), (512, 2048, 2048)
    samples += [
        Sample("lab/vast/vast", nothing, shape=vast, small=False, levels=1),
        Sample("lab/vast/ids", nothing, Kind.LABELS, shape=vast, small=False, levels=1),
    ]
    chosen = Settings(failed_logins_per_minute=0, requests_per_minute=0)
    with open_catalog(lake, chosen) as catalog:
        for sample in samples:
            add_sample(lake, catalog, sample)
        catalog.frames.add(BELOW)
        catalog.collections.set_frame(("lab", "below"), BELOW.name)
        identity = LocalIdentity(TOKEN, "voxlake-session-test")
        app = create_app(chosen, lake, catalog, identity)
        with run_app(app) as url:
            voxels = {sample.name: sample.voxels.copy() for sample in samples}
            yield Served(url, lake, catalog, app, identity, voxels)


@pytest.fixture
def boss(written: Served) -> Any:
    """The owner's intern."""
    return remote(written, TOKEN)


@pytest.fixture
def web(written: Served) -> Iterator[httpx2.Client]:
    """Plain requests of the owner."""
    with written.client(owner=True) as client:
        yield client


def in_frame(box: list[Span]) -> list[list[int]]:
    """Return spans of voxels z, y, x as bossDB has them: x first, in the frame."""
    moved = [[lo + start, hi + start] for (lo, hi), start in zip(box, BELOW.start, strict=True)]
    return moved[::-1]


def resource_of(boss: Any, name: str) -> Any:
    return boss.get_project(ChannelResource(name, "lab", "below", datatype="uint8"))


def address(box: list[Span], name: str = "em", level: int = 0, black: str = "") -> str:
    """Return the address of a cutout."""
    spans = "/".join(f"{lo}:{hi}" for lo, hi in in_frame(box))
    return f"/v1/cutout/{black}lab/below/{name}/{level}/{spans}/"


@st.composite
def boxes(draw: st.DrawFn) -> list[Span]:
    """Draw spans of voxels, z, y, x."""
    ends = [sorted(draw(st.sets(st.integers(0, n), min_size=2, max_size=2))) for n in SHAPE]
    return [(lo, hi) for lo, hi in ends]


def painted(shape: tuple[int, ...], dtype: Any, seed: int) -> Any:
    """Return voxels half of which are 0, some of them the largest of their type."""
    rng = np.random.default_rng(seed)
    most = int(np.iinfo(dtype).max)
    values = np.array([0, 0, 0, 1, 7, most - 1, most], np.uint64)
    return rng.choice(values, shape).astype(dtype)


@dataclass(frozen=True)
class Writing:
    """What is written, where and how."""

    name: str
    box: list[Span]
    times: Span | None
    seed: int
    how: str
    at_a_time: int


WRITINGS = st.builds(
    Writing,
    name=st.sampled_from(CHANNELS),
    box=boxes(),
    times=st.sampled_from([None, (0, 1), (1, 3), (0, 3)]),
    seed=st.integers(0, 99),
    how=st.sampled_from(["merge", "overwrite", "black"]),
    at_a_time=st.sampled_from([1, writing.WRITTEN_BYTES]),
)


@settings(max_examples=20, deadline=None)
@given(asked=WRITINGS)
def test_what_intern_writes_is_merged_as_bossdb_does(
    written: Served, boss: Any, web: httpx2.Client, asked: Writing
) -> None:
    voxels = written.voxels[f"lab/below/{asked.name}"]
    whole = voxels[None] if voxels.ndim == 3 else voxels
    times = asked.times if asked.times is None or voxels.ndim == 4 else (0, 1)
    where = (slice(*(times or (0, 1))), *(slice(*each) for each in asked.box))
    here = whole[where]
    sent = painted(here.shape, whole.dtype, asked.seed)
    resource, ranges = resource_of(boss, asked.name), in_frame(asked.box)
    in_time: dict[str, Any] = {} if times is None else {"time_range": list(times)}
    body = sent.astype(resource.datatype)
    body = body[0] if times is None else body
    with patch.object(writing, "WRITTEN_BYTES", asked.at_a_time):
        write(boss, web, asked, body, times)
    if asked.how == "black":
        whole[where] = 0
    elif asked.how == "overwrite":
        whole[where] = sent
    elif np.sum(body):
        # intern sends nothing if the sum is 0, which that of large ids may be as well.
        whole[where] = np.where(sent, sent, here)
    got = boss.get_cutout(resource, 0, *ranges, parallel=False, **in_time)
    np.testing.assert_array_equal(got, whole[where][0] if times is None else whole[where])
    check_stored(written, asked.name)


def write(boss: Any, web: httpx2.Client, asked: Writing, body: Any, times: Span | None) -> None:
    """Write a box by intern, or by a plain request if intern cannot."""
    resource, ranges = resource_of(boss, asked.name), in_frame(asked.box)
    in_time: dict[str, Any] = {} if times is None else {"time_range": list(times)}
    if asked.how == "black":
        boss.create_cutout_to_black(resource, 0, *ranges, **in_time)
    elif asked.how == "merge":
        boss.create_cutout(resource, 0, *ranges, body, **in_time)
    else:
        end = "" if times is None else f"{times[0]}:{times[1]}/"
        answer = post(web, f"{address(asked.box, asked.name)}{end}?mode=overwrite", body)
        assert (answer.status_code, answer.content) == (201, b"")


def check_stored(written: Served, name: str) -> None:
    """Read all of a channel by zarr, and of labels compare the index with the voxels."""
    full = f"lab/below/{name}"
    record = written.catalog.get_dataset(DatasetName.parse(full))
    group = written.lake / lakes.place_of(record).key
    stored = zarr.open_group(group.path, mode="r")["0"]
    assert isinstance(stored, zarr.Array)
    np.testing.assert_array_equal(stored[...], written.voxels[full])
    if record.kind == "labels" and stored.ndim == 3:
        check_index(written, full)


def test_levels_are_behind_once_level_0_was_written(written: Served, web: httpx2.Client) -> None:
    record = written.catalog.get_dataset(DatasetName.parse("lab/below/wide"))
    finest = written.lake / lakes.place_of(record).key / "0"
    forget_marks()
    voxels = np.full((5, 6, 7), 9, np.uint16)
    assert post(web, address([(40, 45), (50, 56), (64, 71)], "wide"), voxels).status_code == 201
    written.voxels["lab/below/wide"][40:45, 50:56, 64:71] = 9
    box = Box((40, 50, 64), (45, 56, 71))
    assert any(mark.box.contains(box) for mark in list_marks(finest))


def post(client: httpx2.Client, path: str, voxels: Any) -> httpx2.Response:
    """Write a cutout by a plain request."""
    body = bytes(blosc.compress(np.ascontiguousarray(voxels), b"blosclz", 9, 1))
    return client.post(path, content=body, headers={"Content-Type": "application/blosc"})


def test_other_formats(written: Served, web: httpx2.Client) -> None:
    voxels = np.random.default_rng(1).integers(1, 255, (3, 4, 5)).astype(np.uint8)
    file, path = io.BytesIO(), address([(3, 6), (4, 8), (5, 10)])
    np.save(file, voxels)
    body = zlib.compress(file.getvalue())
    done = web.post(path, content=body, headers={"Content-Type": "application/npygz"})
    assert (done.status_code, done.content) == (201, b"")
    written.voxels["lab/below/em"][3:6, 4:8, 5:10] = voxels
    check_stored(written, "em")
    for wrong in (
        body[:-9],
        b"none",
        zlib.compress(file.getvalue()[:-1]),
        zlib.compress(bytes(1 << 20)),
    ):
        answer = web.post(path, content=wrong, headers={"Content-Type": "application/npygz"})
        assert (answer.status_code, answer.json()["code"]) == (400, 2001)
    for media in ("application/blosc-python", "application/x-hdf5", "application/json"):
        answer = web.post(path, content=body, headers={"Content-Type": media})
        assert (answer.status_code, answer.json()["code"]) == (415, 5001)
        assert "application/blosc" in answer.json()["message"]
    check_stored(written, "em")


def test_hdf5_is_written_as_it_is_read(written: Served, web: httpx2.Client) -> None:
    path, sent = address([(20, 24), (8, 13), (30, 37)]), {"Content-Type": "application/hdf5"}
    voxels = np.random.default_rng(7).integers(1, 256, (4, 5, 7)).astype(np.uint8)
    done = web.post(path, content=encoded("hdf5", voxels, 1), headers=sent)
    assert (done.status_code, done.content) == (201, b"")
    written.voxels["lab/below/em"][20:24, 8:13, 30:37] = voxels
    check_stored(written, "em")
    same = web.get(path, headers={"Accept": "application/hdf5"}).content
    black = web.put(address([(20, 24), (8, 13), (30, 37)], black="to_black/"))
    assert black.status_code == 200
    assert web.post(path, content=same, headers=sent).status_code == 201
    check_stored(written, "em")
    bombs = [body for body in bombs_of("hdf5").values() if len(body) < ENVELOPE_BYTES]
    for wrong in (*bombs, same[:-9], b"none"):
        answer = web.post(path, content=wrong, headers=sent)
        assert (answer.status_code, answer.json()["code"]) == (400, 2001)
    check_stored(written, "em")


def test_beyond_what_is_stored_only_zeros_are_taken(written: Served, web: httpx2.Client) -> None:
    z, y, x = SHAPE
    path = address([(z - 2, z), (y - 1, y + 4), (x - 1, x + 9)])
    voxels = np.zeros((2, 5, 10), np.uint8)
    voxels[:, 0, 0] = 201
    assert post(web, path, voxels).status_code == 201
    written.voxels["lab/below/em"][z - 2 :, y - 1, x - 1] = 201
    wholly = address([(0, 1), (y, y + 1), (x, x + 1)])
    assert post(web, wholly, np.zeros((1, 1, 1), np.uint8)).status_code == 201
    voxels[0, 4, 0] = 1
    for answer in (post(web, path, voxels), post(web, wholly, np.ones((1, 1, 1), np.uint8))):
        assert (answer.status_code, answer.json()["code"]) == (400, 1001)
    assert web.put(address([(0, 1), (y, y + 1), (x, x + 1)], black="to_black/")).status_code == 200
    check_stored(written, "em")


def test_ids_that_the_type_does_not_hold(written: Served, web: httpx2.Client) -> None:
    answer = post(web, address([(0, 1), (0, 1), (0, 2)], "few"), np.array([[[1, 1 << 32]]], "u8"))
    assert (answer.status_code, answer.json()["code"]) == (400, 1003)
    assert str(1 << 32) in answer.json()["message"]
    check_stored(written, "few")


def test_what_is_refused_changes_nothing(written: Served, web: httpx2.Client) -> None:
    box, voxels = [(1, 3), (1, 4), (1, 5)], np.full((2, 3, 4), 5, np.uint8)
    good = address(box)
    z, y, x = SHAPE
    cases = [
        (400, 1002, address(box, level=1), voxels),
        (400, 1002, address(box, level=9), voxels),
        (400, 2001, good, voxels[:1]),
        (400, 2001, good, voxels.astype(np.uint16)),
        (400, 1003, good + "?mode=sum", voxels),
        (400, 1001, good + "1:2", voxels[None]),
        (400, 1001, address(box, "film") + "2:4", voxels),
        (400, 1001, address([(0, z + 1), (0, y), (0, x)]), voxels),
        (404, 4000, address(box, "absent"), voxels),
    ]
    for status, code, path, sent in cases:
        answer = post(web, path, sent)
        assert (answer.status_code, answer.json()["code"]) == (status, code), path
    assert web.put(address(box, level=1, black="to_black/")).status_code == 400
    with written.client() as nobody:
        assert post(nobody, good, voxels).status_code == 401
    check_stored(written, "em")


@pytest.mark.parametrize("shape", [(64, 1024, 1024), (406, 406, 406)])
@pytest.mark.parametrize("name", ["vast", "ids"])
@pytest.mark.parametrize("workers", [1, 2])
def test_the_largest_body_of_intern_is_let_in(
    written: Served, name: str, shape: tuple[int, int, int], workers: int
) -> None:
    """67 million voxels of 64 bits: of what follows the head nothing is true, and that is told."""
    head = struct.pack("<4B3I", 2, 1, 0x91, 8, math.prod(shape) * 8, 1 << 20, 16 + (1 << 20))
    spans = "/".join(f"{lo}:{lo + n}" for lo, n in zip((11, 12, 13), shape[::-1], strict=True))
    with gateway_like(written, workers) as web:
        answer = web.post(
            f"/v1/cutout/lab/vast/{name}/0/{spans}",
            content=head + bytes(1 << 20),
            headers={"Content-Type": "application/blosc"},
        )
    assert (answer.status_code, answer.json()["code"]) == (400, 2001), answer.text
    assert "Blosc" in answer.json()["message"]


@contextmanager
def gateway_like(written: Served, workers: int) -> Iterator[httpx2.Client]:
    """Ask one of several processes that share the memory of a gateway as it is installed.

    Nobody may hold more than three quarters of it, as if somebody else asked as well.
    """
    chosen = share_of(Settings(), workers)
    app = create_app(chosen, written.lake, written.catalog, written.identity)
    answers = app.state.gateway.answers
    answers.limit_bytes = answers.limit_bytes * 3 // 4
    with run_app(app) as url, replace(written, url=url).client(owner=True) as client:
        yield client
    assert answers.used_bytes == 0


def test_the_largest_cutout_of_intern_is_read(written: Served) -> None:
    """It has 60 million voxels of 64 bits: a quarter of these, in a quarter of the memory."""
    framed = "/v1/cutout/lab/vast/ids/0/100:612/100:612/100:157/"
    with gateway_like(written, 4) as web:
        answer = web.get(framed, headers={"Accept": "application/blosc"})
        assert answer.status_code == 200, answer.text
        assert not blosc.decompress(answer.content).strip(b"\0")


def test_writers_of_one_shard_lose_nothing(written: Served) -> None:
    voxels = written.voxels["lab/below/cells"]
    places = [(z, y, x) for z in range(0, 32, 8) for y in range(0, 32, 8) for x in range(0, 64, 16)]

    def write(number: int) -> None:
        z, y, x = places[number]
        sent = np.full((8, 8, 16), (1 << 63) + number + 1, np.uint64)
        sent[::2] = 0
        box = [(z, z + 8), (y, y + 8), (x, x + 16)]
        by = remote(written, TOKEN)
        by.create_cutout(resource_of(by, "cells"), 0, *in_frame(box), sent)
        here = voxels[z : z + 8, y : y + 8, x : x + 16]
        here[...] = np.where(sent, sent, here)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(write, range(len(places))))
    check_stored(written, "cells")


def test_reservations_at_once_are_disjoint(written: Served) -> None:
    def reserve(number: int) -> range:
        by = remote(written, TOKEN)
        count = 1 + number * 7
        first = int(by.reserve_ids(resource_of(by, "drawn"), count))
        return range(first, first + count)

    with ThreadPoolExecutor(32) as pool:
        blocks = sorted(pool.map(reserve, range(32)), key=lambda each: each.start)
    assert blocks[0].start > 0
    assert all(one.stop <= other.start for one, other in pairwise(blocks))
    there = {*np.unique(written.voxels["lab/below/drawn"]).tolist()}
    assert not any(label in block for block in blocks for label in there)
