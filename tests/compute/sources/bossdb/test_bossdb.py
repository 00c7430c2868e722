"""Channels of a bossDB: their voxels, and all that can be wrong with a server."""

from __future__ import annotations

import gzip
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tensorstore as ts
from hypothesis import given, settings
from hypothesis import strategies as st
from numcodecs import blosc
from tests.compute.sources.reading import assert_reads, assert_whole, boxes, fails
from tests.servers.bossdb import (
    BossDB,
    breaking_off,
    failing,
    hanging_up,
    run_bossdb,
    sending,
)
from tests.servers.certificates import make_certificate
from tests.servers.web import run_web

from voxlake.compute.sources import open_source
from voxlake.compute.sources.bossdb import server as server_module
from voxlake.compute.sources.bossdb import volume
from voxlake.compute.sources.bossdb.location import parse_location
from voxlake.ngff.grid.axes import TimeStep, VoxelSize
from voxlake.ngff.grid.box import Box
from voxlake.platform.errors import InvalidInputError, SourceError
from voxlake.platform.secrets.intern_tokens import token_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers.bossdb import Fault

RNG = np.random.default_rng(3)
IMAGE = RNG.integers(0, 256, (1, 21, 70, 90), np.uint8)


@pytest.fixture(autouse=True)
def _nobodys_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("VOXLAKE_STORE_RETRIES", "2")
    monkeypatch.setattr(server_module, "FIRST_WAIT", 0.001)
    for name in ("HOST", "PROTOCOL", "TOKEN"):
        monkeypatch.delenv(f"INTERN_{name}", raising=False)


@pytest.fixture
def boss() -> Iterator[BossDB]:
    with run_bossdb(BossDB(IMAGE)) as running:
        yield running


@pytest.fixture(scope="module")
def ids() -> Iterator[BossDB]:
    with run_bossdb(BossDB(RNG.integers(0, 1 << 64, (3, 40, 9, 530), np.uint64))) as running:
        yield running


def test_an_image(boss: BossDB) -> None:
    source = open_source(boss.location)
    assert_whole(source, IMAGE[0])
    assert source.calibration.voxel_size == VoxelSize(40, 4, 4.5, "nanometer")
    assert source.calibration.translation("nanometer") == (0, 0, 0)
    assert boss.tokens == {"Token public"}
    assert boss.cutouts[0] == "/v1/cutout/lab/brain/em/0/89:90/69:70/20:21/?access-mode=no-cache"


@settings(max_examples=10)
@given(data=st.data())
def test_any_box_at_any_time(ids: BossDB, data: st.DataObject) -> None:
    source = open_source(ids.location)
    assert source.axes == ("t", "z", "y", "x")
    assert_reads(source, data.draw(boxes(ids.voxels.shape)), ids.voxels)


def test_whole_blocks_are_asked_for_once(ids: BossDB) -> None:
    source = open_source(ids.location)
    assert source.block == (1, 16, 9, 512)
    ids.asked.clear()
    assert_reads(source, Box.of_shape(source.shape), ids.voxels)
    spans = {path.partition("?")[0].split("/0/", 1)[1] for path in ids.cutouts}
    assert len(spans) == len(ids.cutouts)
    assert "512:530/0:9/32:40/2:3/" in spans


def test_some_time_points(ids: BossDB) -> None:
    assert_whole(open_source(f"{ids.location}?t=1:2"), ids.voxels[1])
    assert_whole(open_source(f"{ids.location}?t=1:3"), ids.voxels[1:])
    fails(f"{ids.location}?t=1:4", "0:3", "1:4")


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint64", "uint32", "int16", "float32"])
def test_types_of_voxels(dtype: str) -> None:
    voxels = RNG.integers(0, 250, (1, 5, 6, 7)).astype(dtype)
    with run_bossdb(BossDB(voxels)) as boss:
        assert_whole(open_source(boss.location), voxels[0])


