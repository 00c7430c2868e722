"""Neuroglancer's `boss://` layers, request by request, as its source sends them; NumPy judges.

``src/datasource/boss/{frontend,backend}.ts`` and ``computeChunkBounds`` of version 2.41.2: all is
asked for by nobody in particular first, and by a bearer's token where that is refused.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from io import BytesIO
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from imagecodecs import jpeg8_decode
from tests.api.conftest import TOKEN, Served, run_app
from tests.api.lakes import Sample, add_sample, image_voxels, label_voxels

from voxlake.api.app import create_app
from voxlake.api.identity.local import LocalIdentity
from voxlake.ngff.grid.layout import Kind
from voxlake.platform.access import Role
from voxlake.platform.catalog import open_catalog
from voxlake.platform.catalog.data.frames import Frame
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

CUBOID = (512, 512, 16)
SHAPE = (20, 530, 520)
"""There are whole chunks, and such as each face of the volume clips."""
ACCEPT = {"npz": "application/npygz", "jpeg": "image/jpeg"}
FRAME = Frame("early", (-4, 0, -7), (16, 530, 600), (30.0, 8.0, 8.0), "nanometer", "")
VIEWER = "https://neuroglancer-demo.appspot.com"


def smooth() -> Any:
    """Return an image that JPEG keeps."""
    z, y, x = np.ogrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    return ((z * 5 + y // 4 + x // 8) % 250).astype(np.uint8)


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A gateway over what is larger than a chunk of bossDB."""
    lake = StoreURL.parse(str(tmp_path_factory.mktemp("wide") / "lake"))
    chosen = Settings(failed_logins_per_minute=0)
    made = [
        Sample("lab/open/em", smooth(), public=True, small=False),
        Sample("lab/open/cells", label_voxels(SHAPE), Kind.LABELS, public=True, small=False),
        Sample("lab/shut/deep", image_voxels(SHAPE, 3, "uint16"), small=False),
        Sample("lab/early/em", smooth(), public=True, small=False),
        Sample("lab/early/flat", smooth(), public=True, small=False, levels=1),
    ]
    with open_catalog(lake, chosen) as catalog:
        for sample in made:
            add_sample(lake, catalog, sample)
        # It asks for the experiment first, and is told of the channels that everybody may read.
        for experiment in ("open", "early"):
            catalog.shares.share(["lab", experiment], "public", Role.VIEWER)
        catalog.frames.add(FRAME)
        catalog.collections.set_frame(("lab", "early"), FRAME.name)
        identity = LocalIdentity(TOKEN, "voxlake-session-test")
        app = create_app(chosen, lake, catalog, identity)
        with run_app(app) as url:
            voxels = {sample.name: sample.voxels for sample in made}
            yield Served(url, lake, catalog, app, identity, voxels)


@pytest.fixture
def client(wide: Served) -> Iterator[httpx2.Client]:
    """Requests of nobody in particular, of a page of another site."""
    with wide.client() as client:
        client.headers["Origin"] = VIEWER
        yield client


