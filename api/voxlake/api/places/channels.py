"""Experiments as bossDB sees them: their channels, and the frame in which these lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from anyio import to_thread

from voxlake.api.data import datasets as data
from voxlake.api.guards.askers import Asker, GrantedPlace
from voxlake.api.guards.datasets import Granted, list_granted
from voxlake.documents.datasets.dataset import (
    DatasetDocument,
    ProvenanceDocument,
    provenance_document,
)
from voxlake.documents.places.places import FrameDocument, frame_document
from voxlake.platform.access import Add, Permission, Read, ReadVoxels, Right
from voxlake.platform.catalog import Catalog

NOBODY = "unknown"
"""Who made a thing of which that is not known."""


@dataclass(frozen=True, slots=True)
class Channel:
    """A dataset, and what the catalog knows besides."""

    dataset: DatasetDocument
    creator: str
    provenance: ProvenanceDocument


async def list_names(asker: Asker, above: Sequence[str]) -> tuple[str, ...]:
    """Return the collections, or the experiments of one, that the asker may read, by name."""
    found = await asker.of_catalog(
        lambda catalog: catalog.collections.list_allowed(asker.principal, Permission.READ, above)
    )
    return tuple(each.name for each in found)


async def list_channels(
    granted: GrantedPlace[Read] | GrantedPlace[Add],
) -> list[Granted[Read]]:
    """Return the datasets of an experiment that the asker may read, by name."""
    asker, (collection, experiment) = granted.asker, granted.place.names
    return await list_granted(asker.gateway, asker.principal, Read, (collection, experiment))


async def describe_channels(granted: GrantedPlace[Read]) -> list[DatasetDocument]:
    """Return what the datasets of an experiment are like that the asker may read."""
    return [await data.describe_stored(each) for each in await list_channels(granted)]


async def get_channel(granted: Granted[Read]) -> Channel:
    """Return all that is known of a dataset."""
    document = await data.describe_stored(granted)
    return Channel(document, *await get_origin(granted))


async def get_origin(granted: Granted[Read]) -> tuple[str, ProvenanceDocument]:
    """Return who made a dataset, and where it came from."""
    asker, node = Asker(granted.access.principal, granted.gateway), granted.record.node

    def ask(catalog: Catalog) -> tuple[str, ProvenanceDocument]:
        creator = catalog.metadata.creator_at(node) or NOBODY
        origin = catalog.provenance.get_at(node, asker.principal)
        return creator, provenance_document(origin)

    return await asker.of_catalog(ask)


async def frame_of(granted: Granted[Right]) -> FrameDocument | None:
    """Return the frame in which a dataset lies; None if its experiment names none."""
    return await to_thread.run_sync(_find_frame, granted)


async def recent_frame_of(granted: Granted[ReadVoxels]) -> FrameDocument | None:
    """Return the frame as it was within the last second: to read, and not to write."""
    return await granted.gateway.frames.get(granted.record, partial(_find_frame, granted))


def _find_frame(granted: Granted[Right]) -> FrameDocument | None:
    catalog = granted.gateway.catalog
    name = catalog.collections.get(granted.record.name.parts[:2]).frame
    return None if name is None else frame_document(catalog.frames.get(name))
