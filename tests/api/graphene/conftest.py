"""A gateway over labels of blocks, whose supervoxels and neighbours are known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx2
import numpy as np
import pytest
from tests.api.conftest import TOKEN, run_app
from tests.api.lakes import Sample, Voxels, add_sample

from voxlake.api.app import create_app
from voxlake.api.identity.local import LocalIdentity
from voxlake.ngff.grid.box import Box
from voxlake.ngff.grid.layout import Kind
from voxlake.platform.access import Role
from voxlake.platform.catalog import open_catalog
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SHAPE = (20, 45, 70)
LARGEST = 2**56 - 1
BLOCKS = {
    1: Box((0, 0, 0), (20, 10, 10)),
    2: Box((0, 0, 10), (20, 10, 40)),
    3: Box((5, 12, 30), (15, 40, 50)),
    4: Box((2, 20, 2), (9, 44, 20)),
    LARGEST: Box((0, 40, 55), (20, 45, 70)),
}
"""Supervoxels, each a block."""
TABLE = "lab.brain.cells"


@dataclass(frozen=True, slots=True)
class Graphs:
    """A gateway, and what its labels are."""

    url: str
    index: StoreURL
    voxels: Voxels
    ann: httpx2.Client
    """Who may merge."""
    nobody: httpx2.Client
    secret: str
    """Of Ann."""

    def get(self, path: str, **query: Any) -> Any:
        """Return what is answered below the table."""
        return answered(self.ann.get(f"{API}/{path}", params=query))

    def post(self, path: str, body: Any, **query: Any) -> Any:
        """Return what is answered below the table."""
        return answered(self.ann.post(f"{API}/{path}", json=body, params=query))

    def root(self, label: int) -> int:
        """Return the root of a supervoxel."""
        return int(self.get(f"node/{node_of(label)}/root")["root_id"])

    def leaves(self, root: int, **query: Any) -> set[int]:
        """Return the labels of the supervoxels of a root."""
        found = self.get(f"node/{root}/leaves", **query)["leaf_ids"]
        assert [leaf >> 56 for leaf in found] == [1] * len(found)
        return {leaf % (1 << 56) for leaf in found}


API = f"/segmentation/api/v1/table/{TABLE}"


def answered(answer: httpx2.Response) -> Any:
    """Return the JSON of an answer that is no error."""
    assert answer.status_code == 200, answer.text
    return answer.json()


def node_of(label: int) -> int:
    """Return the id of a supervoxel."""
    return (1 << 56) | label


def chosen(label: int) -> list[Any]:
    """Return a supervoxel as it is chosen, by text, with any point."""
    return [str(node_of(label)), 0.5, 1, 2]


@pytest.fixture
def graphs(tmp_path: Path) -> Iterator[Graphs]:
    voxels = np.zeros(SHAPE, np.uint64)
    for label, box in BLOCKS.items():
        voxels[box.slices] = label
    lake, chosen_settings = StoreURL.parse(str(tmp_path / "lake")), Settings()
    with open_catalog(lake, chosen_settings) as catalog:
        add_sample(lake, catalog, Sample("lab/brain/cells", voxels, Kind.LABELS, public=True))
        huge = Sample("lab/brain/huge", np.where(voxels == 1, 2**56, voxels), Kind.LABELS)
        add_sample(lake, catalog, huge)
        catalog.people.add_user("ann")
        catalog.shares.share(["lab"], "ann", Role.ANNOTATOR)
        _, secret = catalog.tokens.make("ann", "test")
        app = create_app(chosen_settings, lake, catalog, LocalIdentity(TOKEN))
        headers = {"Authorization": f"Bearer {secret}"}
        with (
            run_app(app) as url,
            httpx2.Client(base_url=url, headers=headers, timeout=30) as ann,
            httpx2.Client(base_url=url, timeout=30) as nobody,
        ):
            index = lake / "lab/brain/cells.index"
            yield Graphs(url, index, voxels, ann, nobody, secret)
