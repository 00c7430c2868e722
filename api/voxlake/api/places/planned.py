"""Experiments that say what their channels are like, and channels made by that, as in bossDB."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from voxlake.api.guards.askers import Asker, GrantedPlace
from voxlake.api.guards.datasets import Granted
from voxlake.api.places.datasets import add_empty, change, remove
from voxlake.documents.bossdb.asked import (
    BossChannelChange,
    BossChannelQuestion,
    BossExperimentChange,
    BossExperimentQuestion,
)
from voxlake.documents.places.asked import CollectionChange
from voxlake.ngff.grid.axes import SPATIAL, TimeStep, VoxelSize
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.grid.pyramid import Extent
from voxlake.ngff.making.empty import EmptyDataset
from voxlake.platform.access import Add, AssignGroup, Delete, Permission, Read, Update
from voxlake.platform.catalog import Catalog
from voxlake.platform.catalog.data.frames import Frame
from voxlake.platform.catalog.data.plans import FirstShown, Plan
from voxlake.platform.errors import ConflictError, InvalidInputError, NotFoundError
from voxlake.platform.names import DatasetName

_FACTORS = {"anisotropic": (1, 2, 2), "isotropic": (2, 2, 2)}
"""Of z, y, x from each level to the next."""


async def set_public(granted: GrantedPlace[AssignGroup], *, public: bool) -> None:
    """Say whether everybody may read a place; what lies below it keeps what it had."""
    place = granted.place.names

    def put(catalog: Catalog) -> None:
        if len(place) == 3:
            catalog.set_public(DatasetName(*place), public=public)
        else:
            catalog.collections.set_public(place, public=public)

    await granted.asker.of_catalog(put)
    if len(place) == 3:
        granted.asker.gateway.records.forget(DatasetName(*place))


async def add_experiment(
    granted: GrantedPlace[Add], name: str, asked: BossExperimentQuestion
) -> None:
    """Make an experiment in a frame, which the asker owns, and say what its channels are like."""
    asker, place = granted.asker, (*granted.place.names, name)
    owner = None if asker.principal.user is None else asker.principal.name
    plan = Plan(
        asked.num_hierarchy_levels,
        asked.hierarchy_method,
        asked.num_time_samples,
        asked.time_step,
        asked.time_step_unit or "",
    )

    def make(catalog: Catalog) -> None:
        said = {"description": asked.description, "frame": asked.coord_frame}
        catalog.collections.add(place, **said, owner=owner)
        catalog.plans.put(place, plan)

    await asker.of_catalog(make)


async def change_plan(granted: GrantedPlace[Update], asked: BossExperimentChange) -> None:
    """Say what channels of an experiment are like that are made from now on."""
    if (asked.num_hierarchy_levels, asked.hierarchy_method) == (None, None):
        return
    place = granted.place.names

    def put(catalog: Catalog) -> None:
        plan = catalog.plans.get(place) or Plan()
        levels = asked.num_hierarchy_levels or plan.levels
        method = asked.hierarchy_method or plan.method
        catalog.plans.put(place, replace(plan, levels=levels, method=method))

    await granted.asker.of_catalog(put)


async def plan_of(granted: GrantedPlace[Read]) -> Plan | None:
    """Return what channels of an experiment are made by; None: nobody has said so."""
    place = granted.place.names
    return await granted.asker.of_catalog(lambda catalog: catalog.plans.get(place))


async def first_shown(granted: Granted[Read]) -> FirstShown:
    """Return the level and time point of a channel that clients are told to begin at."""
    name = granted.record.name
    return await _asker(granted).of_catalog(lambda catalog: catalog.plans.first_shown(name))


async def add_channel(granted: GrantedPlace[Add], name: str, asked: BossChannelQuestion) -> None:
    """Make an empty dataset in the extent of the frame of its experiment; the asker owns it.

    Raises
    ------
    InvalidInputError
        If the experiment names no frame, or an annotation no source.
    NotFoundError
        If a channel that it is to have to do with is not there.
    """
    collection, experiment = granted.place.names
    channel, asker = DatasetName(collection, experiment, name), granted.asker
    new = await asker.of_catalog(lambda catalog: _planned(catalog, asker, channel, asked))
    await add_empty(granted, new)

    def tell(catalog: Catalog) -> None:
        _put_origin(catalog, asker, channel, asked.sources, asked.related)
        shown = FirstShown(asked.base_resolution, asked.default_time_sample)
        if shown != FirstShown():
            catalog.plans.show_first(channel, shown)

    await asker.of_catalog(tell)


async def change_channel(granted: Granted[Update], asked: BossChannelChange) -> DatasetName:
    """Change what is given of a channel, and return its name."""
    asker, name = _asker(granted), granted.record.name
    await asker.of_catalog(
        lambda catalog: _check_near(catalog, asker, name, asked.sources or (), asked.related or ())
    )
    said = CollectionChange(name=asked.name, description=asked.description)
    renamed = name.sibling((await change(granted, said)).name.rpartition("/")[2])

    def tell(catalog: Catalog) -> None:
        shown = catalog.plans.first_shown(renamed)
        level, time = asked.base_resolution, asked.default_time_sample
        new = FirstShown(
            shown.level if level is None else level, shown.time if time is None else time
        )
        if new != shown:
            catalog.plans.show_first(renamed, new)
        if (asked.sources, asked.related) != (None, None):
            known = catalog.provenance.get(renamed, asker.principal)
            sources = _names(known.sources) if asked.sources is None else asked.sources
            related = _names(known.related) if asked.related is None else asked.related
            _put_origin(catalog, asker, renamed, sources, related)

    await asker.of_catalog(tell)
    for each in (name, renamed):
        granted.gateway.records.forget(each)
    return renamed


async def remove_channel(granted: Granted[Delete]) -> None:
    """Delete a channel that no other was made from; its name is free.

    Raises
    ------
    ConflictError
        If one was, labels belong to it, or a job works on it.
    """
    name = granted.record.name
    if await _asker(granted).of_catalog(lambda catalog: catalog.provenance.is_source(name)):
        raise ConflictError(f"{name} is a source of other channels; delete those first")
    await remove(granted, with_labels=False)


def _asker(granted: Granted[Read] | Granted[Update] | Granted[Delete]) -> Asker:
    return Asker(granted.access.principal, granted.gateway)


def _planned(
    catalog: Catalog, asker: Asker, name: DatasetName, asked: BossChannelQuestion
) -> EmptyDataset:
    """Return the dataset that a channel is, by the plan and the frame of its experiment."""
    if asked.type == "annotation" and not asked.sources:
        raise InvalidInputError(f"annotations {name} need a source: the channel that they are of")
    _check_near(catalog, asker, name, asked.sources, asked.related)
    place = name.parts[:2]
    frame = catalog.collections.get(place).frame
    if frame is None:
        raise InvalidInputError(
            f"{'/'.join(place)} lies in no frame, which says how large a channel is; give it one"
        )
    plan = catalog.plans.get(place) or Plan()
    if asked.default_time_sample >= plan.times:
        raise InvalidInputError(
            f"default_time_sample {asked.default_time_sample} of {name} is none of the "
            f"{plan.times} time points of its experiment"
        )
    kind = Kind.IMAGE if asked.type == "image" else Kind.LABELS
    extent = _extent(catalog.frames.get(frame), plan)
    return EmptyDataset(
        name,
        kind,
        asked.datatype,
        extent,
        steps=tuple(_steps(plan, extent.shape[-3:])),
        public=asked.public,
        description=asked.description,
    )


def _extent(frame: Frame, plan: Plan) -> Extent:
    """Return that of a frame, at all time points of a plan."""
    in_time = plan.times > 1
    shape = tuple(stop - start for start, stop in zip(frame.start, frame.stop, strict=True))
    places = zip(frame.start, frame.voxel_size, strict=True)
    z, y, x = (start * size for start, size in places)
    return Extent(
        (plan.times, *shape) if in_time else shape,
        ("t", *SPATIAL) if in_time else SPATIAL,
        VoxelSize(*frame.voxel_size, frame.unit),
        (z, y, x),
        TimeStep(plan.time_step, plan.time_unit.removesuffix("s") or None)
        if in_time and plan.time_step
        else None,
    )


def _steps(plan: Plan, shape: tuple[int, ...]) -> Iterator[tuple[int, int, int]]:
    """Yield the factors from each level to the next, as long as there is something to halve."""
    factors = _FACTORS[plan.method]
    for _ in range(plan.levels - 1):
        if max(n for n, factor in zip(shape, factors, strict=True) if factor > 1) == 1:
            return
        yield factors
        shape = tuple(-(-n // factor) for n, factor in zip(shape, factors, strict=True))


def _check_near(
    catalog: Catalog,
    asker: Asker,
    name: DatasetName,
    sources: Collection[str],
    related: Collection[str],
) -> None:
    """Raise an error unless a channel may have to do with others of its experiment."""
    if {*sources} & {*related} or name.dataset in {*sources, *related}:
        raise InvalidInputError(
            f"sources and related of {name} are other channels, each either of them; name each once"
        )
    readable = catalog.list_allowed(asker.principal, Permission.READ, *name.parts[:2])
    missing = {*sources, *related} - {record.name.dataset for record in readable}
    if missing:
        raise NotFoundError(f"there is no channel {', '.join(sorted(missing))} beside {name}")


def _put_origin(
    catalog: Catalog,
    asker: Asker,
    name: DatasetName,
    sources: Collection[str],
    related: Collection[str],
) -> None:
    near = (frozenset(map(name.sibling, each)) for each in (sources, related))
    catalog.provenance.put(name, asker.principal, *near)


def _names(others: Collection[DatasetName]) -> tuple[str, ...]:
    return tuple(each.dataset for each in others)
