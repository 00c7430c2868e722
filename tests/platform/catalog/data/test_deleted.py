"""What was deleted comes back as it was, or is purged: never both, on SQLite and on PostgreSQL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from voxlake.platform.access import Permission, Principal, Role
from voxlake.platform.catalog import Catalog, DatasetRecord, DatasetState
from voxlake.platform.catalog.data.frames import Frame
from voxlake.platform.catalog.data.jobs import JobPage
from voxlake.platform.catalog.rights.links import LinkTerms
from voxlake.platform.database import now
from voxlake.platform.errors import (
    ConflictError,
    ForbiddenError,
    InvalidNameError,
    NotFoundError,
    UnauthenticatedError,
)
from voxlake.platform.jobs.record import JobState
from voxlake.platform.jobs.standing import standing
from voxlake.platform.names import DatasetName
from voxlake.platform.nodes.tree import nodes

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxlake.platform.catalog.data.record import Kind
    from voxlake.platform.jobs.record import Job

ALL = Principal("owner", is_owner=True)
EM, CELLS = DatasetName("lab", "brain", "em"), DatasetName("lab", "brain", "cells")


@pytest.fixture
def catalog(catalog: Catalog) -> Catalog:
    add(catalog, EM)
    add(catalog, CELLS, "em")
    return catalog


def add(catalog: Catalog, name: DatasetName, of: str | None = None, url: str = "") -> None:
    kind: Kind = "image" if of is None else "labels"
    state = DatasetState.READY
    catalog.add_dataset(DatasetRecord(name, kind, of, url or str(name), state, False, now()))


def delete(catalog: Catalog, name: DatasetName, *, labels: bool = False, days: int = 7) -> Job:
    return catalog.deletion.begin(name, ALL, with_labels=labels, days=days)[0]


def listed(catalog: Catalog, principal: Principal = ALL) -> list[str]:
    return [str(place) for place in catalog.deleted.list_allowed(principal)]


def _owned_and_described(catalog: Catalog) -> Principal:
    """Let all be Ada's, say something of it, and let one be in the midst of its ingest."""
    catalog.people.add_user("ada")
    for name in (EM, CELLS):
        catalog.shares.share(name.parts, "ada", Role.OWNER)
        catalog.metadata.put_value(name.parts, "stain", "osmium")
        catalog.metadata.describe(name.parts, "of a fly")
    catalog.provenance.put(CELLS, ALL, [EM], [])
    catalog.set_dataset_state(CELLS, DatasetState.INGESTING)
    return catalog.people.principal_of("ada")


def test_it_comes_back_as_it_was(catalog: Catalog) -> None:
    ada = _owned_and_described(catalog)
    link = catalog.links.make(EM, None, LinkTerms(ends_at=now() + timedelta(days=1)))
    before = [(one, one.description, one.path) for one in catalog.list_datasets()]
    job = delete(catalog, EM, labels=True)
    assert catalog.list_datasets() == catalog.list_allowed(ada, Permission.READ) == []
    assert catalog.search.find(ALL, "osmium") == []
    assert catalog.jobs.list_allowed(ada, JobPage(9)) == []
    with pytest.raises(UnauthenticatedError, match="leads to nothing"):
        catalog.links.principal_of(link.serial)
    [place] = catalog.deleted.list_allowed(ada)
    assert (str(place), place.kind, place.job) == (str(EM), "image", job.id)
    assert catalog.deleted.names_with(place, place.names) == [str(CELLS)]
    assert place.purge_at - place.deleted_at == timedelta(days=7)
    assert catalog.deleted.restore(place.node, ada) == EM.parts
    assert [(one, one.description, one.path) for one in catalog.list_datasets()] == before
    assert len(catalog.list_allowed(ada, Permission.DELETE)) == 2
    assert [each.name for each in catalog.search.find(ALL, "osmium cells")] == ["cells"]
    assert catalog.provenance.get(CELLS, ALL).sources == (EM,)
    assert catalog.links.principal_of(link.serial).within == place.node
    assert catalog.ledger.get_job(job.id).state is JobState.CANCELLED
    assert (catalog.ledger.claim_oldest(), catalog.deleted.count()) == (None, 0)
    entry = catalog.audit.list_entries(limit=1, node=place.node)[0]
    assert (entry.action, entry.subject) == ("restore dataset", str(EM))
    with pytest.raises(NotFoundError, match=f"the id {place.node}"):
        catalog.deleted.restore(place.node, ALL)


