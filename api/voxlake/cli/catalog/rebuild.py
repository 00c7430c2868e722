"""A catalog that was lost, made again from the store: of datasets, and of what was saved."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxlake.cli.catalog.repair import differences, record_of, registered_nodes
from voxlake.compute.jobs.saving import read_places, save_places
from voxlake.platform.catalog import DatasetRecord, DatasetState
from voxlake.platform.catalog.data.frames import Frame
from voxlake.platform.catalog.data.plans import FirstShown, Plan
from voxlake.platform.catalog.data.saved import SavedPlace
from voxlake.platform.errors import ConflictError, NotFoundError
from voxlake.platform.names import DatasetName

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxlake.cli.catalog.repair import Differences
    from voxlake.compute.jobs import Workspace
    from voxlake.documents.places.places import FrameDocument
    from voxlake.documents.places.saved import SavedPlaceDocument, SavedPlacesDocument
    from voxlake.platform.access import Principal
    from voxlake.platform.catalog import Catalog
    from voxlake.platform.store import StoreURL

NEVER_KNOWN = (
    "people, groups, tokens and rights: all is private; share it again, or restore a backup",
    "jobs and their history, the audit, and what was used",
)
"""What the store never tells."""
NOT_SAVED = (
    "descriptions, key-values, coordinate frames, provenance, collections and experiments without "
    "a dataset, and datasets that are registered in place: no catalog saved them here"
)


@dataclass(frozen=True, slots=True)
class Unknown:
    """What a catalog does not know, and could."""

    found: Differences
    saved: SavedPlacesDocument | None
    names: dict[str, tuple[str, ...]]
    """What the datasets of the store are called, by where they lie."""
    registered: tuple[SavedPlaceDocument, ...]
    places: tuple[SavedPlaceDocument, ...]
    """Collections and experiments."""
    frames: tuple[FrameDocument, ...]
    descriptions: tuple[tuple[tuple[str, ...], str], ...]
    """Names of places, and what they are."""
    values: tuple[tuple[tuple[str, ...], str, str], ...]
    """Names of places, keys and values."""


def unknown_to(lake: StoreURL, catalog: Catalog) -> Unknown:
    """Compare a catalog with what the store holds, and with what was saved there.

    Raises
    ------
    StoreError
        If the store fails: what it holds is not known then.
    CorruptDataError
        If what was saved is damaged.
    """
    found, saved, now = differences(lake, catalog), read_places(lake), catalog.saved.read()
    here = {place.names: place for place in now.places}
    names: dict[str, tuple[str, ...]] = {place.key: place.name.parts for place in found.unknown}
    names |= {each.dataset.url: each.names for each in now.places if each.dataset}
    places = saved.places if saved else ()
    registered = tuple(each for each in places if _is_elsewhere(each) and each.names not in here)
    names |= {each.dataset.url: each.names for each in registered if each.dataset}
    said = [(_names(each, names), each) for each in places]
    kept = [(which, each) for which, each in said if which is not None]
    frames = {frame.name for frame in now.frames}
    empty = SavedPlace(0, ())
    return Unknown(
        found=found,
        saved=saved,
        names=names,
        registered=registered,
        places=tuple(e for e in places if e.dataset is None and e.names not in here),
        frames=tuple(e for e in (saved.frames if saved else ()) if e.name not in frames),
        descriptions=tuple(
            (which, each.description)
            for which, each in kept
            if each.description and not here.get(which, empty).description
        ),
        values=tuple(
            (which, key, value)
            for which, each in kept
            for key, value in each.values.items()
            if key not in here.get(which, empty).values
        ),
    )


def take_in(workspace: Workspace, unknown: Unknown, owner: Principal) -> tuple[str, ...]:
    """Let the catalog know what it did not; nothing that it says is changed.

    Return what could not be taken in, in words. What is taken in is saved in its turn.
    """
    lake, catalog = workspace.lake, workspace.catalog
    catalog.saved.number_nodes_above(max(_numbers(lake, unknown), default=0))
    for frame in unknown.frames:
        catalog.frames.add(Frame(**frame.model_dump()))
    for each in unknown.places:
        catalog.saved.restore_place(_place(each, each.names))
        if each.frame is not None:
            catalog.collections.set_frame(each.names, each.frame)
        if each.plan is not None:
            catalog.plans.put(each.names, Plan(**each.plan.model_dump()))
    left = [*_take_datasets(workspace, unknown)]
    _take_what_is_said(catalog, unknown, owner)
    save_places(workspace, replace=True)
    return tuple(left)


def _take_datasets(workspace: Workspace, unknown: Unknown) -> Iterator[str]:
    """Add the datasets, with the ids that they had; yield why one could not be."""
    lake, catalog = workspace.lake, workspace.catalog
    known = _by_url(unknown)
    records = [record_of(lake, place) for place in unknown.found.unknown]
    records += [_registered(each) for each in unknown.registered]
    for record in records:
        before = known.get(record.url)
        try:
            if before is not None:
                catalog.saved.restore_place(_place(before, record.name.parts))
            catalog.add_dataset(record)
        except (ConflictError, NotFoundError) as error:
            yield f"{record.name}: {error}"
            continue
        shown = before.dataset.first_shown if before and before.dataset else None
        if shown is not None:
            catalog.plans.show_first(record.name, FirstShown(**shown.model_dump()))


def _take_what_is_said(catalog: Catalog, unknown: Unknown, owner: Principal) -> None:
    # Of what could not be added there is nothing to say.
    for names, description in unknown.descriptions:
        with suppress(NotFoundError):
            catalog.metadata.describe(names, description)
    for names, key, value in unknown.values:
        with suppress(NotFoundError):
            catalog.metadata.put_value(names, key, value)
    before = {"/".join(each.names): url for url, each in _by_url(unknown).items()}
    called = {name: "/".join(unknown.names[url]) for name, url in before.items()}
    for url, each in _by_url(unknown).items():
        if each.dataset is None or not (each.dataset.sources or each.dataset.related):
            continue
        name = DatasetName(*unknown.names[url])
        made_from, related = (
            [DatasetName.parse(called[other]) for other in others if other in called]
            for others in (each.dataset.sources, each.dataset.related)
        )
        with suppress(NotFoundError):
            there = catalog.provenance.get(name, owner)
            if not there.sources and not there.related:
                catalog.provenance.put(name, owner, made_from, related)


def _by_url(unknown: Unknown) -> dict[str, SavedPlaceDocument]:
    """Return what was saved of the datasets that there are, by where they lie."""
    places = unknown.saved.places if unknown.saved else ()
    known = {each.dataset.url: each for each in places if each.dataset}
    return {url: each for url, each in known.items() if url in unknown.names}


def _names(place: SavedPlaceDocument, names: dict[str, tuple[str, ...]]) -> tuple[str, ...] | None:
    """Return what a place is called; None of a dataset that is not there any more."""
    return place.names if place.dataset is None else names.get(place.dataset.url)


def _is_elsewhere(place: SavedPlaceDocument) -> bool:
    url = place.dataset.url if place.dataset else ""
    return "://" in url or url.startswith("/")


def _place(document: SavedPlaceDocument, names: tuple[str, ...]) -> SavedPlace:
    return SavedPlace(document.node, names)


def _registered(place: SavedPlaceDocument) -> DatasetRecord:
    if place.dataset is None:
        raise ValueError(f"{place.names} is no dataset")
    said = place.dataset
    name = DatasetName(*place.names)
    ready = DatasetState.READY
    return DatasetRecord(name, said.kind, said.of, said.url, ready, False, said.created_at)


def _numbers(lake: StoreURL, unknown: Unknown) -> Iterator[int]:
    """Yield the ids that nodes had, as far as they are known."""
    yield from (each.node for each in (unknown.saved.places if unknown.saved else ()))
    yield from registered_nodes(lake)
