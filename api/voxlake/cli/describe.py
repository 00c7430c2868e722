"""What a dataset is: what the catalog says of it, and all that its store says."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType

from voxlake.cli.shown.output import Document, facts, size, table
from voxlake.ngff.dataset import Dataset, open_dataset
from voxlake.ngff.grid.axes import Axis, VoxelSize
from voxlake.ngff.labels.sidecars.status import index_status
from voxlake.ngff.labels.view import in_force
from voxlake.ngff.lake import address_of, index_url, place_of
from voxlake.platform import store
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from voxlake.ngff.metadata import Level
    from voxlake.ngff.volume import Volume
    from voxlake.platform.catalog import DatasetRecord


class StoredDocument(Document):
    """What lies on the store."""

    objects: int
    bytes: int


class LevelDocument(Document):
    """One level: its array, how it is cut, and what of it is stored."""

    path: str
    shape: tuple[int, ...]
    scale: tuple[float, ...]
    """Size of a voxel along each axis, in the axis's unit."""
    translation: tuple[float, ...]
    """Place of the centre of the first voxel."""
    chunk: tuple[int, ...]
    """Smallest readable block, in voxels."""
    shard: tuple[int, ...]
    """Smallest writable block, in voxels."""
    shards: tuple[int, ...]
    """Shards along each axis; those of nothing but fill are not stored."""
    codecs: list[dict[str, Any]]
    """As the array's metadata has them."""
    stored: StoredDocument
    """Its shards, without metadata."""


class RunsDocument(Document):
    """The part of a label index that is sorted by label."""

    runs: int
    """Segments in force; 0: labels are looked for in the sidecars."""
    rows: int
    """Rows, one for each label of a shard."""
    bytes: int
    """Size of these rows, and of the boxes beside them."""


class IndexDocument(Document):
    """The label index of labels."""

    url: str
    shards: int
    """Shards that are stored: the sum of the next three."""
    indexed: int
    """Those whose sidecar is true of what is stored now."""
    stale: int
    """Those whose sidecar is out of date; queries read their voxels instead."""
    missing: int
    """Those without a sidecar; queries read their voxels instead."""
    rows: int
    """Rows, one for each label of a chunk, of the sidecars that are true."""
    bytes: int
    """Size of the sidecars that are true."""
    bytes_per_row: float | None
    """Of these; null: there are no rows."""
    bytes_per_voxel: float
    """Of these, for each voxel of level 0."""
    by_label: RunsDocument


class AxisDocument(Document):
    """One axis, in the order of the arrays' dimensions."""

    name: str
    type: str | None
    unit: str | None


class VoxelSizeDocument(Document):
    """Size of a voxel of level 0."""

    z: float
    y: float
    x: float
    unit: str


class DatasetDocument(Document):
    """A dataset."""

    name: str
    url: str
    """Address of its OME-Zarr group on the store."""
    kind: str
    of: str | None
    """Labels: the image that they belong to."""
    state: str
    public: bool
    created_at: datetime
    ngff: str
    """Version of its metadata."""
    dtype: str
    shape: tuple[int, ...]
    axes: tuple[AxisDocument, ...]
    voxel_size: VoxelSizeDocument
    levels: tuple[LevelDocument, ...]
    voxels: int
    """Of level 0."""
    stored: StoredDocument
    """The shards of all levels."""
    index: IndexDocument | None = None


def describe(lake: StoreURL, record: DatasetRecord) -> DatasetDocument:
    """Return all there is to say about a dataset; lists its objects.

    Raises
    ------
    NotFoundError, CorruptDataError, StoreError
        If its store does not have what the catalog says, or does not answer.
    """
    dataset = open_dataset(address_of(lake, record))
    levels = tuple(_level(dataset, number) for number in range(dataset.levels))
    finest, voxel_size = dataset.level(0), dataset.multiscale.voxel_size
    return DatasetDocument(
        name=str(record.name),
        url=str(dataset.url),
        kind=record.kind,
        of=record.of,
        state=record.state,
        public=record.public,
        created_at=record.created_at,
        ngff=dataset.multiscale.version,
        dtype=finest.dtype.name,
        shape=finest.shape,
        axes=tuple(map(_axis, dataset.multiscale.axes)),
        voxel_size=_voxel_size(voxel_size),
        levels=levels,
        voxels=math.prod(finest.shape),
        stored=_sum(level.stored for level in levels),
        index=_index(finest, index_of(lake, record)) if record.kind == "labels" else None,
    )


def index_of(lake: StoreURL, record: DatasetRecord) -> StoreURL:
    """Return the address of the label index of labels."""
    return index_url(lake, place_of(record))


