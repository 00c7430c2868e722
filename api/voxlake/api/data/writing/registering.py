"""OME-Zarr that lies elsewhere is made a dataset, for administrators."""

from __future__ import annotations

from voxlake.api.guards.askers import Asker
from voxlake.documents.datasets.dataset import DatasetSummary, RegisterQuestion, dataset_summary
from voxlake.ngff.making import registering
from voxlake.platform.catalog import Catalog, DatasetRecord
from voxlake.platform.names import DatasetName, check_name


async def register(asker: Asker, asked: RegisterQuestion) -> DatasetSummary:
    """Make an OME-Zarr a dataset where it lies; as `registering.register`."""
    name = DatasetName.parse(asked.name)
    of = None if asked.of is None else check_name(asked.of, "image")
    gateway = asker.gateway

    def change(catalog: Catalog) -> DatasetRecord:
        where = gateway.lake, catalog, gateway.settings, asked.url
        return registering.register(*where, name, of)

    return dataset_summary(await asker.of_catalog(change))
