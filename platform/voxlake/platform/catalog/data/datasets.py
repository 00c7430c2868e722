"""Datasets as rows of the catalog: what is asked and changed inside one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, and_, bindparam, delete, insert, or_, select, update

from voxlake.platform.access import PUBLIC, Permission, Role
from voxlake.platform.catalog.data.forgetting import forget_node
from voxlake.platform.catalog.data.metadata import describe
from voxlake.platform.catalog.data.node_records import EVERYTHING, Page, in_page
from voxlake.platform.catalog.data.record import DatasetRecord, DatasetState, Kind
from voxlake.platform.catalog.identity.people import own_group
from voxlake.platform.catalog.rights.grants import drop_grants, is_granted, put_role
from voxlake.platform.catalog.tables import datasets
from voxlake.platform.database import Moment, now
from voxlake.platform.errors import ConflictError, NotFoundError
from voxlake.platform.jobs.histories import check_no_job_knows, give_up_jobs, jobs_of_node
from voxlake.platform.jobs.record import JobState
from voxlake.platform.nodes.changes import hide_node, make_node, move_node, remove_node
from voxlake.platform.nodes.tree import (
    NAME_COLUMNS,
    ROOT,
    collection,
    dataset,
    experiment,
    find_node,
    is_kept,
    is_named,
    join_names,
    name_of,
    nodes,
)

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection

    from voxlake.platform.names import DatasetName

_image = nodes.alias("image")
_NOW = "moment_of_records"

is_there = and_(datasets.c.state != DatasetState.REMOVING.value, is_kept)
"""Says that a dataset is not deleted, and not being deleted."""

# Made once: to put a query together takes longer than to ask it.
_records = (
    join_names(
        select(
            datasets,
            *NAME_COLUMNS,
            collection.c.id.label("collection_node"),
            experiment.c.id.label("experiment_node"),
            dataset.c.description,
            _image.c.name.label("image_name"),
            is_granted([PUBLIC], Permission.READ, bindparam(_NOW, type_=Moment)).label("public"),
        ).select_from(datasets),
        datasets.c.node,
    )
).outerjoin(_image, _image.c.id == datasets.c.of)


def is_of_family(image: str) -> ColumnElement[bool]:
    """Say of datasets, of what `list_records` looks through, that they are an image or its labels.

    The image is named without its collection and experiment, which have to be asked for besides.
    """
    return or_(dataset.c.name == image, _image.c.name == image)


def list_records(
    connection: Connection, *which: ColumnElement[bool], page: Page = EVERYTHING
) -> list[DatasetRecord]:
    """Return the datasets that all conditions hold of, sorted by name, or a page of them."""
    query = in_page(_records.where(*which), 3, page)
    return list(map(_record_of, connection.execute(query, {_NOW: now()})))


def find_record(connection: Connection, name: DatasetName) -> DatasetRecord:
    """Return the dataset; raise NotFoundError if there is none of that name."""
    for record in list_records(connection, is_named(name)):
        return record
    raise NotFoundError(f"there is no dataset {name}; list what there is with 'voxlake ls'")


def add_record(connection: Connection, record: DatasetRecord, owner: str | None = None) -> None:
    """Add a dataset; see `Catalog.add_dataset`."""
    image = None if record.of is None else _image_of(connection, record)
    _require_free(connection, record.name)
    for other in list_records(connection, datasets.c.url == record.url):
        raise ConflictError(
            f"{record.name} would lie at {record.url}, where {other.name} is; choose another name"
        )
    if hidden_records(connection, datasets.c.url == record.url):
        raise ConflictError(
            f"{record.name} would lie at {record.url}, from where one is being deleted; wait for it"
        )
    node = make_node(connection, *record.name.parts)
    row = insert(datasets).values(
        node=node,
        kind=record.kind,
        of=image,
        url=record.url,
        state=record.state.value,
        created_at=record.created_at,
    )
    connection.execute(row)
    if record.description:
        describe(connection, node, record.description)
    if record.public:
        put_role(connection, node, PUBLIC, Role.VIEWER)
    group = None if owner is None else own_group(connection, owner)
    if group is not None:
        put_role(connection, node, group, Role.OWNER)


def set_state(connection: Connection, name: DatasetName, state: DatasetState) -> None:
    """Say how far a dataset is; raise NotFoundError if there is none of that name."""
    node = find_record(connection, name).node
    change = update(datasets).where(datasets.c.node == node)
    connection.execute(change.values(state=state.value))


def set_public(connection: Connection, name: DatasetName, *, public: bool) -> None:
    """Say whether everybody may read a dataset; see `Catalog.set_public`."""
    node = find_record(connection, name).node
    if public:
        put_role(connection, node, PUBLIC, Role.VIEWER)
        return
    drop_grants(connection, node, PUBLIC)
    if find_record(connection, name).public:
        raise ConflictError(
            f"{name} is public as all of its experiment or collection is; take that back instead"
        )


def move_record(connection: Connection, name: DatasetName, to: DatasetName) -> None:
    """Give a dataset another name, and let its labels go along; see `Catalog.move_dataset`."""
    record = find_record(connection, name)
    if record.of is not None and to.sibling(name.dataset) != name:
        raise ConflictError(
            f"labels {name} belong to image {record.of!r} and stay in its experiment; "
            f"rename them there, or move the image, with which they go"
        )
    _move_one(connection, record, to)
    if to.sibling(name.dataset) != name:
        for labels in _labels_of(connection, record):
            _move_one(connection, labels, to.sibling(labels.name.dataset))


def remove_record(connection: Connection, name: DatasetName) -> None:
    """Forget a dataset; see `Catalog.remove_dataset`."""
    record = find_record(connection, name)
    for labels in _labels_of(connection, record):
        raise ConflictError(
            f"labels {labels.name.dataset!r} belong to image {name}; remove them first"
        )
    connection.execute(delete(datasets).where(datasets.c.node == record.node))
    forget_node(connection, record.node)
    give_up_jobs(connection, record.node, "its dataset was removed")


def hide_record(
    connection: Connection,
    record: DatasetRecord,
    spared: Collection[str],
    moment: datetime,
    purge_at: datetime,
) -> None:
    """Give the name of a dataset free that is to be deleted from the store; where it lies is not.

    What was said and granted of it stays until then. Jobs that wait are given up but for those
    that are `spared`, by their ids: the one that deletes it, and what can be gone on with.
    """
    hide_node(connection, record.node, moment, purge_at)
    give_up_jobs(connection, record.node, "its dataset was removed", spared=spared)


def hidden_records(connection: Connection, *which: ColumnElement[bool]) -> list[DatasetRecord]:
    """Return the datasets without a name that all conditions hold of, in the order of their ids."""
    query = _records.where(*which, dataset.c.removed_at.is_not(None)).order_by(datasets.c.node)
    return list(map(_record_of, connection.execute(query, {_NOW: now()})))


def make_way(connection: Connection, name: DatasetName) -> None:
    """See to it that a name is free; what a job that was given up has left of it goes.

    Raises
    ------
    ConflictError
        If a dataset has it, or a job is to make one.
    """
    _require_free(connection, name)
    left = find_node(connection, *name.parts)
    if left is not None:
        for job in jobs_of_node(connection, left):
            raise ConflictError(
                f"{job.kind} job {job.id} is to make {name}; choose another name, or give it up "
                f"with: voxlake jobs cancel {job.id}"
            )
        remove_node(connection, left)


def taken_urls(connection: Connection) -> set[str]:
    """Return where datasets lie, those included that are being deleted and have no name."""
    return {*connection.execute(select(datasets.c.url)).scalars()}


def renew_record(connection: Connection, name: DatasetName, kind: Kind) -> None:
    """Say that a dataset is another from now on; see `Catalog.renew_dataset`."""
    node = find_record(connection, name).node
    change = update(datasets).where(datasets.c.node == node)
    ready = DatasetState.READY.value
    connection.execute(change.values(kind=kind, state=ready, created_at=now()))
    give_up_jobs(connection, node, "its dataset was replaced", but={JobState.QUEUED})


def _labels_of(connection: Connection, image: DatasetRecord) -> list[DatasetRecord]:
    return list_records(connection, datasets.c.of == image.node)


def _image_of(connection: Connection, labels: DatasetRecord) -> int | None:
    image = find_record(connection, labels.name.sibling(labels.of or ""))
    if image.kind != "image":
        raise ConflictError(
            f"labels {labels.name} cannot belong to {image.name}, which is labels itself; "
            "name an image"
        )
    return image.node


def _move_one(connection: Connection, record: DatasetRecord, to: DatasetName) -> None:
    """Rename one dataset."""
    check_no_job_knows(connection, record.name)
    make_way(connection, to)
    parent = make_node(connection, to.collection, to.experiment)
    move_node(connection, record.node, parent, to.dataset)


def _require_free(connection: Connection, name: DatasetName) -> None:
    for _ in list_records(connection, is_named(name)):
        raise ConflictError(
            f"dataset {name} exists already; choose another name, or remove it first with: "
            f"voxlake rm {name}"
        )


def _record_of(row: Row[tuple[Any, ...]]) -> DatasetRecord:
    return DatasetRecord(
        name=name_of(row),
        kind=row.kind,
        of=row.image_name,
        url=row.url,
        state=DatasetState(row.state),
        public=row.public,
        created_at=row.created_at,
        description=row.description,
        path=(ROOT, row.collection_node, row.experiment_node, row.node),
    )
