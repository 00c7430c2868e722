"""A real gateway on a real socket, over a small lake."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
import uvicorn
from tests.api.lakes import Sample, Voxels, add_sample, image_voxels, label_voxels

from voxlake.api.app import create_app
from voxlake.api.http.limits import refusals
from voxlake.api.identity.local import LocalIdentity
from voxlake.ngff.grid.layout import Kind
from voxlake.platform.catalog import Catalog, open_catalog
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = "voxlake_the-owner-of-the-test-lake"
SHAPE = (45, 67, 71)
VAST = (1 << 17, 1 << 17, 1 << 17)
LIMIT_BYTES = 4 << 20


@pytest.fixture(autouse=True, scope="session")
def _refused_at_once() -> Iterator[None]:
    """What is hidden or absent is said so at once: tests are refused thousands of times."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(refusals, "STEP_SECONDS", 0)
        yield


@dataclass(frozen=True, slots=True)
class Served:
    """A gateway that runs, and what is in its lake."""

    url: str
    lake: StoreURL
    catalog: Catalog
    app: Any
    identity: LocalIdentity
    voxels: dict[str, Voxels]
    """Level 0 of each dataset."""

    def client(self, *, owner: bool = False, **options: Any) -> httpx2.Client:
        """Return a client, of the owner or of nobody in particular."""
        headers = {"Authorization": f"Bearer {TOKEN}"} if owner else {}
        return httpx2.Client(base_url=self.url, headers=headers, timeout=30, **options)

    def zarr(self, name: str, key: str = "") -> str:
        """Return the URL of stored bytes."""
        return f"{self.url}/zarr/{name}/{key}"


@contextmanager
def run_app(app: Any, port: int = 0, **options: Any) -> Iterator[str]:
    """Serve an application from a thread, with options of uvicorn, and yield its URL."""
    config = uvicorn.Config(
        app,
        port=port,
        log_config=None,
        access_log=False,
        lifespan="off",
        proxy_headers=False,
        **options,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 60
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        assert time.monotonic() < deadline, "the server did not start in time"
        time.sleep(0.01)
    listening = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{listening}"
    finally:
        server.should_exit = True
        thread.join(30)


@pytest.fixture(scope="session")
def samples() -> list[Sample]:
    """One public and one private family, and a multichannel image."""
    return [
        Sample("lab/brain/em", image_voxels(SHAPE), public=True),
        Sample("lab/brain/cells", label_voxels(SHAPE), Kind.LABELS, of="em", public=True),
        Sample("lab/brain/draft", label_voxels(SHAPE, 5), Kind.LABELS, of="em"),
        Sample("lab/brain/secret", image_voxels(SHAPE, 9, "uint16")),
        Sample("lab/brain/alone", label_voxels(SHAPE, 7), Kind.LABELS),
        Sample(
            "lab/light/dyes",
            image_voxels((2, 3, 20, 33, 37), 4, "uint16"),
            public=True,
            axes=("t", "c", "z", "y", "x"),
        ),
        Sample("lab/brain/vast", image_voxels((1, 1, 1)), shape=VAST, public=True, levels=1),
    ]


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory, samples: list[Sample]) -> Iterator[Served]:
    """The gateway."""
    lake = StoreURL.parse(str(tmp_path_factory.mktemp("gateway") / "lake"))
    settings = Settings(cutout_limit_bytes=LIMIT_BYTES, failed_logins_per_minute=0)
    with open_catalog(lake, settings) as catalog:
        for sample in samples:
            add_sample(lake, catalog, sample)
        identity = LocalIdentity(TOKEN, "voxlake-session-test")
        app = create_app(settings, lake, catalog, identity)
        voxels = {sample.name: sample.voxels for sample in samples}
        with run_app(app) as url:
            yield Served(url, lake, catalog, app, identity, voxels)


@pytest.fixture(scope="session")
def owner(served: Served) -> Iterator[httpx2.Client]:
    """A client of the owner."""
    with served.client(owner=True) as client:
        yield client


@pytest.fixture(scope="session")
def anonymous(served: Served) -> Iterator[httpx2.Client]:
    """A client of nobody in particular."""
    with served.client() as client:
        yield client