def test_a_frame_that_begins_elsewhere(boss: BossDB) -> None:
    boss.start = (-3, 100, -40)
    source = open_source(boss.location)
    assert_whole(source, IMAGE[0])
    assert source.calibration.translation("nanometer") == (-120, 400, -180)
    assert "/49:50/169:170/17:18/" in boss.cutouts[0]


def test_times_have_a_step(ids: BossDB, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ids, "experiment", {"time_step": 20, "time_step_unit": "milliseconds"})
    source = open_source(f"{ids.location}?t=1:3")
    assert source.calibration.time == TimeStep(20, "millisecond", 20)


def test_levels(boss: BossDB) -> None:
    boss.frame = {"x_stop": 180, "y_stop": 139, "x_start": -2, "x_voxel_size": 2.25}
    boss.start = (0, 0, -1)
    sizes = {"0": [2.25, 4, 40], "1": [4.5, 8, 40]}
    boss.levels = {"voxel_size": sizes, "extent": {"0": [182, 139, 21], "1": [90, 70, 21]}}
    source = open_source(f"{boss.location}?level=1")
    assert_whole(source, IMAGE[0])
    assert "/em/1/88:89/69:70/" in boss.cutouts[0]
    assert source.calibration.voxel_size == VoxelSize(40, 8, 4.5, "nanometer")
    # The centre of the first voxel lies between the centres of two of level 0.
    assert source.calibration.translation("nanometer") == (0, 2, -4.5 + 1.125)
    fails(f"{boss.location}?level=2", "no level 2", "0, 1")
    boss.channel = {"base_resolution": 1}
    assert_whole(open_source(boss.location), IMAGE[0])
    fails(f"{boss.location}?level=0", "no level 0, but 1")


@pytest.mark.parametrize(
    ("levels", "words"),
    [
        ({"extent": {"0": [91, 70, 21]}}, ("(21, 70, 91)", "(21, 70, 90)")),
        ({"extent": {"0": [0, 70, 21]}}, ("extent",)),
        ({"extent": {}}, ("no level 0",)),
        ({"voxel_size": {"1": [1, 1, 1]}}, ("no level 0",)),
        ({"voxel_size": {"0": [0, 4, 40]}}, ("voxel_size",)),
    ],
)
def test_levels_that_lie(boss: BossDB, levels: dict[str, object], words: tuple[str, ...]) -> None:
    boss.levels = levels
    fails(boss.location, *words)


def test_factors_are_whole(boss: BossDB) -> None:
    sizes = {"0": [4.5, 4, 40], "1": [9, 10, 40]}
    boss.levels = {"voxel_size": sizes, "extent": {"0": [90, 70, 21], "1": [45, 28, 21]}}
    fails(f"{boss.location}?level=1", "not whole numbers")


PASSING: list[Fault] = [
    failing(429, "User is throttled"),
    failing(500),
    failing(503),
    failing(504),
    breaking_off,
    hanging_up,
    sending(lambda body: body[:-9]),
    sending(lambda _: b""),
    sending(lambda body: body[:4] + b"\xff\xff\xff\x7f" + body[8:]),
    sending(lambda _: bytes(blosc.compress(b"abcd", b"lz4"))),
]


@pytest.mark.parametrize("fault", PASSING)
def test_what_goes_by(boss: BossDB, fault: Fault) -> None:
    source = open_source(boss.location)
    boss.faults += [fault, fault]
    assert_reads(source, Box((0, 0, 0), (2, 3, 4)), IMAGE[0])
    boss.faults += [fault] * 3
    with pytest.raises(SourceError, match="in vain"):
        source.read(Box((0, 0, 0), (2, 3, 4)))
    assert not boss.faults


