"""A gateway with labels that requests change, and people with more and less rights."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx2
import numpy as np
from hypothesis import strategies as st
from tests.api.conftest import run_app
from tests.api.lakes import Sample, Voxels, add_sample, image_voxels, label_voxels

from voxlake.api.app import create_app
from voxlake.api.identity.local import LocalIdentity
from voxlake.ngff.grid.box import Box
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.labels.handle import Labels
from voxlake.ngff.labels.upkeep.compaction import compact
from voxlake.ngff.lake import Place
from voxlake.ngff.volume import Volume, open_volume
from voxlake.platform.catalog import Catalog, open_catalog
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


SHAPE = (33, 41, 50)
LIMIT_BYTES = 1 << 20
LARGEST = (1 << 64) - 1
IDS = [1, 2, 3, (1 << 53) + 1, LARGEST]


@dataclass(frozen=True, slots=True)
class Labelled:
    """A gateway that runs, and the labels ``lab/brain/cells`` (public) and ``draft`` in it."""

    url: str
    app: Any
    lake: StoreURL
    catalog: Catalog
    voxels: Voxels
    """Of both."""
    tokens: dict[str, str] = field(default_factory=dict)
    """By the names of users."""

    def client(self, user: str = "ana", **headers: str) -> httpx2.Client:
        """Return a client: ana owns everything, others may read what is public."""
        named = {"Authorization": f"Bearer {self.token(user)}"} if user else {}
        return httpx2.Client(
            base_url=f"{self.url}/v2/datasets/lab/brain/", headers={**named, **headers}, timeout=60
        )

    def token(self, user: str) -> str:
        """Return a token of a user, who is added at the first call."""
        if user not in self.tokens:
            self.catalog.people.add_user(user, administrator=user == "ana")
            _, self.tokens[user] = self.catalog.tokens.make(user, "test")
        return self.tokens[user]

    def opened(self, name: str = "cells") -> tuple[Volume, StoreURL]:
        """Return level 0 and the label index of labels, as the store has them."""
        place = Place(DatasetName("lab", "brain", name), Kind.LABELS, "em")
        return open_volume(self.lake / place.key / "0"), self.lake / place.index_key


@contextmanager
def labelled_gateway(folder: Path) -> Iterator[Labelled]:
    """Serve a lake of its own."""
    lake = StoreURL.parse(str(folder / "lake"))
    settings = Settings(cutout_limit_bytes=LIMIT_BYTES, failed_logins_per_minute=0)
    voxels = label_voxels(SHAPE, 3)
    samples = [
        Sample("lab/brain/em", image_voxels(SHAPE), public=True),
        Sample("lab/brain/cells", voxels, Kind.LABELS, of="em", public=True),
        Sample("lab/brain/draft", voxels, Kind.LABELS, of="em"),
    ]
    with open_catalog(lake, settings) as catalog:
        for sample in samples:
            add_sample(lake, catalog, sample)
        app = create_app(settings, lake, catalog, LocalIdentity("unused"))
        with run_app(app) as url:
            served = Labelled(url, app, lake, catalog, voxels)
            compact(Labels(*served.opened()))
            yield served


def brute_bodies(voxels: Voxels, owners: dict[int, int]) -> Voxels:
    """Return the body of each voxel, one label after the other."""
    found = voxels.astype(np.uint64)
    for label, body in owners.items():
        found[voxels == np.uint64(label)] = body
    return found


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    """Draw a box inside SHAPE."""
    ends = [sorted(draw(st.sets(st.integers(0, n), min_size=2, max_size=2))) for n in SHAPE]
    return Box(tuple(lo for lo, _ in ends), tuple(hi for _, hi in ends))


def query_of(box: Box) -> dict[str, str]:
    """Return a box as a query."""
    ends = zip("zyx", box.start, box.stop, strict=True)
    return {axis: f"{lo}:{hi}" for axis, lo, hi in ends}


def assert_only_some_may(
    labelled: Labelled, changes: list[tuple[str, str, dict[str, Any] | None]], told: set[int]
) -> None:
    """Ask for `changes` that are wrong: only who may is `told` what is wrong with them."""
    with labelled.client("") as nobody, labelled.client("bob") as bob, labelled.client() as ana:
        for method, path, body in changes:
            assert nobody.request(method, f"cells/{path}", json=body).status_code == 401, path
            assert bob.request(method, f"cells/{path}", json=body).status_code == 403, path
            for name in ("draft", "absent"):
                assert nobody.request(method, f"{name}/{path}", json=body).status_code == 401
                assert bob.request(method, f"{name}/{path}", json=body).status_code == 404
            assert ana.request(method, f"cells/{path}", json=body).status_code in told, path


def ask_of_bodies(client: httpx2.Client) -> None:
    """Have a client say ``bodies`` with every question in an address; bodies of requests do."""

    def without_query(request: httpx2.Request) -> None:
        if request.method == "POST":
            request.url = request.url.copy_with(query=None)

    client.params = client.params.set("bodies", "true")
    client.event_hooks = {"request": [without_query]}