def shown_dataset(dataset: DatasetDocument) -> Iterable[RenderableType]:
    """Yield what people see of a dataset."""
    size_of = dataset.voxel_size
    yield facts(
        (
            ("dataset", dataset.name),
            ("store", dataset.url),
            ("kind", f"{dataset.kind} of {dataset.of}" if dataset.of else dataset.kind),
            ("state", f"{dataset.state}, {'public' if dataset.public else 'private'}"),
            ("format", f"OME-Zarr {dataset.ngff}, {dataset.dtype}"),
            ("axes", tuple(axis.name for axis in dataset.axes)),
            ("shape", dataset.shape),
            ("voxel size", f"{size_of.z:g}, {size_of.y:g}, {size_of.x:g} {size_of.unit}"),
            ("stored", _said(dataset.stored)),
            ("label index", _index_said(dataset.index)),
        )
    )
    yield table(
        ("level", "shape#", "scale#", "translation#", "shards#", "shard#", "chunk#", "stored#"),
        (
            (
                level.path,
                level.shape,
                level.scale,
                level.translation,
                level.shards,
                level.shard,
                level.chunk,
                _said(level.stored),
            )
            for level in dataset.levels
        ),
    )
    yield facts([("codecs", " > ".join(map(codec_said, dataset.levels[0].codecs)))])


def codec_said(codec: dict[str, Any]) -> str:
    """Return a zarr codec in a few words.

    Examples
    --------
    >>> codec_said({"name": "zstd", "configuration": {"level": 1, "checksum": True}})
    'zstd(level=1, checksum=True)'
    """
    name = str(codec.get("name") or codec.get("id"))
    options = codec.get("configuration") or {k: v for k, v in codec.items() if k != "id"}
    if inner := options.get("codecs"):
        return f"{name}({' > '.join(map(codec_said, inner))})"
    if "name" in options:
        return name
    return f"{name}({', '.join(f'{k}={v}' for k, v in options.items())})" if options else name


def _level(dataset: Dataset, number: int) -> LevelDocument:
    level: Level = dataset.multiscale.levels[number]
    volume = dataset.level(number)
    return LevelDocument(
        path=level.path,
        shape=volume.shape,
        scale=level.scale,
        translation=level.translation,
        chunk=volume.chunk,
        shard=volume.shard,
        shards=tuple(math.ceil(n / s) for n, s in zip(volume.shape, volume.shard, strict=True)),
        codecs=_codecs(volume.metadata),
        stored=_stored(volume.url),
    )


def _codecs(metadata: dict[str, Any]) -> list[dict[str, Any]]:
    if "codecs" in metadata:
        return list(metadata["codecs"])
    parts = [*(metadata.get("filters") or []), metadata.get("compressor")]
    return [part for part in parts if part]


def _index(volume: Volume, url: StoreURL) -> IndexDocument:
    status = index_status(volume, url)
    manifest = in_force(volume, url).manifest
    segments = manifest.segments if manifest else ()
    parts = [part for segment in segments for part in segment.parts]
    return IndexDocument(
        url=str(url),
        shards=status.shards,
        indexed=status.indexed,
        stale=status.stale,
        missing=status.missing,
        rows=status.rows,
        bytes=status.bytes,
        bytes_per_row=status.bytes / status.rows if status.rows else None,
        bytes_per_voxel=status.bytes / math.prod(volume.shape),
        by_label=RunsDocument(
            runs=len(segments),
            rows=sum(part.rows for part in parts),
            bytes=sum(part.bytes + part.boxes.labels * part.boxes.record for part in parts),
        ),
    )


def _stored(url: StoreURL) -> StoredDocument:
    if url.is_local and not url.path.is_dir():
        return StoredDocument(objects=0, bytes=0)
    sizes = [
        found.size
        for found in store.walk(url)
        if found.url.name not in {"zarr.json", ".zarray", ".zattrs"}
    ]
    return StoredDocument(objects=len(sizes), bytes=sum(sizes))


def _sum(parts: Iterable[StoredDocument]) -> StoredDocument:
    every = tuple(parts)
    return StoredDocument(
        objects=sum(part.objects for part in every), bytes=sum(part.bytes for part in every)
    )


def _axis(axis: Axis) -> AxisDocument:
    return AxisDocument(name=axis.name, type=axis.type, unit=axis.unit)


def _voxel_size(voxel_size: VoxelSize) -> VoxelSizeDocument:
    z, y, x = voxel_size.zyx
    return VoxelSizeDocument(z=z, y=y, x=x, unit=voxel_size.unit)


def _said(stored: StoredDocument) -> str:
    return f"{size(stored.bytes)} in {stored.objects:,}"


def _index_said(index: IndexDocument | None) -> str | None:
    if index is None:
        return "only labels have one"
    said = f"{index.indexed} of {index.shards} shards, {index.rows:,} rows, {size(index.bytes)}"
    if index.bytes_per_row is not None:
        each = f"{index.bytes_per_row:.1f} a row, {index.bytes_per_voxel:.2g} a voxel"
        said = f"{said} ({each}); by label {index.by_label.rows:,}, {size(index.by_label.bytes)}"
    if index.indexed == index.shards:
        return said
    return f"{said}; {index.stale} stale, {index.missing} missing: voxlake index mends it"
