"""A lake for bossDB's clients, and intern, such a client as it is, at its gateway."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests.api.conftest import LIMIT_BYTES, SHAPE, TOKEN, VAST, Served, run_app
from tests.api.lakes import Sample, add_sample, image_voxels, label_voxels

from voxlake.api.app import create_app
from voxlake.api.identity.local import LocalIdentity
from voxlake.ngff.grid.layout import Kind
from voxlake.platform.catalog import open_catalog
from voxlake.platform.catalog.data.frames import Frame
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

with warnings.catch_warnings():
    # It is older than this Python.
    warnings.simplefilter("ignore")
    from intern.remote.boss import BossRemote

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

FRAME = Frame("bench", (0, -10, 5), (21, 30, 45), (3.0, 2.0, 1.0), "micrometer", "of light")
"""It begins elsewhere than at 0, and is larger than what lies in it."""


def samples() -> list[Sample]:
    return [
        Sample("lab/brain/em", image_voxels(SHAPE), public=True),
        Sample("lab/brain/cells", label_voxels(SHAPE), Kind.LABELS, of="em", public=True),
        Sample(
            "lab/brain/few", label_voxels(SHAPE, 5).astype(np.uint32) % np.uint32(9), Kind.LABELS
        ),
        Sample("lab/brain/secret", image_voxels(SHAPE, 9, "uint16")),
        Sample("lab/brain/vast", image_voxels((1, 1, 1)), shape=VAST, public=True, levels=1),
        Sample(
            "lab/light/film", image_voxels((3, 20, 33, 37), 4, "uint16"), axes=("t", "z", "y", "x")
        ),
        Sample(
            "lab/light/cells",
            np.stack([label_voxels((20, 33, 37), seed) for seed in (6, 7)]),
            Kind.LABELS,
            axes=("t", "z", "y", "x"),
            indexed=False,
        ),
        Sample(
            "lab/light/dyes",
            image_voxels((2, 20, 33, 37), 4, "uint16"),
            axes=("c", "z", "y", "x"),
        ),
    ]


@pytest.fixture(scope="session")
def bossdb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The gateway."""
    lake = StoreURL.parse(str(tmp_path_factory.mktemp("bossdb") / "lake"))
    settings = Settings(cutout_limit_bytes=LIMIT_BYTES, failed_logins_per_minute=0)
    with open_catalog(lake, settings) as catalog:
        made = samples()
        for sample in made:
            add_sample(lake, catalog, sample)
        catalog.frames.add(FRAME)
        catalog.collections.set_frame(("lab", "light"), FRAME.name)
        identity = LocalIdentity(TOKEN, "voxlake-session-test")
        app = create_app(settings, lake, catalog, identity)
        with run_app(app) as url:
            voxels = {sample.name: sample.voxels for sample in made}
            yield Served(url, lake, catalog, app, identity, voxels)


@pytest.fixture
def empty(lake: StoreURL) -> Iterator[Served]:
    """A gateway without anything."""
    with open_catalog(lake, Settings()) as catalog:
        identity = LocalIdentity(TOKEN, "voxlake-session-test")
        app = create_app(Settings(), lake, catalog, identity)
        with run_app(app) as url:
            yield Served(url, lake, catalog, app, identity, {})


@pytest.fixture(scope="session")
def web(bossdb: Served) -> Iterator[httpx2.Client]:
    """Plain requests of the owner, in the words of bossDB's clients."""
    with bossdb.client() as client:
        client.headers["Authorization"] = f"Token {TOKEN}"
        yield client


@pytest.fixture(scope="session")
def nobody(bossdb: Served) -> Iterator[httpx2.Client]:
    """Plain requests of nobody in particular."""
    with bossdb.client() as client:
        yield client


@pytest.fixture(scope="session")
def boss(bossdb: Served) -> Any:
    """The owner's intern."""
    return remote(bossdb, TOKEN)


@pytest.fixture(scope="session")
def public_boss(bossdb: Served) -> Any:
    """The intern of nobody in particular."""
    return remote(bossdb, "public")


def remote(served: Served, token: str) -> Any:
    """Return intern's client, asking by a token."""
    host = served.url.removeprefix("http://")
    return BossRemote({"protocol": "http", "host": host, "token": token})
