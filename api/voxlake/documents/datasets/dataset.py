"""Datasets: what the catalog says of one, and what its own metadata say."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from voxlake.documents.document import Document, Question
from voxlake.documents.labels.index import IndexDocument
from voxlake.documents.places.deleted import PurgedDocument
from voxlake.ngff.grid.axes import Axis, VoxelSize
from voxlake.ngff.lake import lies_elsewhere
from voxlake.ngff.metadata.channels import Channel, Channels
from voxlake.ngff.metadata.model import Level, Multiscale

if TYPE_CHECKING:
    from voxlake.ngff.dataset import Dataset
    from voxlake.ngff.stale import Mark
    from voxlake.ngff.volume import Volume
    from voxlake.platform.catalog import DatasetRecord
    from voxlake.platform.catalog.data.provenance import Origin


class DatasetSummary(Document):
    """A dataset in a list."""

    name: str = Field(examples=["flyem/medulla/em"])
    kind: Literal["image", "labels"]
    of: str | None = Field(description="Labels only: name of the image they belong to.")
    state: Literal["ingesting", "ready", "failed", "removing"]
    public: bool = Field(description="Whether everybody may read it.")
    read_only: bool = Field(
        default=False,
        description="Whether it is registered in place: read where it lies, never written to.",
    )
    created_at: datetime
    description: str = Field("", description="What people say of it.")


class RegisterQuestion(Question):
    """An OME-Zarr that is to be a dataset where it lies."""

    name: str = Field(examples=["lab/brain/em"], description="The dataset's name.")
    url: str = Field(
        max_length=2048,
        examples=["s3://open-data/brain/em.ome.zarr"],
        description="Of the group: a folder of the server, s3://, gs://, az:// or https://, on "
        "its list of stores that may be opened.",
    )
    of: str | None = Field(
        default=None,
        examples=["em"],
        description="Labels: the image of the same experiment that they belong to.",
    )


class DatasetList(Document):
    """The datasets that the asker may read, by name."""

    datasets: tuple[DatasetSummary, ...]
    next: str | None = Field(
        None, description="What to ask for `after`, for the next page; null: there is none."
    )


class NamedDocument(Document):
    """A dataset that was given another name."""

    before: str = Field(description="Its old name, which is free.")
    dataset: DatasetSummary
    labels: tuple[DatasetSummary, ...] = Field(description="Those that went with their image.")


class RemovedDocument(Document):
    """A dataset that is deleted."""

    removed: str = Field(description="Its name, which is free.")
    labels: tuple[str, ...] = Field(description="Names of those that went with their image.")
    job: str = Field(description="Id of the job that did it.")
    purged: tuple[PurgedDocument, ...] = Field(description="How much it was; nothing is left.")


class DeletionDocument(Document):
    """A dataset that is hidden, and will be deleted from the store by a worker."""

    id: int = Field(description="By which it is brought back: `/v2/deleted/{id}/restore`.")
    removing: str = Field(description="Its name, which is free.")
    labels: tuple[str, ...] = Field(description="Names of those that go with their image.")
    job: str = Field(description="Id of the job that waits for a worker.")
    purge_at: datetime = Field(
        description="From when on a worker deletes it for good; until then it can be brought back."
    )


class StoredDocument(Document):
    """What lies on the store, metadata aside."""

    objects: int = Field(description="Shards; those of nothing but fill are not stored.")
    bytes: int


class LevelDocument(Document):
    """One level of resolution; all lists are in the order of the axes."""

    level: int = Field(description="0 is the finest.")
    path: str = Field(description="Of the array below the group.")
    shape: tuple[int, ...]
    scale: tuple[float, ...] = Field(description="Physical size of a voxel.")
    translation: tuple[float, ...] = Field(
        description="Physical place of the first voxel's centre."
    )
    chunk: tuple[int, ...] = Field(description="Smallest readable block, in voxels.")
    shard: tuple[int, ...] = Field(description="Smallest writable block, in voxels.")
    codecs: tuple[dict[str, Any], ...] = Field(description="As the array's metadata have them.")
    stored: StoredDocument | None = Field(None, description="Null: it was not counted.")


class StaleDocument(Document):
    """How far the coarser levels are behind level 0."""

    boxes: int = Field(description="Boxes of level 0 that were written to and wait.")
    voxels: int = Field(description="Voxels of level 0 in them, at most: some may be in several.")
    since: datetime = Field(description="When the one was written to that waits longest.")


class ProvenanceDocument(Document):
    """Where a dataset came from, as far as the asker may know."""

    sources: tuple[str, ...] = Field((), description="Datasets that it was made from.")
    related: tuple[str, ...] = Field((), description="Datasets that it has to do with.")
    job: str | None = Field(None, description="Id of the job that made its voxels.")
    read_from: str | None = Field(
        None, description="What that job read; told on the command line alone."
    )


class DatasetDocument(DatasetSummary):
    """A dataset, with what its metadata on the store say."""

    store_url: str = Field(description="The OME-Zarr group, for direct access.")
    zarr_url: str | None = Field(
        None, description="The same bytes through the gateway; null: it was not asked."
    )
    flat_url: str | None = Field(
        None, description="The same without shards, zarr v3 and v2; null: no gateway was asked."
    )
    precomputed_url: str | None = Field(
        None,
        description="The same in Neuroglancer's precomputed format; null: no gateway was asked, or "
        "the format cannot have such a dataset.",
    )
    whole: bool = Field(
        default=True,
        description="False: its ingest has not ended; what is not written yet reads as fill.",
    )
    ngff_version: str
    shape: tuple[int, ...] = Field(description="Of level 0.")
    dtype: str = Field(examples=["uint8"])
    axes: tuple[Axis, ...] = Field(description="In the order of the arrays' dimensions.")
    voxel_size: VoxelSize = Field(description="Of level 0.")
    channels: tuple[Channel, ...] = Field(
        (), description="How each is called and shown; empty if the metadata do not say it."
    )
    levels: tuple[LevelDocument, ...]
    stored: StoredDocument | None = Field(None, description="All levels together.")
    stale: StaleDocument | None = Field(
        None, description="Where coarser levels are behind level 0; null: nowhere, or not asked."
    )
    index: IndexDocument | None = Field(None, description="Labels only, and only if asked for.")
    provenance: ProvenanceDocument | None = Field(
        None, description="Where it came from; null: it was not asked."
    )

    @property
    def axis_names(self) -> tuple[str, ...]:
        """Names of the axes, in the order of the arrays' dimensions."""
        return tuple(axis.name for axis in self.axes)

    @property
    def multiscale(self) -> Multiscale:
        """The dataset's metadata, as the rest of voxlake has them."""
        return Multiscale(
            self.name.rpartition("/")[2],
            self.axes,
            tuple(Level(each.path, each.scale, each.translation) for each in self.levels),
            self.ngff_version,
            is_labels=self.kind == "labels",
            channels=Channels(self.channels),
        )