def test_a_server_says_when_to_come_again(boss: BossDB) -> None:
    source = open_source(boss.location)
    boss.faults.append(failing(429, Retry_After="1"))
    began = time.monotonic()
    assert_reads(source, Box((0, 0, 0), (1, 1, 1)), IMAGE[0])
    assert time.monotonic() - began >= 1


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (failing(400, "out of\x1b[31m bounds"), "out of"),
        (failing(403, "no permission"), "no permission.*without a token"),
        (failing(404, "The channel is gone"), "The channel is gone"),
        (failing(307, Location="http://elsewhere.example.org/"), "307"),
        (sending(lambda body: body + bytes(1 << 17)), "more than"),
        (sending(gzip.compress, Content_Encoding="gzip"), "gzip"),
    ],
)
def test_what_does_not_go_by(boss: BossDB, fault: Fault, words: str) -> None:
    source = open_source(boss.location)
    boss.faults.append(fault)
    boss.asked.clear()
    with pytest.raises(SourceError, match=words) as caught:
        source.read(Box((0, 0, 0), (2, 3, 4)))
    assert len(boss.cutouts) == 1
    assert "\x1b" not in str(caught.value)


def test_what_cannot_be_read_is_said_when_it_is_planned(boss: BossDB) -> None:
    boss.channel = {"datatype": "uint16"}
    fails(boss.location, "2 were asked for")
    boss.channel = {"datatype": "complex64"}
    fails(boss.location, "datatype")
    boss.channel = {"type": "mesh"}
    fails(boss.location, "type")
    fails(boss.location.replace("/em", "/absent"), "404", "not found", "lab/experiment/brain")
    boss.channel = {}
    boss.frame = {"x_stop": float("inf")}
    fails(boss.location, "x_stop")


def test_what_the_fingerprint_tells(boss: BossDB) -> None:
    def fingerprint(options: str = "") -> str:
        return open_source(f"{boss.location}{options}").fingerprint

    before = fingerprint()
    boss.channel = {"downsample_status": "DOWNSAMPLED", "description": "other words"}
    assert fingerprint() == before
    boss.start = (0, 0, 1)
    assert fingerprint() != before
    boss.start = (0, 0, 0)
    boss.frame = {"z_voxel_size": 41}
    assert fingerprint() != before