@dataclass
class Layer:
    """A layer, which knows no more than what it is told."""

    client: httpx2.Client
    name: str
    statuses: set[int] = field(default_factory=set)

    def ask(self, path: str, **headers: str) -> httpx2.Response:
        """Return the answer for nobody in particular, or else for the bearer of a token."""
        answer = self.client.get(f"/latest/{path}", headers=headers)
        assert answer.headers["access-control-allow-origin"] == "*"
        self.statuses.add(answer.status_code)
        if answer.status_code in {401, 403, 500, 504}:
            headers["Authorization"] = f"Bearer {TOKEN}"
            answer = self.client.get(f"/latest/{path}", headers=headers)
        assert answer.status_code == 200, (path, answer.text)
        return answer

    def describe(self) -> tuple[Any, Any, Any]:
        """Return the channel, its frame and its levels."""
        collection, experiment, channel = self.name.split("/")
        above = f"collection/{collection}/experiment/{experiment}"
        told = self.ask(f"{above}/").json()
        assert isinstance(told["num_hierarchy_levels"], int)
        channels = {each: self.ask(f"{above}/channel/{each}/").json() for each in told["channels"]}
        frame = self.ask(f"coord/{told['coord_frame']}/").json()
        assert frame["voxel_unit"] in {"nanometers", "micrometers", "millimeters", "centimeters"}
        levels = self.ask(f"downsample/{self.name}").json()
        return channels[channel], frame, levels

    def volumes(self, encoding: str | None = None, query: str = "") -> list[Any]:
        """Return the voxels z, y, x of each level that the layer would draw."""
        channel, frame, levels = self.describe()
        number = levels["num_hierarchy_levels"]
        assert {*levels["voxel_size"], *levels["extent"]} == {*map(str, range(number))}
        encoding = encoding or ("jpeg" if channel["datatype"] == "uint8" else "npz")
        drawn = number if channel["downsample_status"] == "DOWNSAMPLED" else 1
        start = [frame[f"{axis}_start"] for axis in "xyz"]
        return [
            self._level(level, levels["extent"][str(level)], start, (encoding, query), channel)
            for level in range(drawn)
        ]

    def _level(
        self, level: int, extent: list[int], start: list[int], how: tuple[str, str], channel: Any
    ) -> Any:
        whole = np.zeros(extent[::-1], channel["datatype"])
        grid = [range(-(-n // size)) for n, size in zip(extent, CUBOID, strict=True)]
        for place in product(*grid):
            lows = [n * size for n, size in zip(place, CUBOID, strict=True)]
            highs = [min(lo + n, most) for lo, n, most in zip(lows, CUBOID, extent, strict=True)]
            ranges = "/".join(
                f"{lo + first}:{hi + first}"
                for lo, hi, first in zip(lows, highs, start, strict=True)
            )
            encoding, query = how
            path = f"cutout/{self.name}/{level}/{ranges}/{query}"
            answer = self.ask(path, Accept=ACCEPT[encoding])
            shape = [hi - lo for lo, hi in zip(lows, highs, strict=True)][::-1]
            block = tuple(slice(lo, hi) for lo, hi in zip(lows, highs, strict=True))[::-1]
            whole[block] = decode(answer, encoding, shape, channel["datatype"])
        return whole


def decode(answer: httpx2.Response, encoding: str, shape: list[int], dtype: str) -> Any:
    """Return the voxels of a chunk; it must be as large as it was asked for."""
    assert answer.headers["content-type"] == ACCEPT[encoding]
    if encoding == "jpeg":
        return jpeg8_decode(answer.content).reshape(shape)
    found = np.load(BytesIO(zlib.decompress(answer.content)))
    assert found.shape == tuple(shape)
    assert found.dtype.name == dtype
    assert np.isfortran(found) is False
    return found


def close(found: Any, want: Any) -> None:
    """Hold that JPEG has kept an image."""
    assert found.shape == want.shape
    assert np.abs(found.astype(int) - want).mean() < 3


def test_an_image_is_drawn_from_pictures(wide: Served, client: httpx2.Client) -> None:
    layer = Layer(client, "lab/open/em")
    fine, coarse = layer.volumes()
    close(fine, wide.voxels["lab/open/em"])
    close(coarse, wide.voxels["lab/open/em"][:, ::2, ::2])
    assert layer.statuses == {200}


@pytest.mark.parametrize("query", ["", "?window=0,200"])
def test_an_image_exactly(wide: Served, client: httpx2.Client, query: str) -> None:
    fine, coarse = Layer(client, "lab/open/em").volumes("npz", query)
    np.testing.assert_array_equal(fine, wide.voxels["lab/open/em"])
    np.testing.assert_array_equal(coarse, wide.voxels["lab/open/em"][:, ::2, ::2])


def test_annotations(wide: Served, client: httpx2.Client) -> None:
    fine, coarse = Layer(client, "lab/open/cells").volumes()
    np.testing.assert_array_equal(fine, wide.voxels["lab/open/cells"])
    np.testing.assert_array_equal(coarse, wide.voxels["lab/open/cells"][:, ::2, ::2])


def test_what_is_private_is_read_by_a_bearer(wide: Served, client: httpx2.Client) -> None:
    layer = Layer(client, "lab/shut/deep")
    fine, _ = layer.volumes()
    np.testing.assert_array_equal(fine, wide.voxels["lab/shut/deep"])
    assert 401 in layer.statuses
    assert layer.statuses <= {200, 401}


@pytest.mark.parametrize("name", ["lab/early/em", "lab/early/flat"])
def test_frames_that_begin_below_zero(wide: Served, client: httpx2.Client, name: str) -> None:
    fine = Layer(client, name).volumes("npz")[0]
    np.testing.assert_array_equal(fine, wide.voxels[name])


def test_levels_are_where_the_viewer_takes_them_to_be(wide: Served, client: httpx2.Client) -> None:
    # It asks for a level from the start of the frame on, and draws that at the start times the
    # factor: where the frame begins at x -7 the first three coarse voxels lie before it.
    coarse = Layer(client, "lab/early/em").volumes("npz")[1]
    want = np.zeros_like(coarse)
    want[:, :, 3:] = wide.voxels["lab/early/em"][:, ::2, :-6:2]
    np.testing.assert_array_equal(coarse, want)


def test_a_page_may_send_its_token(client: httpx2.Client) -> None:
    asked = {
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "authorization",
    }
    answer = client.options("/latest/collection/lab/experiment/shut/", headers=asked)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    allowed = answer.headers["access-control-allow-headers"].lower()
    assert "authorization" in allowed