def test_a_worker_waits_for_its_time(catalog: Catalog) -> None:
    job = delete(catalog, CELLS)
    assert "can be brought back until" in catalog.ledger.get_job(job.id).message
    assert catalog.ledger.claim_oldest() is None
    found = standing(catalog.database)
    assert (found.jobs[JobState.QUEUED], found.waited_s) == (0, 0)
    place = catalog.deleted.purge(catalog.deleted.list_allowed(ALL)[0].node, ALL)
    assert standing(catalog.database).jobs[JobState.QUEUED] == 1
    claim = catalog.ledger.claim_oldest()
    assert claim is not None
    assert claim.job == place.job
    assert [one.action for one in catalog.audit.list_entries(limit=1)] == ["ask to purge dataset"]


def test_its_name_may_be_anothers_by_then(catalog: Catalog) -> None:
    delete(catalog, CELLS)
    add(catalog, CELLS, "em", "elsewhere")
    place = catalog.deleted.list_allowed(ALL)[0]
    with pytest.raises(ConflictError, match="exists already"):
        catalog.deleted.restore(place.node, ALL)
    with pytest.raises(ConflictError, match="come back to the experiment"):
        catalog.deleted.restore(place.node, ALL, ("lab", "heart", "cells"))
    for wrong in (("lab", "old"), ("lab", "brain", "a/b")):
        with pytest.raises(InvalidNameError):
            catalog.deleted.restore(place.node, ALL, wrong)
    assert listed(catalog) == [str(CELLS)]
    old = CELLS.sibling("old")
    assert catalog.deleted.restore(place.node, ALL, old.parts) == old.parts
    assert catalog.get_dataset(old).url == str(CELLS)
    assert {one.dataset for one in catalog.ledger.list_jobs()} == {old}


def test_an_image_may_come_back_elsewhere_with_what_lies_in_it(catalog: Catalog) -> None:
    add(catalog, EM.sibling("nuclei"), "em")
    delete(catalog, CELLS)
    delete(catalog, EM, labels=True)
    assert listed(catalog) == [str(EM), str(CELLS)]
    image, labels = catalog.deleted.list_allowed(ALL)
    with pytest.raises(ConflictError, match=r"image that labels .* belong to is deleted too"):
        catalog.deleted.restore(labels.node, ALL)
    to = DatasetName("zoo", "fish", "em")
    with pytest.raises(NotFoundError, match="zoo/fish"):
        catalog.deleted.restore(image.node, ALL, to.parts)
    catalog.collections.add(["zoo"])
    catalog.collections.add(["zoo", "fish"])
    catalog.people.add_user("ada")
    catalog.shares.share(EM.parts[:1], "ada", Role.OWNER)
    catalog.shares.share(["zoo"], "ada", Role.VIEWER)
    with pytest.raises(ForbiddenError):
        catalog.deleted.restore(image.node, catalog.people.principal_of("ada"), to.parts)
    catalog.deleted.restore(image.node, ALL, to.parts)
    assert catalog.deleted.restore(labels.node, ALL, to.sibling("cells").parts)
    found = {str(one.name): one.of for one in catalog.list_datasets()}
    assert found == {"zoo/fish/em": None, "zoo/fish/nuclei": "em", "zoo/fish/cells": "em"}


