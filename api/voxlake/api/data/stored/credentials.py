"""Keys of S3 for one dataset: for what the asker may read and write of it.

Not for labels inside it that they may not read, nor for what tells of them.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from anyio import to_thread

from voxlake.api.data.datasets import open_dataset
from voxlake.api.guards.datasets import Granted, relatives
from voxlake.documents.people.credentials import CredentialsDocument, credentials_document
from voxlake.ngff import lake
from voxlake.ngff.storage.reach import levels_of, reach_of
from voxlake.platform.access import AddVoxels, DeleteVoxels, ReadVoxels
from voxlake.platform.store.s3.temporary import Reach, temporary_keys


async def reading_keys(granted: Granted[ReadVoxels]) -> CredentialsDocument:
    """Return keys that read a dataset where it lies."""
    return await _keys(granted, await _readable(granted))


async def writing_keys(
    granted: Granted[ReadVoxels],
    adding: Granted[AddVoxels],
    deleting: Granted[DeleteVoxels] | None,
) -> CredentialsDocument:
    """Return keys that read a dataset, and write its levels.

    Parameters
    ----------
    granted, adding
        The right to read its voxels, and to write them.
    deleting
        The right to delete them, if the asker has it.
    """
    lake.check_writable(lake.place_of(adding.record), "writing")
    reach = await _readable(granted)
    levels = levels_of(await open_dataset(granted))
    return await _keys(granted, replace(reach, write=levels, may_delete=deleting is not None))


async def _readable(granted: Granted[ReadVoxels]) -> Reach:
    """Return what may be read of a dataset, and of those labels inside it that may be seen."""
    place = lake.place_of(granted.record)
    lake.check_writable(place, "direct access")
    dataset = await open_dataset(granted)
    if granted.record.kind == "labels":
        return reach_of(dataset, place)
    seen = [each.record for each in await relatives(granted) if each.record.of]
    find = partial(granted.gateway.catalog.labels_of, granted.record.name)
    there = {record.name for record in await to_thread.run_sync(find)}
    all_labels = there == {record.name for record in seen}
    return reach_of(dataset, place, map(lake.place_of, seen), all_labels=all_labels)


async def _keys(granted: Granted[ReadVoxels], reach: Reach) -> CredentialsDocument:
    settings = granted.gateway.settings
    url = lake.address_of(granted.lake, granted.record, settings)
    seconds, name = settings.sts_seconds, granted.asker
    find = partial(temporary_keys, url, reach, settings, name=name, seconds=seconds)
    keys = await to_thread.run_sync(find)
    return credentials_document(url, reach, keys)
