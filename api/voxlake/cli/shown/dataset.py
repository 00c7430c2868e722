"""Datasets, as people see them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from voxlake.cli.shown.output import Shown, facts, size, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from voxlake.documents.datasets.dataset import (
        DatasetDocument,
        DatasetSummary,
        LevelDocument,
        NamedDocument,
        ProvenanceDocument,
        StaleDocument,
        StoredDocument,
    )
    from voxlake.ngff.metadata.channels import Channel


def shown_summary(dataset: DatasetSummary) -> Shown:
    """Yield what people see of a dataset in a few words."""
    access = "public" if dataset.public else "private"
    yield facts((("dataset", dataset.name), ("state", f"{dataset.state}, {access}")))


def shown_names(named: NamedDocument) -> Shown:
    """Yield what people see of a dataset that was renamed."""
    labels = ", ".join(each.name for each in named.labels)
    yield facts(
        (("dataset", named.dataset.name), ("before", named.before), ("with it", labels or None))
    )


def shown_provenance(provenance: ProvenanceDocument) -> Shown:
    """Yield what people see of where a dataset came from."""
    yield facts(
        (
            ("made by job", provenance.job),
            ("read from", provenance.read_from),
            ("made from", ", ".join(provenance.sources) or None),
            ("related to", ", ".join(provenance.related) or None),
        )
    )


UNFINISHED = "its ingest has not ended, and what is not written yet reads as fill"


def shown_dataset(dataset: DatasetDocument) -> Shown:
    """Yield what people see of a dataset."""
    voxel_size = dataset.voxel_size
    yield facts(
        (
            ("dataset", dataset.name),
            ("description", dataset.description or None),
            ("store", dataset.store_url),
            ("kind", f"{dataset.kind} of {dataset.of}" if dataset.of else dataset.kind),
            ("state", f"{dataset.state}, {'public' if dataset.public else 'private'}"),
            ("read-only", "registered in place" if dataset.read_only else None),
            ("whole", None if dataset.whole else f"no: {UNFINISHED}"),
            ("format", f"OME-Zarr {dataset.ngff_version}, {dataset.dtype}"),
            ("axes", dataset.axis_names),
            ("shape", dataset.shape),
            ("channels", ", ".join(map(_channel, dataset.channels)) or None),
            ("voxel size", _in_unit(voxel_size.zyx, voxel_size.unit)),
            ("translation", _in_unit(dataset.multiscale.translation, voxel_size.unit)),
            ("time step", _time_step(dataset)),
            ("stored", _stored(dataset.stored)),
            ("levels", _stale(dataset.stale)),
            ("label index", " ".join(_index(dataset))),
        )
    )
    if dataset.provenance is not None:
        yield from shown_provenance(dataset.provenance)
    yield table(
        ("level", "shape#", "scale#", "translation#", "shards#", "shard#", "chunk#", "stored#"),
        map(_level, dataset.levels),
    )
    yield facts([("codecs", " > ".join(map(codec_text, dataset.levels[0].codecs)))])


def _channel(channel: Channel) -> str:
    window = channel.window
    shown = f"{window.start:g} to {window.end:g}" if window else ""
    color = f"#{channel.color}" if channel.color else ""
    return " ".join(filter(None, (channel.label, color, shown)))


def _in_unit(numbers: Sequence[float], unit: str | None) -> str:
    return f"{', '.join(f'{n:g}' for n in numbers)} {unit or '(no unit)'}"


def _time_step(dataset: DatasetDocument) -> str | None:
    """Return the scale of axis t, if there is one."""
    pairs = zip(dataset.axes, dataset.levels[0].scale, strict=True)
    return next(
        (f"{s:g} {axis.unit or ''}".rstrip() for axis, s in pairs if axis.name == "t"), None
    )


def codec_text(codec: dict[str, Any]) -> str:
    """Return a zarr codec in a few words.

    Examples
    --------
    >>> codec_text({"name": "zstd", "configuration": {"level": 1, "checksum": True}})
    'zstd(level=1, checksum=True)'
    """
    name = str(codec.get("name") or codec.get("id"))
    options = codec.get("configuration") or {k: v for k, v in codec.items() if k != "id"}
    if inner := options.get("codecs"):
        return f"{name}({' > '.join(map(codec_text, inner))})"
    if "name" in options:
        return name
    return f"{name}({', '.join(f'{k}={v}' for k, v in options.items())})" if options else name


def _level(level: LevelDocument) -> tuple[object, ...]:
    shards = tuple(-(-n // s) for n, s in zip(level.shape, level.shard, strict=True))
    return (
        level.path,
        level.shape,
        level.scale,
        level.translation,
        shards,
        level.shard,
        level.chunk,
        _stored(level.stored),
    )


def _stored(stored: StoredDocument | None) -> str | None:
    if stored is None:
        return None
    return f"{size(stored.bytes)} in {stored.objects:,} shard{'' if stored.objects == 1 else 's'}"


def _stale(stale: StaleDocument | None) -> str | None:
    if stale is None:
        return None
    return (
        f"behind level 0 in {stale.boxes:,} box{'' if stale.boxes == 1 else 'es'}, "
        f"{stale.voxels:,} voxels, since {stale.since:%Y-%m-%d %H:%M:%S} UTC"
    )


def _index(dataset: DatasetDocument) -> Iterator[str]:
    index = dataset.index
    if index is None:
        yield "only labels have one"
        return
    yield f"{index.indexed} of {index.shards} shards, {index.rows:,} rows, {size(index.bytes)}"
    if index.rows:
        each = index.bytes / math.prod(dataset.shape)
        yield f"({index.bytes / index.rows:.1f} a row, {each:.2g} a voxel);"
    if index.by_label is not None:
        yield f"by label {index.by_label.rows:,}, {size(index.by_label.bytes)}"
    if index.indexed < index.shards:
        yield f"; {index.stale} stale, {index.missing} missing: voxlake index mends it"