def test_it_is_there_for_who_may_delete_it(catalog: Catalog) -> None:
    for user in ("ada", "bob", "cy"):
        catalog.people.add_user(user)
    catalog.shares.share(EM.parts, "ada", Role.OWNER)
    catalog.shares.share(EM.parts[:2], "bob", Role.EDITOR)
    ada, bob, cy = map(catalog.people.principal_of, ("ada", "bob", "cy"))
    delete(catalog, EM, labels=True)
    node = catalog.deleted.list_allowed(ada)[0].node
    assert listed(catalog, bob) == listed(catalog, cy) == []
    absent = "the id 999999;"
    for stranger in (bob, cy):
        for ask in (catalog.deleted.restore, catalog.deleted.purge, catalog.deleted.get):
            with pytest.raises(NotFoundError) as refused:
                ask(node, stranger)
            with pytest.raises(NotFoundError, match=absent) as nothing:
                ask(999999, stranger)
            assert str(refused.value).replace(str(node), "999999") == str(nothing.value)
    catalog.deleted.restore(node, ada)


def test_what_has_begun_is_not_undone(catalog: Catalog) -> None:
    job = delete(catalog, CELLS, days=0)
    [place] = catalog.deleted.list_allowed(ALL)
    claim = catalog.ledger.claim_oldest()
    assert claim is not None
    for act in (catalog.deleted.restore, catalog.deleted.purge):
        with pytest.raises(ConflictError, match="has begun to delete it"):
            act(place.node, ALL)
    catalog.deletion.begin_purge(job.id, [place.node])
    # Its worker dies in the midst.
    catalog.ledger.release(claim)
    for act in (catalog.deleted.restore, catalog.deleted.purge, catalog.deleted.get):
        with pytest.raises(ConflictError, match="has begun to delete it"):
            act(place.node, ALL)
    assert (listed(catalog), catalog.deleted.count()) == ([], 0)
    assert catalog.deletion.forget(place.node)
    with pytest.raises(NotFoundError):
        catalog.deleted.restore(place.node, ALL)


def test_a_worker_that_was_taken_for_dead_deletes_nothing(catalog: Catalog) -> None:
    job = delete(catalog, CELLS, days=0)
    claim = catalog.ledger.claim_oldest()
    assert claim is not None
    catalog.ledger.release(claim)
    [place] = catalog.deleted.list_allowed(ALL)
    catalog.deleted.restore(place.node, ALL)
    with pytest.raises(ConflictError, match="brought back"):
        catalog.deletion.begin_purge(job.id, [place.node])
    assert catalog.get_dataset(CELLS).state is DatasetState.READY


def test_of_many_at_once_one_wins(catalog: Catalog) -> None:
    """Workers that begin to purge and people who bring back: one of them all."""

    def purges() -> str:
        claim = catalog.ledger.claim_oldest()
        if claim is None:
            raise ConflictError("there is no job")
        catalog.deletion.begin_purge(claim.job, [node])
        return "purged"

    def restores() -> str:
        catalog.deleted.restore(node, ALL)
        return "restored"

    def outcome(act: Callable[[], str]) -> str:
        try:
            return act()
        except (ConflictError, NotFoundError):
            return ""

    won = set()
    for number in range(6):
        name = CELLS.sibling(f"cells-{number}")
        add(catalog, name, "em")
        delete(catalog, name, days=0)
        node = catalog.deleted.list_allowed(ALL)[0].node
        acts = [purges, restores, purges, restores][number % 2 :]
        with ThreadPoolExecutor(len(acts)) as pool:
            [winner] = [each for each in pool.map(outcome, acts) if each]
        there = [one for one in catalog.list_datasets() if one.name == name]
        assert len(there) == (winner == "restored")
        assert (listed(catalog), len(catalog.deletion.hidden([node]))) == ([], 1 - len(there))
        won.add(winner)
    assert won


