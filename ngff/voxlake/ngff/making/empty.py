"""Make an empty dataset: ready at once, read as zeros, and written to by whoever may.

The catalog has it first, as not whole, so that of several at once one makes it; then the store;
then it is ready. What is cut off in between stays so, and can be deleted as an ingest that was cut
off can; after `ABANDONED_S` whoever makes a dataset of its name takes that.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
from ulid import ULID

from voxlake.ngff.covered import covered_dataset
from voxlake.ngff.dataset import open_dataset
from voxlake.ngff.grid.axes import SPATIAL, check_axes
from voxlake.ngff.grid.dtypes import IMAGE_DTYPES, LABEL_DTYPES
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.grid.pyramid import Extent, plan_levels, plan_levels_by
from voxlake.ngff.grid.reduction import check_factors
from voxlake.ngff.labels.handle import labels_of
from voxlake.ngff.labels.scan.rows import check_labels
from voxlake.ngff.labels.segments.publishing import publish
from voxlake.ngff.labels.times import check_times
from voxlake.ngff.lake import Place, check_nothing_there, check_writable, free_place_in, place_of
from voxlake.ngff.making.create import NewDataset, create_dataset, remove_dataset
from voxlake.ngff.making.unfinished import Making
from voxlake.platform.access import Principal
from voxlake.platform.catalog.data.record import DatasetRecord, DatasetState
from voxlake.platform.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    StoreError,
    UnsupportedError,
)
from voxlake.platform.parallel import in_parallel

if TYPE_CHECKING:
    from typing import Any

    from voxlake.ngff.grid.pyramid import PyramidLevel
    from voxlake.platform.catalog import Catalog
    from voxlake.platform.names import DatasetName
    from voxlake.platform.store import StoreURL

ABANDONED_S = 60.0
"""Seconds after which one that is not whole is taken for cut off: making one takes about one."""

INDEXED_TIMES = 256
"""Time points whose index says at once that there are no labels; others are found by listing."""

EVERYTHING = Principal("voxlake", is_owner=True)
"""Who gives up what was cut off."""

_LONGEST = 1 << 62
"""Voxels along an axis, at most."""


@dataclass(frozen=True, slots=True)
class EmptyDataset:
    """What an empty dataset is to be."""

    name: DatasetName
    kind: Kind
    dtype: str = ""
    """Of its voxels; empty: of labels uint64."""
    extent: Extent | None = None
    """Of level 0; None: as of the image that labels belong to."""
    levels: int | None = None
    """None: until a level fits one chunk, or as many as the image has."""
    steps: tuple[tuple[int, ...], ...] | None = None
    """Factors of z, y, x from each level to the next, instead of `levels`."""
    of: str | None = None
    """The image of the same experiment that labels belong to."""
    covers: tuple[int, ...] | None = None
    """Shape that whoever asks takes the labels of that image to have; None: whatever they have."""
    public: bool = False
    description: str = ""


def make_empty(
    lake: StoreURL,
    catalog: Catalog,
    asked: EmptyDataset,
    owner: str | None = None,
    state: DatasetState = DatasetState.READY,
) -> DatasetRecord:
    """Make an empty dataset, and return it as the catalog has it; its label index is current.

    Its size costs nothing: what is stored are the metadata of its group and levels.

    Parameters
    ----------
    owner
        The user whose it is to be; somebody who is no user of the lake is none.
    state
        How far it is then: not ready, if a job is to give it its voxels.

    Raises
    ------
    ConflictError
        If there is a dataset of that name, or something where it would lie.
    NotFoundError
        If the image that labels belong to is not there.
    InvalidInputError, UnsupportedError
        If it cannot be: by its shape, voxels, levels or image.
    StoreError
        If the store fails: nothing is left then, or what is taken for cut off.
    """
    new = _new_dataset(lake, catalog, asked)
    _give_up_cut_off(catalog, asked.name)
    place = free_place_in(catalog, new.place)
    check_nothing_there(lake, place)
    record = DatasetRecord(
        name=asked.name,
        kind=asked.kind.value,
        of=asked.of,
        url=place.key,
        state=DatasetState.INGESTING,
        public=asked.public,
        created_at=datetime.now(UTC),
        description=asked.description,
    )
    catalog.add_dataset(record, owner=owner)
    try:
        _store(lake, replace(new, place=place))
        _check_ours(catalog, record)
        catalog.set_dataset_state(asked.name, state)
    except Exception:
        with suppress(StoreError, ConflictError, NotFoundError):
            remove_dataset(lake, place)
            _check_ours(catalog, record)
            catalog.remove_dataset(asked.name)
        raise
    return catalog.get_dataset(asked.name)


def _store(lake: StoreURL, new: NewDataset) -> None:
    """Store metadata, and of labels an index that knows that there are none."""
    making = str(ULID())
    url = create_dataset(lake, new, making)
    if new.place.kind is Kind.LABELS:
        labels = labels_of(open_dataset(url), lake / new.place.index_key)
        check_labels(labels.at_time().volume)
        first = list(islice(labels.each_time(), INDEXED_TIMES))
        list(in_parallel(lambda each: publish(each, None, ()), first))
    Making(url, making).finish()


def _check_ours(catalog: Catalog, made: DatasetRecord) -> None:
    """Raise ConflictError if what is being made was taken for cut off: the name is another's."""
    if catalog.get_dataset(made.name).url != made.url:
        raise ConflictError(f"{made.name} was made by another meanwhile; choose another name")


