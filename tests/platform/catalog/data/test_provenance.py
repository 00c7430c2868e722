"""Where datasets came from, on SQLite and on PostgreSQL."""

from __future__ import annotations

import pytest

from voxlake.platform.access import Principal, Role
from voxlake.platform.catalog import Catalog, DatasetRecord, DatasetState
from voxlake.platform.catalog.data import provenance
from voxlake.platform.catalog.data.provenance import Origin
from voxlake.platform.database import now
from voxlake.platform.errors import InvalidInputError, LimitExceededError, NotFoundError
from voxlake.platform.jobs.record import JobState
from voxlake.platform.names import DatasetName

EVERYTHING = Principal("owner", is_owner=True)
EM, RAW, CELLS, GUT = map(
    DatasetName.parse, ("lab/brain/em", "lab/brain/raw", "lab/brain/cells", "zoo/gut/em")
)


@pytest.fixture
def catalog(catalog: Catalog) -> Catalog:
    for name in (EM, RAW, CELLS, GUT):
        state = DatasetState.READY
        catalog.add_dataset(DatasetRecord(name, "image", None, str(name), state, False, now()))
    return catalog


def test_it_is_said_and_follows_names(catalog: Catalog) -> None:
    said = catalog.provenance
    assert said.get(EM, EVERYTHING) == Origin()
    said.put(EM, EVERYTHING, [RAW, GUT], [CELLS])
    assert said.get(EM, EVERYTHING) == Origin((RAW, GUT), (CELLS,))
    catalog.move_dataset(RAW, RAW.sibling("first"))
    assert said.get(EM, EVERYTHING).sources == (RAW.sibling("first"), GUT)
    catalog.remove_dataset(GUT)
    assert said.get(EM, EVERYTHING).sources == (RAW.sibling("first"),)
    said.put(EM, EVERYTHING, [CELLS], [])
    assert said.get(EM, EVERYTHING) == Origin((CELLS,), ())
    entry = catalog.audit.list_entries(limit=1)[0]
    assert (entry.action, entry.subject, entry.detail) == ("source dataset", str(EM), str(CELLS))


def test_what_one_may_not_read_is_not_named_and_stays(catalog: Catalog) -> None:
    catalog.people.add_user("ada")
    catalog.shares.share(["lab"], "ada", Role.EDITOR)
    ada = catalog.people.principal_of("ada")
    catalog.provenance.put(EM, EVERYTHING, [GUT, RAW], [])
    assert catalog.provenance.get(EM, ada).sources == (RAW,)
    catalog.provenance.put(EM, ada, [], [CELLS])
    assert catalog.provenance.get(EM, ada) == Origin((), (CELLS,))
    assert catalog.provenance.get(EM, EVERYTHING) == Origin((GUT,), (CELLS,))
    for hidden in (GUT, EM.sibling("none")):
        with pytest.raises(NotFoundError, match=f"there is no dataset {hidden}$"):
            catalog.provenance.put(EM, ada, [hidden], [])
    assert catalog.provenance.get(EM, ada) == Origin((), (CELLS,))


def test_the_job_that_made_it_is_known_by_the_ledger(catalog: Catalog) -> None:
    ledger = catalog.ledger
    for source in ("first.tif", "second.tif", "third.tif"):
        job = ledger.create_job("ingest", EM, {"source": source})
        if source != "third.tif":
            ledger.set_state(ledger.claim(job.id), JobState.DONE)
            made = job.id
    ledger.create_job("verify", EM, {})
    origin = catalog.provenance.get(EM, EVERYTHING)
    assert (origin.job, origin.read_from) == (made, "second.tif")
    assert catalog.provenance.get(RAW, EVERYTHING).job is None


def test_what_makes_no_sense_is_refused(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    for made_from, related in (([EM], []), ([], [EM]), ([RAW], [RAW])):
        with pytest.raises(InvalidInputError, match="name each once"):
            catalog.provenance.put(EM, EVERYTHING, made_from, related)
    monkeypatch.setattr(provenance, "MOST", 1)
    with pytest.raises(LimitExceededError, match="1 other datasets at most"):
        catalog.provenance.put(EM, EVERYTHING, [RAW], [GUT])