def test_labels_that_were_deleted_before_go_with_their_image(catalog: Catalog) -> None:
    delete(catalog, CELLS)
    job = delete(catalog, EM, days=0)
    claim = catalog.ledger.claim_oldest()
    assert claim is not None
    doomed: list[int] = job.spec["nodes"]  # type: ignore[assignment]
    catalog.deletion.begin_purge(job.id, doomed)
    assert [each.name for each in catalog.deletion.hidden(doomed)] == [CELLS, EM]
    assert listed(catalog) == []
    for record in catalog.deletion.hidden(doomed):
        assert catalog.deletion.forget(record.node)
    assert catalog.taken_urls() == set()


def test_experiments_and_collections_come_back(catalog: Catalog) -> None:
    catalog.frames.add(Frame("fly", (0, 0, 0), (9, 9, 9), (8, 8, 8), "nanometer"))
    catalog.collections.set_frame(EM.parts[:2], "fly")
    catalog.collections.add(["lab", "heart"], description="of a fly")
    catalog.people.add_user("ada")
    catalog.shares.share(["lab", "heart"], "ada", Role.OWNER)
    delete(catalog, EM, labels=True)
    catalog.collections.remove(["lab"], recursive=True, days=7)
    assert listed(catalog) == ["lab/heart", "lab/brain", "lab", str(EM)]
    heart, brain, lab, em = catalog.deleted.list_allowed(ALL)
    assert listed(catalog, catalog.people.principal_of("ada")) == ["lab/heart"]
    with pytest.raises(ConflictError, match=r"the experiment lab/brain in which .* is deleted too"):
        catalog.deleted.restore(em.node, ALL)
    with pytest.raises(ConflictError, match="the collection lab in which lab/heart lay"):
        catalog.deleted.restore(heart.node, ALL)
    catalog.collections.add(["lab"])
    with pytest.raises(ConflictError, match="collection lab exists already"):
        catalog.deleted.restore(lab.node, ALL)
    catalog.frames.remove("fly")
    assert catalog.deleted.restore(lab.node, ALL, ["old"]) == ("old",)
    assert catalog.collections.get(["old", "heart"]).description == "of a fly"
    assert catalog.collections.get(["old", "brain"]).frame is None
    assert str(catalog.deleted.get(em.node, ALL)) == "old/brain/em"
    catalog.deleted.restore(em.node, ALL)
    assert len(catalog.list_datasets("old", "brain")) == 2
    assert (listed(catalog), heart.kind, brain.kind) == ([], "experiment", "experiment")


def test_their_time_comes(catalog: Catalog) -> None:
    for place in (["zoo"], ["zoo", "fish"], ["zoo", "newt"]):
        catalog.collections.add(place)
    catalog.collections.remove(["zoo", "newt"], days=7)
    newt = catalog.deleted.list_allowed(ALL)[0].node
    catalog.collections.remove(["zoo"], recursive=True, days=7)
    assert catalog.deleted.purge_due() == 0
    with catalog.database.write() as connection:
        due = update(nodes).where(nodes.c.purge_at.is_not(None), nodes.c.id != newt)
        connection.execute(due.values(purge_at=now()))
    assert catalog.deleted.purge_due() == 1
    assert listed(catalog) == ["zoo/newt"]
    catalog.deleted.purge(newt, ALL)
    assert listed(catalog) == []
    told = [one.action for one in catalog.audit.list_entries(limit=3)]
    assert told == ["purge experiment", "ask to purge experiment", "purge collection"]


def test_the_list_has_pages(catalog: Catalog) -> None:
    for number in range(5):
        name = EM.sibling(f"em-{number}")
        add(catalog, name)
        delete(catalog, name)
        catalog.collections.add([f"c-{number}"])
        catalog.collections.remove([f"c-{number}"], days=7)
    whole, found = catalog.deleted.list_allowed(ALL), []
    after = None
    while page := catalog.deleted.list_allowed(ALL, limit=3, after=after):
        found += page
        after = page[-1].node
    assert (len(whole), found) == (10, whole)
    assert [str(each) for each in whole[:2]] == ["c-4", "lab/brain/em-4"]