def provenance_document(origin: Origin, *, read_from: bool = False) -> ProvenanceDocument:
    """Return where a dataset came from; `read_from` says whether to tell what its job read."""
    return ProvenanceDocument(
        sources=tuple(map(str, origin.sources)),
        related=tuple(map(str, origin.related)),
        job=origin.job,
        read_from=origin.read_from if read_from else None,
    )


def stale_document(marks: Sequence[Mark]) -> StaleDocument | None:
    """Return how far levels are behind, given the marks, the oldest first; None: they are not."""
    if not marks:
        return None
    boxes = {mark.box for mark in marks}
    return StaleDocument(
        boxes=len(boxes), voxels=sum(box.size for box in boxes), since=marks[0].made
    )


def dataset_summary(record: DatasetRecord) -> DatasetSummary:
    """Return a dataset's entry in a list."""
    return DatasetSummary(
        name=str(record.name),
        kind=record.kind,
        of=None if record.of is None else str(record.name.sibling(record.of)),
        state=record.state.value,
        public=record.public,
        read_only=lies_elsewhere(record),
        created_at=record.created_at,
        description=record.description,
    )


def dataset_document(
    record: DatasetRecord,
    dataset: Dataset,
    volumes: Sequence[Volume],
    *,
    index: IndexDocument | None = None,
    stored: Sequence[StoredDocument] | None = None,
) -> DatasetDocument:
    """Return all of a dataset.

    Parameters
    ----------
    record, dataset, volumes
        What the catalog says, the metadata of the group, and those of each level.
    index
        State of the label index, if it was asked for.
    stored
        Of each level, if it was counted.
    """
    counted = [None] * len(volumes) if stored is None else stored
    return DatasetDocument(
        **dict(dataset_summary(record)),
        store_url=str(dataset.url),
        whole=record.state.value == "ready",
        ngff_version=dataset.multiscale.version,
        shape=volumes[0].shape,
        dtype=volumes[0].dtype.name,
        axes=dataset.multiscale.axes,
        voxel_size=dataset.multiscale.voxel_size,
        channels=dataset.multiscale.channels_in(volumes[0].shape),
        levels=tuple(
            _level(dataset, number, volume, counted[number])
            for number, volume in enumerate(volumes)
        ),
        stored=None if stored is None else _total(stored),
        index=index,
    )


def _level(
    dataset: Dataset, number: int, volume: Volume, stored: StoredDocument | None
) -> LevelDocument:
    level = dataset.multiscale.levels[number]
    return LevelDocument(
        level=number,
        path=level.path,
        shape=volume.shape,
        scale=level.scale,
        translation=level.translation,
        chunk=volume.chunk,
        shard=volume.shard,
        codecs=_codecs(volume.metadata),
        stored=stored,
    )


def _codecs(metadata: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    """Return the codecs of zarr v3, or the filters and compressor of v2."""
    if metadata.get("zarr_format") == 2 or "compressor" in metadata:
        parts = (*(metadata.get("filters") or ()), metadata["compressor"])
        return tuple(part for part in parts if part)
    return tuple(metadata.get("codecs", ()))


def _total(stored: Sequence[StoredDocument]) -> StoredDocument:
    return StoredDocument(
        objects=sum(each.objects for each in stored), bytes=sum(each.bytes for each in stored)
    )
