"""Documents made of records, metadata and volumes. Pure."""

from __future__ import annotations

from typing import Any

from voxlake.api.v2.documents import (
    AxisDocument,
    DatasetDocument,
    IndexDocument,
    LevelDocument,
    Summary,
)
from voxlake.ngff.dataset import Dataset
from voxlake.ngff.grid.box import Box
from voxlake.ngff.labels.sidecars.status import IndexStatus
from voxlake.ngff.volume import Volume
from voxlake.platform.catalog import DatasetRecord


def summarize(record: DatasetRecord) -> Summary:
    """Return a dataset's entry in a list."""
    of = None if record.of is None else str(record.name.sibling(record.of))
    return Summary(
        name=str(record.name),
        kind=record.kind,
        of=of,
        state=record.state.value,
        public=record.public,
        created_at=record.created_at,
    )


def describe(
    record: DatasetRecord,
    dataset: Dataset,
    volumes: list[Volume],
    index: IndexStatus | None,
    urls: tuple[str, str],
) -> DatasetDocument:
    """Return all of a dataset; `urls` are those of the store and of the gateway's ``/zarr``."""
    return DatasetDocument(
        **summarize(record).model_dump(),
        store_url=urls[0],
        zarr_url=urls[1],
        ngff_version=dataset.multiscale.version,
        shape=list(volumes[0].shape),
        dtype=volumes[0].dtype.name,
        axes=[
            AxisDocument(name=axis.name, type=axis.type and axis.type.value, unit=axis.unit)
            for axis in dataset.multiscale.axes
        ],
        levels=[_level(dataset, number, volume) for number, volume in enumerate(volumes)],
        index=index and IndexDocument.model_validate(index),
    )


def named_ranges(box: Box, axes: tuple[str, ...]) -> dict[str, tuple[int, int]]:
    """Return a box as half-open ranges by axis.

    Examples
    --------
    >>> named_ranges(Box((0, 8), (4, 9)), ("y", "x"))
    {'y': (0, 4), 'x': (8, 9)}
    """
    return dict(zip(axes, zip(box.start, box.stop, strict=True), strict=True))


def _level(dataset: Dataset, number: int, volume: Volume) -> LevelDocument:
    level = dataset.multiscale.levels[number]
    return LevelDocument(
        level=number,
        path=level.path,
        shape=list(volume.shape),
        scale=list(level.scale),
        translation=list(level.translation),
        chunk=list(volume.chunk),
        shard=list(volume.shard),
        codecs=_codecs(volume.metadata),
    )


def _codecs(metadata: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the codecs of zarr v3, or the filters and compressor of v2."""
    if metadata.get("zarr_format") == 2 or "compressor" in metadata:
        return [each for each in (*(metadata.get("filters") or ()), metadata["compressor"]) if each]
    return list(metadata.get("codecs", []))