def test_a_volume_that_cloudvolume_wrote(
    boss: BossDB, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "open-data/lab/em 1"
    kept = ts.open(
        {
            "driver": "neuroglancer_precomputed",
            "kvstore": {"driver": "file", "path": f"{folder}/"},
            "multiscale_metadata": {"type": "image", "data_type": "uint8", "num_channels": 1},
            "scale_metadata": {
                "size": [90, 70, 21],
                "voxel_offset": [-40, 0, 5],
                "chunk_size": [32, 32, 16],
                "resolution": [4, 4, 30],
                "encoding": "raw",
            },
        },
        create=True,
    ).result()
    kept[...] = IMAGE[0].T[..., np.newaxis]
    boss.channel = {"storage_type": "cloudvol", "bucket": "open-data", "cv_path": "/lab/em 1/"}
    boss.levels = {"extent": {}}  # Of these its bossDB knows nothing.
    with run_web(tmp_path) as web:
        monkeypatch.setattr(volume, "PUBLIC_BUCKETS", web.address)
        source = open_source(boss.location)
        assert_whole(source, IMAGE[0])
        assert source.calibration.translation("nanometer") == (150, 0, -160)
        fails(f"{boss.location}?level=1", "no scale '1'")
    assert not boss.cutouts


@pytest.mark.parametrize(
    ("bucket", "path"),
    [("a/b", "em"), ("evil.example.org?", "em"), (None, "em"), ("open", None), ("open", "/")],
)
def test_buckets_that_are_none(boss: BossDB, bucket: str | None, path: str | None) -> None:
    boss.channel = {"storage_type": "cloudvol", "bucket": bucket, "cv_path": path}
    fails(boss.location, "no place in S3")


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("bossdb://lab/brain/em", "no server"),
        ("bossdb://host/lab/brain", "no channel|no server"),
        ("bossdb://host/lab/brain/em/more", "no channel"),
        ("bossdb://host/lab//em", "no channel"),
        ("bossdb:///lab/brain/em", "no channel"),
        ("bossdb://ho st/lab/brain/em", "no channel"),
        ("bossdb://host/lab/brain/em?level=-1", "level"),
        ("bossdb://host/lab/brain/em?t=4:4", "no time point"),
        ("bossdb://host/lab/brain/em?scale=4", "scale"),
        ("bossdb://host/lab/brain/em?level=1&level=2", "twice"),
        ("bossdb://me:secret@host/lab/brain/em", "password"),
        ("bossdb://host/lab/brain/em?token=abc", "credentials"),
    ],
)
def test_malformed_addresses(location: str, words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        open_source(location)


def test_names_with_spaces() -> None:
    found = parse_location("bossdb+http://h:80/a%20b/c/d%2Fe")
    assert found is not None
    assert (found.server, found.names) == ("http://h:80", ("a b", "c", "d/e"))
    assert found.resource == "a%20b/c/d%2Fe"


def test_a_server_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    fails("bossdb+http://127.0.0.1:9/lab/brain/em", "in vain", "3 times", "check the address")


def test_certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOXLAKE_STORE_RETRIES", "0")
    file = make_certificate(tmp_path / "own.pem")
    with run_bossdb(BossDB(IMAGE), file) as boss:
        secure = boss.location.replace("bossdb+https:", "bossdb:")
        assert secure.startswith("bossdb://")
        fails(secure, "certificate")
        assert not boss.asked
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
        assert_whole(open_source(secure), IMAGE[0])


NUMBERS = st.one_of(
    st.integers(-(1 << 70), 1 << 70), st.floats(), st.none(), st.text(max_size=9), st.integers(0, 2)
)
TRIPLES = st.lists(NUMBERS, min_size=3, max_size=3)
LEVELS = st.dictionaries(st.sampled_from(["0", "1", "x", "9" * 5000]), TRIPLES, max_size=3)


@settings(max_examples=20)
@given(
    frame=st.dictionaries(st.sampled_from(["x_start", "y_stop", "z_voxel_size"]), NUMBERS),
    experiment=st.dictionaries(st.sampled_from(["num_time_samples", "time_step"]), NUMBERS),
    levels=st.fixed_dictionaries({}, optional={"extent": LEVELS, "voxel_size": LEVELS}),
    level=st.sampled_from(["", "?level=0", "?level=1", "?t=0:1"]),
)
def test_whatever_it_says(
    boss: BossDB,
    frame: dict[str, object],
    experiment: dict[str, object],
    levels: dict[str, object],
    level: str,
) -> None:
    boss.frame, boss.experiment, boss.levels = frame, experiment, levels
    try:
        source = open_source(boss.location + level)
    except SourceError:
        return
    assert min(source.shape) > 0
    assert source.calibration.voxel_size is not None
    assert source.calibration.time is None or source.calibration.time.step > 0


INTERN = """[Default]
protocol = {protocol}
host = {host}
token = of%the-file
[Volume Service]
protocol = https
host = other.example.org
token = of-the-other
"""


def test_tokens_go_to_their_own_server(
    boss: BossDB, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = boss.address.removeprefix("http://")
    boss.token = "of%the-file"
    fails(boss.location, "403", "without a token")
    file = tmp_path / ".intern/intern.cfg"
    file.parent.mkdir()
    file.write_text(INTERN.format(protocol="http", host=host))
    assert_whole(open_source(boss.location), IMAGE[0])
    assert token_for("https://other.example.org") == "of-the-other"
    assert token_for(f"https://{host}") == token_for("http://other.example.org") == "public"
    for name, value in (("HOST", "third.example.org"), ("TOKEN", "of-the-variable")):
        monkeypatch.setenv(f"INTERN_{name}", value)
    assert token_for("https://third.example.org") == "of-the-variable"
    assert token_for("http://third.example.org") == "public"
    assert token_for("https://other.example.org") == "of-the-other"


def test_a_broken_file_of_tokens_is_not_repeated(boss: BossDB, tmp_path: Path) -> None:
    file = tmp_path / ".intern/intern.cfg"
    file.parent.mkdir()
    file.write_text("[Default]\nnobody-should-see-this\n")
    with pytest.raises(SourceError, match=r"intern\.cfg cannot be read") as caught:
        open_source(boss.location)
    assert "nobody" not in str(caught.value)
    assert caught.value.__suppress_context__
