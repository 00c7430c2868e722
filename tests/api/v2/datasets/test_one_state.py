"""Body and headers are of one state, whatever changes while they are made.

After each look at the state of the index the labels are written and compacted anew, and after each
look at the mapping it is changed. An answer that looked twice would mix what never was together.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
from tests.api.labelled import SHAPE, Labelled, ask_of_bodies, brute_bodies, labelled_gateway
from tests.ngff.labels.queries.samples import decode_rles
from tests.ngff.labels.writing import write_labels
from ulid import ULID

from voxlake.api.data import opened
from voxlake.api.data.labels import labels as label_data
from voxlake.api.data.labels.mappings import newest_mapping
from voxlake.ngff.grid.box import Box
from voxlake.ngff.labels import state
from voxlake.ngff.labels.handle import Labels
from voxlake.ngff.labels.mapping.changes import cleave, merge
from voxlake.ngff.labels.mapping.mapping import open_mapping
from voxlake.ngff.labels.segments.manifest import newest_manifest
from voxlake.ngff.labels.upkeep.compaction import compact
from voxlake.platform import store

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

    from voxlake.ngff.labels.mapping.mapping import Mapping
    from voxlake.ngff.labels.state import IndexState
    from voxlake.ngff.volume import Volume
    from voxlake.platform.catalog import DatasetRecord
    from voxlake.platform.store import StoreURL

LABEL, MEMBER = 1, 2
ROWS = 2
"""By how many lines of voxels the label grows at each step."""


@dataclass
class Moving:
    """Labels that move on after each look at them."""

    volume: Volume
    index: StoreURL
    voxels: dict[str, Any] = field(default_factory=dict)
    """As they were when each manifest was made."""
    owners: dict[int, dict[int, int]] = field(default_factory=dict)
    """By number of the mapping."""
    looks: int = 0
    """At the index since they were counted."""
    mappings: int = 0
    step: int = 0

    def grow(self) -> None:
        """Write, and compact: another manifest counts."""
        self.step += 1
        box = Box((0, 0, 0), (1, ROWS * self.step, SHAPE[2]))
        write_labels(self.volume, self.index, box, np.full(box.shape, LABEL, np.uint64))
        compact(Labels(self.volume, self.index))
        newest = newest_manifest(self.index)
        assert newest is not None
        self.voxels[newest.made.isoformat()] = self.now()

    def change(self) -> None:
        """Merge two bodies, or part them again: another mapping counts."""
        if open_mapping(self.index).number % 2:
            cleave(self.index, LABEL, [MEMBER])
        else:
            merge(self.index, [LABEL, MEMBER])
        number = open_mapping(self.index).number
        self.owners[number] = {MEMBER: LABEL} if number % 2 else {}

    def now(self) -> Any:
        """Return the voxels as they are."""
        return self.volume.read(self.volume.box).result()

    def told(self, answer: httpx2.Response, *, latest: bool = False) -> Any:
        """Return the voxels that an answer says to be of; they were looked at once."""
        assert answer.status_code == 200, answer.text
        assert (self.looks, self.mappings) == (0 if latest else 1, 1)
        self.looks = self.mappings = 0
        headers = answer.headers
        assert headers["x-index-consistency"] == ("latest" if latest else "snapshot")
        assert ("x-index-as-of" in headers) is not latest
        voxels = self.now() if latest else self.voxels[headers["x-index-as-of"]]
        return brute_bodies(voxels, self.owners[int(headers["x-voxlake-mapping"])])


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Labelled]:
    with labelled_gateway(tmp_path_factory.mktemp("moving")) as served:
        yield served


@pytest.fixture
def moving(labelled: Labelled, monkeypatch: pytest.MonkeyPatch) -> Iterator[Moving]:
    """The labels `draft`, while a job changes all labels: answers are snapshots."""
    labels = Moving(*labelled.opened("draft"))
    compact(Labels(labels.volume, labels.index))
    marker = labels.index / "dirty" / f"all.{ULID()}"
    store.write(marker, b"{}")
    labels.grow()
    labels.change()
    in_force = state.in_force

    def look(asked: Labels) -> IndexState:
        found = in_force(asked)
        labels.looks += 1
        labels.grow()
        return found

    async def look_at_mapping(record: DatasetRecord, index_url: StoreURL) -> Mapping:
        found = await newest_mapping(record, index_url)
        labels.mappings += 1
        labels.change()
        return found

    with monkeypatch.context() as patch:
        patch.setattr(state, "in_force", look)
        for reader in (label_data, opened):
            patch.setattr(reader, "newest_mapping", look_at_mapping)
        yield labels
    store.delete(marker)


@pytest.fixture
def ana(labelled: Labelled) -> Iterator[httpx2.Client]:
    with labelled.client() as client:
        ask_of_bodies(client)
        yield client


def sizes(voxels: Any) -> dict[int, int]:
    """Return how many voxels each label has."""
    labels, counts = np.unique(voxels[voxels != 0], return_counts=True)
    return dict(zip(labels.tolist(), counts.tolist(), strict=True))


@pytest.mark.parametrize("turn", range(2))
def test_what_the_index_says(moving: Moving, ana: httpx2.Client, turn: int) -> None:
    for _ in range(turn):
        moving.change()
    answer = ana.get(f"draft/labels/{LABEL}")
    where = np.argwhere(moving.told(answer) == LABEL)
    document = answer.json()
    ends = np.transpose([where.min(axis=0), where.max(axis=0) + 1]).tolist()
    assert (document["voxels"], list(document["box"].values())) == (len(where), ends)
    assert document["chunks"] == len(np.unique(where // 16, axis=0))
    assert document["as_of"].replace("Z", "+00:00") == answer.headers["x-index-as-of"]
    assert str(document["mapping"]) == answer.headers["x-voxlake-mapping"]
    answer = ana.get(f"draft/labels/{LABEL}/chunks")
    where = np.argwhere(moving.told(answer) == LABEL)
    assert answer.json()["cells"] == np.unique(where // 16, axis=0).tolist()
    answer = ana.get("draft/labels/top", params={"n": 9})
    expected = sizes(moving.told(answer))
    assert {int(one["label"]): one["voxels"] for one in answer.json()["labels"]} == expected
    answer = ana.get("draft/labels/top", params={"n": 9, "format": "arrow"})
    table = pa.ipc.open_stream(answer.content).read_all()
    expected = sizes(moving.told(answer))
    assert dict(zip(table["label"].to_pylist(), table["voxels"].to_pylist())) == expected  # noqa: B905
    asked = {"labels": [LABEL, MEMBER], "bodies": True}
    answer = ana.post("draft/labels/lookup", json=asked)
    expected = sizes(moving.told(answer))
    assert {int(one["label"]): one["voxels"] for one in answer.json()["labels"]} == {
        label: expected[label] for label in (LABEL, MEMBER) if label in expected
    }


def test_voxels_are_read_as_they_are_by_then(moving: Moving, ana: httpx2.Client) -> None:
    """In the shards where the state has the label: it grew there, so all that is new counts."""
    answer = ana.get(f"draft/labels/{LABEL}/sparse-volume", params={"format": "rles"})
    number = int(answer.headers["x-voxlake-mapping"])
    moving.told(answer)
    voxels = brute_bodies(moving.now(), moving.owners[number])
    assert sum(run[3] for run in decode_rles(answer.content)) == sizes(voxels)[LABEL]
    answer = ana.get(f"draft/labels/{LABEL}", params={"point": True})
    number = int(answer.headers["x-voxlake-mapping"])
    moving.told(answer)
    point = tuple(answer.json()["point"])
    assert brute_bodies(moving.now(), moving.owners[number])[point] == LABEL
    answer = ana.get(f"draft/labels/{LABEL}/points", params={"count": 30})
    number = int(answer.headers["x-voxlake-mapping"])
    moving.told(answer)
    drawn = tuple(np.transpose(answer.json()["points"]))
    assert (brute_bodies(moving.now(), moving.owners[number])[drawn] == LABEL).all()
    box = {"z": "0:2", "y": "0:41", "x": "0:50"}
    answer = ana.get(f"draft/labels/{LABEL}/mask", params={**box, "format": "raw"})
    number = int(answer.headers["x-voxlake-mapping"])
    moving.told(answer)
    voxels = brute_bodies(moving.now(), moving.owners[number])[:2]
    assert answer.content == (voxels == LABEL).astype(np.uint8).tobytes()


def test_what_voxels_say_is_the_latest(moving: Moving, ana: httpx2.Client) -> None:
    answer = ana.get("draft/labels", params={"counts": True})
    document = answer.json()
    expected = sizes(moving.told(answer, latest=True))
    assert dict(zip(map(int, document["labels"]), document["counts"], strict=True)) == expected
    assert str(document["mapping"]) == answer.headers["x-voxlake-mapping"]
    points = np.random.default_rng(3).integers(0, SHAPE, (50, 3))
    asked = {"points": points.tolist(), "bodies": True}
    document = ana.post("draft/labels/points", json=asked).json()
    voxels = brute_bodies(moving.now(), moving.owners[document["mapping"]])
    assert document["labels"] == list(map(str, voxels[tuple(points.T)].tolist()))
