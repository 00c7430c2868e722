"""What was done to a lake by hand: folders that were removed, moved, or put there."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from voxlake.ngff.lake import (
    INDEX_SUFFIX,
    REGISTERED,
    Fault,
    Place,
    is_group,
    lies_elsewhere,
    survey,
)
from voxlake.ngff.making.unfinished import is_whole
from voxlake.platform import store
from voxlake.platform.catalog import DatasetRecord, DatasetState
from voxlake.platform.errors import ConflictError, NotFoundError
from voxlake.platform.store.allowed.stores import MARK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxlake.compute.jobs import Workspace
    from voxlake.platform.catalog import Catalog
    from voxlake.platform.store import StoreURL


@dataclass(frozen=True, slots=True)
class Differences:
    """Where a catalog and its store differ."""

    lost: tuple[DatasetRecord, ...]
    """What the catalog knows and the store does not hold, labels before their image."""
    unknown: tuple[Place, ...]
    """What the store holds and the catalog does not know, images before their labels."""
    faults: tuple[Fault, ...]
    """Groups that are damaged or no datasets."""


def differences(lake: StoreURL, catalog: Catalog) -> Differences:
    """Compare the catalog with what the store holds, by listing it.

    What a job has yet to make or to delete is not lost.
    """
    records = catalog.list_datasets()
    lost = [
        record
        for record in records
        if not lies_elsewhere(record)
        and not is_group(lake / record.url)
        and not catalog.ledger.jobs_about(record.name)
    ]
    lost.sort(key=lambda record: (record.of is None, record.name))
    known, found = catalog.taken_urls(), list(survey(lake))
    return Differences(
        tuple(lost),
        tuple(each for each in found if isinstance(each, Place) and each.key not in known),
        tuple(each for each in found if isinstance(each, Fault)),
    )


def repair(workspace: Workspace) -> Differences:
    """Make the catalog say what the store holds; return what it did not.

    What was moved by hand is another dataset, and private: nothing shows that it is the same.
    """
    # What only compares the two loads no jobs.
    from voxlake.compute.jobs.kinds.uploads import clear_all

    lake, catalog = workspace.lake, workspace.catalog
    found = differences(lake, catalog)
    catalog.saved.number_nodes_above(max(registered_nodes(lake), default=0))
    for record in found.lost:
        clear_all(workspace, record.node)
        catalog.remove_dataset(record.name)
    new = []
    for place in found.unknown:
        # The name is another's, or the image is damaged.
        with suppress(ConflictError, NotFoundError):
            catalog.add_dataset(record_of(lake, place))
            new.append(place)
    return replace(found, unknown=tuple(new))


def registered_nodes(lake: StoreURL) -> Iterator[int]:
    """Yield the ids that have a label index of labels registered in place.

    They may be those of a catalog that is lost: no other dataset may get one of them.
    """
    for folder in store.list_children(lake / MARK / REGISTERED)[0]:
        number = folder.removesuffix(INDEX_SUFFIX)
        if number.isdecimal():
            yield int(number)


def record_of(lake: StoreURL, place: Place) -> DatasetRecord:
    """Return the record of a dataset that the store holds; its group says whether it is whole."""
    return DatasetRecord(
        name=place.name,
        kind=place.kind.value,
        of=place.of,
        url=place.key,
        state=DatasetState.READY if is_whole(lake / place.key) else DatasetState.FAILED,
        public=False,
        created_at=datetime.now(UTC),
    )
