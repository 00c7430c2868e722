"""Labels and bodies, asked through the client: NumPy and the store are the judges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests.api.client.answering import answering
from tests.api.labelled import LARGEST, SHAPE, Labelled, brute_bodies, labelled_gateway
from tests.ngff.labels.queries.samples import brute_runs, decode_rles

from voxlake.client import Gateway, RemoteLabels
from voxlake.client.http.connection import Connection
from voxlake.ngff.grid.box import Box
from voxlake.ngff.labels.mapping.mapping import open_mapping
from voxlake.ngff.labels.objects.label_object import LabelObject
from voxlake.ngff.labels.objects.reading import list_objects
from voxlake.platform.errors import (
    ConflictError,
    ForbiddenError,
    LimitExceededError,
    NotFoundError,
    StoreError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

CELLS, DRAFT = "lab/brain/cells", "lab/brain/draft"
BOX = Box((3, 5, 7), (30, 33, 41))


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Labelled]:
    with labelled_gateway(tmp_path_factory.mktemp("client")) as served:
        yield served


@pytest.fixture(scope="module")
def gateway(labelled: Labelled) -> Iterator[Gateway]:
    """What ana asks."""
    with Gateway(labelled.url, labelled.token("ana")) as opened:
        yield opened


@pytest.fixture(scope="module")
def bodies(labelled: Labelled, gateway: Gateway) -> RemoteLabels:
    gateway.open_labels(CELLS).merge([3, LARGEST])
    return gateway.open_labels(CELLS, bodies=True)


def check(labels: RemoteLabels, voxels: Any, label: int) -> None:
    """Compare all that is said of one label with NumPy."""
    where = np.argwhere(voxels == np.uint64(label))
    box = Box(tuple(where.min(axis=0).tolist()), tuple((where.max(axis=0) + 1).tolist()))
    extent = labels.extent(label)
    assert (extent.label, extent.voxels, extent.box) == (label, len(where), box)
    assert labels.chunks(label).tolist() == np.unique(where // 16, axis=0).tolist()
    for region in (None, BOX):
        runs = brute_runs(voxels, label, region or Box.of_shape(SHAPE))
        found = labels.runs(label, region).to_pylist()
        assert sorted(tuple(row.values()) for row in found) == runs
        assert decode_rles(labels.sparse_volume(label, "rles", region)) == runs
        mask = labels.mask(label, region)
        assert mask.box == (region or box)
        np.testing.assert_array_equal(mask.voxels, voxels[mask.box.slices] == np.uint64(label))
    points = labels.points(label, 20, 3)
    assert (labels.at(points) == np.uint64(label)).all()
    assert (voxels[tuple(points.T)] == np.uint64(label)).all()


def test_labels(labelled: Labelled, gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    labels, voxels = gateway.open_labels(DRAFT), labelled.voxels
    check(labels, voxels, LARGEST)
    ids, counts = np.unique(voxels[voxels != 0], return_counts=True)
    found = labels.find([*ids.tolist(), 424242])
    assert found["label"].to_pylist() == ids.tolist()
    assert found["voxels"].to_pylist() == counts.tolist()
    largest = labels.largest(2)["label"].to_pylist()
    assert largest == ids[np.lexsort((ids, -counts))[:2]].tolist()
    inside, counted = np.unique(voxels[BOX.slices], return_counts=True)
    assert labels.in_box(BOX)["label"].to_pylist() == inside[inside != 0].tolist()
    assert labels.in_box(BOX, counts=True)["voxels"].to_pylist() == counted[inside != 0].tolist()
    monkeypatch.setattr("voxlake.client.labels.PAGE", 2)
    assert labels.all().equals(labels.find(ids.tolist()))


def test_bodies(labelled: Labelled, gateway: Gateway, bodies: RemoteLabels) -> None:
    voxels = brute_bodies(labelled.voxels, {LARGEST: 3})
    check(bodies, voxels, 3)
    np.testing.assert_array_equal(gateway.cutout(CELLS, BOX, bodies=True), voxels[BOX.slices])
    np.testing.assert_array_equal(gateway.cutout(CELLS, BOX), labelled.voxels[BOX.slices])
    assert bodies.find([3])["chunks"].to_pylist() == [None]
    assert (bodies.body_of(LARGEST), bodies.body_of(1)) == (3, 1)
    assert bodies.supervoxels_of(3).tolist() == [3, LARGEST]
    assert bodies.bodies_of([LARGEST, 1, 3]).tolist() == [3, 1, 3]
    assert bodies.pairs().to_pydict() == {"supervoxel": [LARGEST], "body": [3]}
    ids = np.unique(voxels[voxels != 0]).tolist()
    assert bodies.all()["label"].to_pylist() == ids
    with pytest.raises(NotFoundError, match="belongs to 3"):
        bodies.extent(LARGEST)


def test_changes_of_the_mapping(
    labelled: Labelled, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = gateway.open_labels(DRAFT, bodies=True)
    merged = draft.merge([1, 2, (1 << 53) + 1])
    assert (merged.number, merged.by, merged.into) == (1, "ana", 1)
    assert merged.labels == (2, (1 << 53) + 1)
    split = draft.cleave(1, [2], 9)
    assert (split.kind, split.into, split.labels) == ("cleave", 9, (2,))
    assert open_mapping(labelled.opened("draft")[1]).number == 2
    assert draft.extent(9).voxels == np.count_nonzero(labelled.voxels == 2)
    with pytest.raises(ConflictError, match="belongs to body 9"):
        draft.cleave(1, [2])
    undone = draft.undo(2)
    assert (undone.kind, undone.into, undone.labels, draft.body_of(2)) == ("merge", 1, (9,), 1)
    monkeypatch.setattr("voxlake.client.labels.PAGE", 2)
    assert list(draft.history()) == [merged, split, undone]
    assert list(draft.history(after=2)) == [undone]


def test_objects_of_labels(labelled: Labelled, gateway: Gateway) -> None:
    labels = gateway.open_labels(DRAFT)
    given = LabelObject.model_validate(
        {"id": LARGEST, "type": "neuron", "name": "Tm3", "parent": (1 << 60) + 1, "author": "me"}
    )
    stored = labels.put_object(given)
    assert stored.created is not None
    assert stored.model_copy(update={"created": None, "modified": None}) == given
    assert labels.get_object(LARGEST) == stored
    labels.put_object(LabelObject(id=4))
    assert labels.objects()["id"].to_pylist() == [4, LARGEST]
    assert labels.objects(type="neuron")["name"].to_pylist() == ["Tm3"]
    labels.delete_object(LARGEST)
    assert list_objects(labelled.opened("draft")[1]).table["author"].to_pylist() == ["ana"]
    with pytest.raises(NotFoundError):
        labels.get_object(LARGEST)


def test_objects_of_many_pages(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    labels = gateway.open_labels(CELLS)
    labels.put_objects([LabelObject(id=label, status="new") for label in (1, 2, 3, 7)])
    monkeypatch.setattr("voxlake.client.labels.PAGE", 2)
    assert labels.objects()["id"].to_pylist() == [1, 2, 3, 7]
    found = labels.find_objects([7, 4, 2])
    assert (found["id"].to_pylist(), found["author"].to_pylist()) == ([2, 7], ["ana", "ana"])
    assert {*labels.largest(status="new")["label"].to_pylist()} == {1, 2, 3}
    labels.delete_objects([2, 4])
    assert labels.objects()["id"].to_pylist() == [1, 3, 7]


def test_errors_are_those_of_the_server(labelled: Labelled, gateway: Gateway) -> None:
    with pytest.raises(LimitExceededError, match="ids end"):
        gateway.open_labels(CELLS).reserve(3)
    with Gateway(labelled.url, labelled.token("bob")) as stranger:
        with pytest.raises(ForbiddenError):
            stranger.open_labels(CELLS).reserve(3)
        with pytest.raises(NotFoundError):
            stranger.open_labels(DRAFT).extent(1)


def test_a_torn_table_is_a_failure() -> None:
    with answering(200, b"no Arrow") as url, pytest.raises(StoreError, match="no Arrow stream"):
        RemoteLabels(Connection(url), "/it").largest()
    with answering(200, b"no npy") as url, pytest.raises(StoreError, match="no box"):
        RemoteLabels(Connection(url), "/it").mask(1)
