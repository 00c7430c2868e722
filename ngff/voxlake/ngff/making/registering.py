"""Register an OME-Zarr in place: it becomes a dataset that is read where it lies."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from voxlake.ngff.dataset import open_dataset
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.lake import address_of, lies_elsewhere
from voxlake.platform.catalog.data.record import DatasetRecord, DatasetState
from voxlake.platform.errors import ConflictError, UnsupportedError
from voxlake.platform.store.allowed.stores import allowed_store

if TYPE_CHECKING:
    from voxlake.ngff.dataset import Dataset
    from voxlake.platform.catalog import Catalog
    from voxlake.platform.names import DatasetName
    from voxlake.platform.settings import Settings
    from voxlake.platform.store import StoreURL


def register(
    lake: StoreURL,
    catalog: Catalog,
    settings: Settings,
    where: str,
    name: DatasetName,
    of: str | None = None,
) -> DatasetRecord:
    """Make the OME-Zarr at `where` a dataset of the catalog, private and never written to.

    Parameters
    ----------
    where
        Folder or URL of its group, below the lake or a store on the list.
    of
        Dataset part of the name of the image that it is labels of.

    Raises
    ------
    InvalidInputError, StoreForbiddenError
        If `where` is no store, or not on the list.
    NotFoundError, UnsupportedError, CorruptDataError
        If there is no OME-Zarr, or voxlake cannot read it.
    ConflictError
        If there is a dataset of that name or place.
    StoreError
        If the store does not answer.
    """
    url = allowed_store(where, lake, settings)
    dataset = open_dataset(url)
    kind = _kind_of(dataset, of)
    _ = dataset.multiscale.voxel_size  # whatever shows it asks for that
    _check_apart(lake, catalog, url, settings)
    record = DatasetRecord(
        name=name,
        kind=kind.value,
        of=of,
        url=str(url),
        state=DatasetState.READY,
        public=False,
        created_at=datetime.now(UTC),
    )
    catalog.add_dataset(record)
    return catalog.get_dataset(name)


def _kind_of(dataset: Dataset, of: str | None) -> Kind:
    """Return whether it is an image or labels, once all of its levels were opened."""
    volumes = dataset.every_level()
    if of is None:
        return dataset.kind
    if volumes[0].dtype.kind != "u":
        raise UnsupportedError(
            f"{dataset.url} has voxels of {volumes[0].dtype}, which are no labels of {of}; leave "
            "out the image that it is to belong to"
        )
    return Kind.LABELS


def _check_apart(lake: StoreURL, catalog: Catalog, url: StoreURL, settings: Settings) -> None:
    """Raise ConflictError if it is a dataset that the lake has, or in one, or around one."""
    for record in catalog.list_datasets():
        known = record.url if lies_elsewhere(record) else str(address_of(lake, record, settings))
        if known == str(url) or (not lies_elsewhere(record) and _overlap(known, str(url))):
            raise ConflictError(
                f"{url} is, or holds, or lies in {record.name}, which the lake has already"
            )


def _overlap(a: str, b: str) -> bool:
    one, other = (f"{each.partition('?')[0]}/" for each in (a, b))
    return one.startswith(other) or other.startswith(one)