def _give_up_cut_off(catalog: Catalog, name: DatasetName) -> None:
    """Delete what lies by a name if nobody goes on making it."""
    with suppress(NotFoundError):
        record = catalog.get_dataset(name)
        is_old = datetime.now(UTC) - record.created_at > timedelta(seconds=ABANDONED_S)
        is_cut_off = record.state is DatasetState.INGESTING and is_old
        if is_cut_off and not catalog.ledger.jobs_about(name):
            catalog.deletion.begin(name, EVERYTHING)


def _new_dataset(lake: StoreURL, catalog: Catalog, asked: EmptyDataset) -> NewDataset:
    """Return what is created, at the place of its name."""
    extent, steps = asked.extent, asked.steps
    if asked.of is not None:
        extent, steps = _as_of_image(lake, catalog, asked)
    if extent is None:
        raise InvalidInputError(f"{asked.name} needs a shape and a voxel size; give them")
    _check_extent(asked, extent)
    return NewDataset(
        Place(asked.name, asked.kind, asked.of),
        extent.axes,
        extent.voxel_size.unit,
        _dtype(asked),
        _levels(asked, extent, steps),
        time_unit=extent.time.unit if extent.time else None,
    )


def _as_of_image(
    lake: StoreURL, catalog: Catalog, asked: EmptyDataset
) -> tuple[Extent, tuple[tuple[int, ...], ...]]:
    """Return extent and steps of the image that labels are to cover."""
    place = place_of(catalog.get_dataset(asked.name.sibling(asked.of or "")))
    check_writable(place, "making labels inside it")
    if asked.kind is not Kind.LABELS or place.kind is not Kind.IMAGE:
        raise InvalidInputError(f"{asked.name} is to belong to {place.name}; labels do, to images")
    if (asked.extent, asked.levels, asked.steps) != (None, None, None):
        raise InvalidInputError(
            f"{asked.name} covers {place.name} voxel by voxel, and has its levels; leave voxel "
            "size, levels and factors out"
        )
    image = covered_dataset(open_dataset(lake / place.key))
    in_time = image.times is not None
    shape = (*([image.times] if image.times is not None else []), *image.shape)
    if asked.covers not in (None, shape):
        raise InvalidInputError(
            f"{asked.name} was to have the shape {asked.covers}, and labels of {place.name} have "
            f"{shape}, a voxel for each of its; give these"
        )
    return Extent(
        shape,
        ("t", *SPATIAL) if in_time else SPATIAL,
        image.voxel_size,
        image.translation,
        image.time,
    ), image.steps


def _check_extent(asked: EmptyDataset, extent: Extent) -> None:
    check_axes(extent.axes)
    if len(extent.shape) != len(extent.axes):
        raise InvalidInputError(
            f"shape {extent.shape} was given for the axes {', '.join(extent.axes)}; give a length "
            "for each"
        )
    if not 1 <= min(extent.shape) <= max(extent.shape) <= _LONGEST:
        raise InvalidInputError(
            f"shape {extent.shape} was given; an axis has 1 to {_LONGEST} voxels"
        )
    if extent.time is not None and "t" not in extent.axes:
        raise InvalidInputError(
            f"a time step was given for the axes {', '.join(extent.axes)}; leave it out, or give t"
        )
    if asked.kind is Kind.LABELS and "c" in extent.axes:
        raise UnsupportedError(
            f"{asked.name} would have the axes {', '.join(extent.axes)}; labels have z, y, x, and "
            "t before them"
        )
    if asked.kind is Kind.LABELS and "t" in extent.axes:
        check_times(extent.shape[0], str(asked.name))


def _levels(
    asked: EmptyDataset, extent: Extent, steps: tuple[tuple[int, ...], ...] | None
) -> tuple[PyramidLevel, ...]:
    if steps is None:
        return plan_levels(asked.kind, extent, asked.levels)
    if asked.levels is not None:
        raise InvalidInputError("levels and factors were given; the factors say how many levels")
    lead = (1,) * (len(extent.axes) - 3)
    whole = tuple((*lead, *step) for step in steps)
    for step in whole:
        check_factors(step)
    return plan_levels_by(asked.kind, extent, whole)


def _dtype(asked: EmptyDataset) -> np.dtype[Any]:
    is_image = asked.kind is Kind.IMAGE
    known = IMAGE_DTYPES if is_image else LABEL_DTYPES
    name = asked.dtype or ("" if is_image else "uint64")
    if name not in known:
        raise UnsupportedError(
            f"{asked.name} would be {asked.kind} of {name or 'no type'}; give one of "
            f"{', '.join(known)}"
        )
    return np.dtype(name)
