"""Datasets that are hidden at once and deleted by a worker, on SQLite and on PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from voxlake.platform.access import Permission, Principal, Role
from voxlake.platform.catalog import Catalog, DatasetRecord, DatasetState
from voxlake.platform.database import now
from voxlake.platform.errors import ConflictError, ForbiddenError, NotFoundError
from voxlake.platform.names import DatasetName

if TYPE_CHECKING:
    from voxlake.platform.catalog.data.record import Kind

EVERYTHING = Principal("owner", is_owner=True)
EM, CELLS = DatasetName("lab", "brain", "em"), DatasetName("lab", "brain", "cells")


@pytest.fixture
def catalog(catalog: Catalog) -> Catalog:
    kinds: list[tuple[DatasetName, Kind, str | None]] = [
        (EM, "image", None),
        (CELLS, "labels", "em"),
    ]
    for name, kind, of in kinds:
        state = DatasetState.READY
        catalog.add_dataset(DatasetRecord(name, kind, of, str(name), state, False, now()))
    return catalog


def states(catalog: Catalog) -> set[DatasetState]:
    return {record.state for record in catalog.list_datasets()}


def test_it_is_hidden_and_a_job_waits(catalog: Catalog) -> None:
    job, labels = catalog.deletion.begin(EM, EVERYTHING, with_labels=True)
    assert [record.name for record in labels] == [CELLS]
    assert catalog.list_datasets() == []
    assert catalog.list_allowed(EVERYTHING, Permission.READ) == []
    hidden = catalog.deletion.hidden(job.spec["nodes"])  # type: ignore[arg-type]
    assert [(each.name, each.state) for each in hidden] == [
        (CELLS, DatasetState.READY),
        (EM, DatasetState.READY),
    ]
    claim = catalog.ledger.claim_oldest()
    assert claim is not None
    assert claim.job == job.id
    catalog.deletion.begin_purge(job.id, job.spec["nodes"])  # type: ignore[arg-type]
    hidden = catalog.deletion.hidden(job.spec["nodes"])  # type: ignore[arg-type]
    assert {each.state for each in hidden} == {DatasetState.REMOVING}
    told = [(one.action, one.subject) for one in catalog.audit.list_entries(limit=2)]
    assert sorted(told) == [("delete dataset", str(CELLS)), ("delete dataset", str(EM))]
    with pytest.raises(NotFoundError):
        catalog.deletion.begin(EM, EVERYTHING, with_labels=True)


def test_its_name_is_free_at_once_and_its_place_is_not(catalog: Catalog) -> None:
    catalog.people.add_user("ada")
    catalog.shares.share(EM.parts, "ada", Role.OWNER)
    catalog.metadata.put_value(EM.parts, "k", "v")
    url = catalog.get_dataset(EM).url
    job, _ = catalog.deletion.begin(EM, EVERYTHING, with_labels=True)
    assert catalog.taken_urls() == {str(EM), str(CELLS)}
    new = DatasetRecord(EM, "image", None, url, DatasetState.READY, False, now())
    with pytest.raises(ConflictError, match="would lie at"):
        catalog.add_dataset(new)
    catalog.add_dataset(replace(new, url="elsewhere"))
    assert catalog.metadata.list_keys(EM.parts) == []
    ada = catalog.people.principal_of("ada")
    assert catalog.list_allowed(ada, Permission.READ) == []
    # What deletes the one before is no job of this one, and does not hold up what lies above.
    assert catalog.ledger.jobs_about(EM) == []
    catalog.move_dataset(EM, EM.sibling("raw"))
    other, _ = catalog.deletion.begin(EM.sibling("raw"), EVERYTHING)
    assert other.id != job.id
    catalog.collections.remove(EM.parts[:2])
    for each in (job, other):
        claim = catalog.ledger.claim_oldest()
        assert claim is not None
        assert claim.job == each.id
        assert catalog.ledger.get_job(each.id).dataset.experiment == EM.experiment
        for record in catalog.deletion.hidden(each.spec["nodes"]):  # type: ignore[arg-type]
            catalog.deletion.forget(record.node)
    assert catalog.taken_urls() == set()


def test_levels_that_wait_to_be_made_are_given_up(catalog: Catalog) -> None:
    levels = catalog.ledger.create_job("downsample", CELLS, {})
    catalog.ledger.enqueue(levels.id)
    job, _ = catalog.deletion.begin(EM, EVERYTHING, with_labels=True)
    assert catalog.ledger.get_job(levels.id).state == "cancelled"
    claim = catalog.ledger.claim_oldest()
    assert claim is not None
    assert claim.job == job.id
    assert catalog.ledger.claim_oldest() is None


def test_an_image_waits_for_labels_that_are_being_deleted(catalog: Catalog) -> None:
    job, _ = catalog.deletion.begin(CELLS, EVERYTHING)
    catalog.ledger.claim(job.id)
    catalog.deletion.begin_purge(job.id, job.spec["nodes"])  # type: ignore[arg-type]
    with pytest.raises(ConflictError, match="are being deleted from the store"):
        catalog.deletion.begin(EM, EVERYTHING)


def test_labels_go_along_if_that_is_asked_and_allowed(catalog: Catalog) -> None:
    with pytest.raises(ConflictError, match="would go with it"):
        catalog.deletion.begin(EM, EVERYTHING)
    catalog.people.add_user("ada")
    catalog.shares.share(EM.parts, "ada", Role.OWNER)
    ada = catalog.people.principal_of("ada")
    with pytest.raises(ForbiddenError, match="ada may not delete"):
        catalog.deletion.begin(EM, ada, with_labels=True)
    assert states(catalog) == {DatasetState.READY}
    assert catalog.ledger.list_jobs() == []
    catalog.deletion.begin(CELLS, EVERYTHING)
    assert catalog.get_dataset(EM).state is DatasetState.READY


def test_what_a_job_works_on_stays(catalog: Catalog) -> None:
    job = catalog.ledger.create_job("verify", CELLS, {})
    catalog.ledger.enqueue(job.id)
    with pytest.raises(ConflictError, match=f"verify job {job.id} works on {CELLS}"):
        catalog.deletion.begin(EM, EVERYTHING, with_labels=True)
    with pytest.raises(NotFoundError, match="no dataset lab/brain/none"):
        catalog.deletion.begin(EM.sibling("none"), EVERYTHING)
    assert states(catalog) == {DatasetState.READY}
