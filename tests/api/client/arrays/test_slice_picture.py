"""Pictures in notebooks are those of the gateway, pixel for pixel, whichever way voxels come."""

from __future__ import annotations

import base64
import io
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image
from tests.api.conftest import TOKEN, run_app
from tests.api.lakes import Sample, add_sample, image_voxels, label_voxels

from voxlake.api.app import create_app
from voxlake.api.identity.local import LocalIdentity
from voxlake.client import Gateway, connect
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.metadata.channels import Channel, Window
from voxlake.platform.catalog import open_catalog
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SHAPE = (9, 40, 50)
WIDE = image_voxels(SHAPE, 3, "uint16")
NOISE = np.random.default_rng(5).normal(0, 1000, SHAPE).astype(np.float32)
NOISE[4, 3, 3:6] = np.nan, np.inf, -np.inf
SAID = Channel(color="FFFFFF", window=Window(100, 2000, 0, 4095))
SAMPLES = [
    Sample("lab/brain/bytes", image_voxels(SHAPE)),
    Sample("lab/brain/wide", WIDE),
    Sample("lab/brain/said", WIDE, channels=(SAID,)),
    Sample("lab/brain/noise", NOISE),
    Sample("lab/brain/flat", np.full(SHAPE, -7, np.int16)),
    Sample("lab/brain/dyes", np.stack([WIDE, WIDE[::-1] // 2]), axes=("c", "z", "y", "x")),
    Sample("lab/brain/cells", label_voxels(SHAPE, 3), Kind.LABELS),
]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[StoreURL, str]]:
    """Where the samples lie, and a gateway that serves them."""
    folder: Path = tmp_path_factory.mktemp("pictures")
    url, settings = StoreURL.parse(str(folder / "lake")), Settings()
    with open_catalog(url, settings) as catalog:
        for sample in SAMPLES:
            add_sample(url, catalog, sample)
        identity = LocalIdentity(TOKEN, "voxlake-session-test")
        with run_app(create_app(settings, url, catalog, identity)) as gateway:
            yield url, gateway


def _pixels(png: bytes) -> Any:
    return np.asarray(Image.open(io.BytesIO(png)))


def _shown(page: str | None) -> Any:
    assert page is not None
    found = re.search(r"data:image/png;base64,([A-Za-z0-9+/=]+)", page)
    assert found is not None
    return _pixels(base64.b64decode(found[1]))


@pytest.mark.parametrize("name", [each.name for each in SAMPLES])
def test_a_notebook_shows_what_the_gateway_draws(lake: tuple[StoreURL, str], name: str) -> None:
    store, url = lake
    with Gateway(url, TOKEN) as gateway:
        drawn = _pixels(gateway.picture(name, "4:5,:,:"))
        over_http = _shown(gateway[name]._repr_html_())
    assert len(np.unique(drawn)) > 1 or name.endswith("flat")
    np.testing.assert_array_equal(over_http, drawn)
    np.testing.assert_array_equal(_shown(connect(str(store))[name]._repr_html_()), drawn)


def test_what_metadata_say_is_drawn(lake: tuple[StoreURL, str]) -> None:
    store, _ = lake
    said, found = (
        _shown(connect(str(store))[f"lab/brain/{name}"]._repr_html_()) for name in ("said", "wide")
    )
    assert not np.array_equal(said, found)
    np.testing.assert_array_equal(said == 0, 255 * (WIDE[4] - 100.0) < 0.5 * 1900)
