"""Levels as if their inner chunks were objects of their own: what `/flat` sends of a dataset."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from anyio import to_thread

from voxlake.api.data import portions
from voxlake.api.data.opened import opened_dataset, opened_level
from voxlake.api.data.stored.chunks import read_chunk
from voxlake.api.data.stored.objects import Choose, Part, read_part
from voxlake.api.guards.datasets import Granted
from voxlake.ngff.dataset import Dataset
from voxlake.ngff.grid.box import Cell, cell_box, grid_shape
from voxlake.ngff.metadata.unsharded import GROUP_V2, array_v2, attributes_v2, unsharded
from voxlake.ngff.metadata.writing import encoded
from voxlake.ngff.shards.format import find_shard_index
from voxlake.ngff.volume import Volume
from voxlake.platform.access import ReadVoxels
from voxlake.platform.errors import ObjectNotFoundError, UnsupportedError

CONSOLIDATED_V2 = ".zmetadata"


@dataclass(frozen=True, slots=True)
class FlatLevel:
    """A level of a dataset of zarr v3, by its chunks."""

    dataset: Dataset
    number: int
    volume: Volume

    @property
    def path(self) -> str:
        """Path of its array below the group."""
        return self.dataset.multiscale.levels[self.number].path

    def documents(self) -> dict[str, dict[str, Any]]:
        """Return the documents of its array by their names; those of zarr v2 if there are any.

        Raises
        ------
        UnsupportedError
            If its chunks are no chunks of the array.
        """
        v3 = unsharded(self.volume.metadata)
        dimensions = {"_ARRAY_DIMENSIONS": list(self.dataset.multiscale.axis_names)}
        try:
            v2 = {".zarray": array_v2(v3), ".zattrs": dimensions}
        except UnsupportedError:
            v2 = {}
        return {"zarr.json": v3, **v2}


async def find_level(granted: Granted[ReadVoxels], key: str) -> FlatLevel | None:
    """Return the level whose array, or something in it, has a key below the group.

    None if it is in no level, or the level is stored as zarr v2, which has no shards.
    """
    dataset = await opened_dataset(granted)
    for number, level in enumerate(dataset.multiscale.levels):
        if f"{key}/".startswith(f"{level.path}/"):
            volume = await opened_level(granted, dataset, number)
            return None if volume.zarr_format == 2 else FlatLevel(dataset, number, volume)
    return None


async def group_documents_v2(granted: Granted[ReadVoxels]) -> dict[str, dict[str, Any]]:
    """Return the documents of the group for zarr v2, cut to the levels that may be read.

    None of them if the dataset is stored as zarr v2.
    """
    dataset = await opened_dataset(granted)
    first = await opened_level(granted, dataset, 0)
    if first.zarr_format == 2:
        return {}
    open_paths = await portions.open_levels(granted)
    attributes = attributes_v2(dataset.multiscale, of_image=granted.record.of is not None)
    for each in attributes["multiscales"]:
        each["datasets"] = [one for one in each["datasets"] if one["path"] in open_paths]
    documents = {".zgroup": dict(GROUP_V2), ".zattrs": attributes}
    inner = dict(documents)
    for number, level in enumerate(dataset.multiscale.levels):
        if level.path in open_paths:
            flat = FlatLevel(dataset, number, await opened_level(granted, dataset, number))
            found = flat.documents().items()
            inner |= {f"{level.path}/{name}": each for name, each in found if name[0] == "."}
    return {**documents, CONSOLIDATED_V2: {"zarr_consolidated_format": 1, "metadata": inner}}


async def read_flat_chunk(
    granted: Granted[ReadVoxels], level: FlatLevel, chunk: Cell, choose: Choose
) -> Part:
    """Return those bytes of a chunk of a level that `choose` picks, as they lie.

    Raises
    ------
    ForbiddenError
        If not all of its voxels may be read.
    ObjectNotFoundError
        If it is all fill, or there is no such chunk.
    UnsupportedError
        If the chunks lie in shards whose index is coded in another way than all writers do.
    """
    volume = level.volume
    shape = volume.chunk
    grid = grid_shape(volume.shape, shape)
    if len(chunk) != len(grid) or any(i >= n for i, n in zip(chunk, grid, strict=True)):
        raise ObjectNotFoundError(f"chunk {chunk} is not there; {level.path} has {grid} chunks")
    box = cell_box(chunk, shape) & volume.box
    await portions.check_box(granted, level.dataset, level.number, box)
    part = await _read(volume, chunk, choose)
    if part is None:
        raise ObjectNotFoundError(f"chunk {chunk} of {level.path} is not stored: all of it is fill")
    return part


async def _read(volume: Volume, chunk: Cell, choose: Choose) -> Part | None:
    index = find_shard_index(volume)
    if index is not None:
        return await read_chunk(volume, index, chunk, choose)
    if volume.chunk != volume.shard:
        raise UnsupportedError(
            f"the index of the shards of {volume.url} is not coded as bytes, crc32c; read it at "
            "/zarr, or as cutouts"
        )
    try:
        return await read_part(volume.shard_url(chunk), choose)
    except ObjectNotFoundError:
        await to_thread.run_sync(volume.check_there)
        return None


def without_consolidated(body: bytes) -> bytes:
    """Return the document of a group without metadata of its arrays, which are of others here."""
    if b"consolidated_metadata" not in body:
        return body
    document = json.loads(body)
    return encoded({key: each for key, each in document.items() if key != "consolidated_metadata"})
