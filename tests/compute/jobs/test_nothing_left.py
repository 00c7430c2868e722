"""Deletion that is proven: whatever a dataset had on the store and in the catalog is looked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from sqlalchemy import MetaData, func, select

from voxlake.compute.jobs import IngestRequest, Workspace, run_job, start_ingest, start_remove
from voxlake.documents.jobs.job import job_document
from voxlake.ngff.grid.axes import VoxelSize
from voxlake.ngff.grid.box import Box
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.labels.handle import open_labels
from voxlake.ngff.labels.mapping.changes import merge
from voxlake.ngff.labels.objects.label_object import LabelObject
from voxlake.ngff.labels.objects.writing import put_objects
from voxlake.ngff.labels.upkeep.compaction import compact
from voxlake.ngff.labels.upkeep.reservation import reserve
from voxlake.ngff.labels.writing import write_labels
from voxlake.ngff.lake import Place, discover
from voxlake.ngff.storage.deleted import restore_place
from voxlake.ngff.writing import write_voxels
from voxlake.platform import store
from voxlake.platform.access import Principal, Role
from voxlake.platform.catalog.data.plans import FirstShown
from voxlake.platform.catalog.rights.links import LinkTerms
from voxlake.platform.catalog.usage import Metric
from voxlake.platform.database import now
from voxlake.platform.names import DatasetName

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from voxlake.platform.jobs.record import Job

EM = DatasetName.parse("lab/brain/em")
CELLS = EM.sibling("cells")
OWNER = Principal("owner", is_owner=True)
KEPT = {"audit", "jobs", "stages", "usage", "nodes"}
"""Tables that may tell of what was deleted: who did what, and what it took."""


@pytest.fixture
def ingest(workspace: Workspace, tmp_path: Path) -> Callable[..., Job]:
    """Record an ingest of 33 x 65 x 64 voxels of one value, in levels."""

    def record(name: DatasetName, kind: Kind, of: str | None = None) -> Job:
        np.save(tmp_path / f"{name.dataset}.npy", np.full((33, 65, 64), 7, np.uint8))
        request = IngestRequest(
            str(tmp_path / f"{name.dataset}.npy"),
            Place(name, kind, of),
            VoxelSize(8, 8, 8),
            index=kind is Kind.LABELS,
        )
        return start_ingest(workspace, request)

    return record


def _stored(workspace: Workspace) -> set[str]:
    """Return all that lies in the lake, by path; on a folder all files, whoever made them."""
    lake = workspace.lake
    if lake.is_local:
        files = (path for path in lake.path.rglob("*") if not path.is_dir())
        found = {path.relative_to(lake.path).as_posix() for path in files}
    else:
        found = {info.url.key.removeprefix(f"{lake.key}/") for info in store.walk(lake)}
    return {key for key in found if not key.startswith(".voxlake/catalog.sqlite")}


def _rows(workspace: Workspace, node: int) -> set[str]:
    """Return the tables that have a row of a node, wherever they say it."""
    tables, found = MetaData(), set()
    tables.reflect(workspace.catalog.database.engine)
    with workspace.catalog.database.read() as connection:
        for table in tables.tables.values():
            named = [column for column in table.c if column.name in {"node", "other", "of"}]
            named += [table.c.id] if table.name == "nodes" else []
            for column in named:
                rows = select(func.count()).select_from(table).where(column == node)
                found |= {table.name} if connection.execute(rows).scalar_one() else set()
    return found


def _fill(workspace: Workspace, ingest: Callable[..., Job]) -> list[int]:
    """Make an image and its labels, and do to them whatever can be done; return their nodes."""
    run_job(workspace, ingest(EM, Kind.IMAGE))
    run_job(workspace, ingest(CELLS, Kind.LABELS, "em"))
    image = workspace.dataset(workspace.place(EM)).level(0)
    write_voxels(image, Box((0, 0, 0), (1, 2, 3)), np.ones((1, 2, 3), np.uint8))
    _annotate(workspace)
    catalog = workspace.catalog
    catalog.people.add_user("ada")
    for name in (EM, CELLS):
        catalog.metadata.put_value(name.parts, "stain", "osmium")
        catalog.metadata.describe(name.parts, "of a fly")
        catalog.shares.share(name.parts, "ada", Role.OWNER)
        catalog.set_public(name, public=True)
        catalog.plans.show_first(name, FirstShown(level=1))
        catalog.links.make(name, None, LinkTerms(ends_at=now().replace(year=now().year + 1)))
    catalog.provenance.put(CELLS, OWNER, [EM], [])
    found = [catalog.get_dataset(name).node for name in (EM, CELLS)]
    for node, name in zip(found, (EM, CELLS), strict=True):
        catalog.stored.put(node, 7, 700)
        catalog.usage.set_limit(f"place:{name}", Metric.STORED, 1 << 40)
    return found


def _annotate(workspace: Workspace) -> None:
    place = workspace.place(CELLS)
    address = workspace.lake / place.key
    index = workspace.lake / place.index_key
    labels = open_labels(address, index)
    write_labels(labels, Box((0, 0, 0), (2, 2, 2)), np.full((2, 2, 2), 9, np.uint64), by="ada")
    reserve(labels, 100)
    put_objects(index, [LabelObject(id=7, name="Tm3")])
    merge(index, [7, 9])
    compact(labels)
    write_labels(labels, Box((4, 4, 4), (6, 6, 6)), np.full((2, 2, 2), 11, np.uint64), by="ada")


def test_nothing_is_left(workspace: Workspace, ingest: Callable[..., Job]) -> None:
    """Of labels that a command deletes, and of an image that a worker does, with labels in it."""
    before = _stored(workspace)
    doomed = _fill(workspace, ingest)
    assert len(_stored(workspace) - before) > 20
    for node in doomed:
        held = {"datasets", "grants", "links", "keyvalues", "stored", "words"}
        assert held <= _rows(workspace, node)
    run_job(workspace, start_remove(workspace, CELLS))
    left = {key for key in _stored(workspace) if "cells" in key}
    assert left == set()
    run_job(workspace, ingest(CELLS, Kind.LABELS, "em"))
    doomed.append(workspace.catalog.get_dataset(CELLS).node)
    job, _ = workspace.catalog.deletion.begin(EM, OWNER, with_labels=True)
    sizes = [info.size for info in store.walk(workspace.lake / "lab")]
    run_job(workspace, job)
    assert _stored(workspace) == before
    for node in doomed:
        assert _rows(workspace, node) <= KEPT
    assert workspace.catalog.usage.limits() == {}
    _check_proof(workspace, job, sizes)


def _check_proof(workspace: Workspace, job: Job, sizes: list[int]) -> None:
    """Check what a job says that it deleted: all that there was, below folders that are empty."""
    purged = job_document(workspace.catalog.ledger, workspace.catalog.ledger.get_job(job.id)).purged
    assert [each.dataset for each in purged] == [str(CELLS), str(EM)]
    assert sum(each.objects for each in purged) == len(sizes)
    # Labels that go are taken off the list that their image keeps.
    assert 0 <= sum(sizes) - sum(each.bytes for each in purged) < 100
    assert {folder for each in purged for folder in each.folders} == {
        *("lab/brain/em.ome.zarr", "lab/brain/em.index", "lab/brain/em.stale"),
        *("lab/brain/em.ome.zarr/labels/cells", "lab/brain/em.index/cells"),
        "lab/brain/em.stale/labels/cells",
    }
    told = [one for one in workspace.catalog.audit.list_entries() if one.action == "purge dataset"]
    assert [one.detail for one in reversed(told)] == [each.in_short for each in purged]
    assert not any(each.keeps_versions for each in purged)


def test_what_comes_back_is_whole_until_nothing_is_left(
    workspace: Workspace, ingest: Callable[..., Job]
) -> None:
    before = _stored(workspace)
    image, _ = _fill(workspace, ingest)
    stored, catalog = _stored(workspace), workspace.catalog
    rows = {node: _rows(workspace, node) for node in (image,)}
    catalog.deletion.begin(EM, OWNER, with_labels=True, days=7)
    other = EM.sibling("raw")
    assert restore_place(workspace.lake, catalog, image, OWNER, other.parts) == other.parts
    assert _stored(workspace) == stored
    assert {node: _rows(workspace, node) for node in rows} == rows
    labels = open_labels(
        workspace.lake / workspace.place(CELLS).key,
        workspace.lake / workspace.place(CELLS).index_key,
    )
    assert labels.view().extent(11).voxels == 8
    assert {place.name for place in discover(workspace.lake)} == {other, CELLS}
    catalog.deletion.begin(CELLS, OWNER, days=7)
    job, _ = catalog.deletion.begin(other, OWNER, days=7)
    catalog.deleted.purge(image, OWNER)
    run_job(workspace, job)
    assert _stored(workspace) == before
    assert catalog.deleted.count() == 0
