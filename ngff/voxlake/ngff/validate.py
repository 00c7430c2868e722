"""Validate: what voxlake relies on (docs/explanation/format.md), for any dataset on a store."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from voxlake.ngff.dataset import Dataset, open_dataset
from voxlake.ngff.grid.box import grid_shape
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.grid.pyramid import level_translation
from voxlake.ngff.grid.reduction import Reduction
from voxlake.ngff.metadata.reading import read_labels_names
from voxlake.platform import store
from voxlake.platform.errors import UNREADABLE, CorruptDataError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxlake.ngff.metadata.model import Level
    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL

CHECKSUMS = {"crc32c", "crc32", "adler32", "fletcher32", "gzip", "zlib"}
"""Codecs of zarr v3 and v2 that always notice damage; zstd does if told to."""

TOLERANCE = 1e-3
"""How far a scale factor, or a translation in voxels, may be off."""


class Severity(StrEnum):
    """How bad a finding is."""

    MUST = "MUST"
    """voxlake cannot use the dataset, or would use it wrongly."""
    SHOULD = "SHOULD"
    """It can be used, but not as safely or as precisely."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it has to be."""

    severity: Severity
    where: str
    """Address of the group or array."""
    text: str


def validate_dataset(url: StoreURL) -> list[Finding]:
    """Return what is wrong with the OME-Zarr group at `url` and with the labels in it.

    Metadata only: voxels are not read.

    Raises
    ------
    StoreError
        If the store fails: nothing is known of the dataset then.
    """
    try:
        dataset = open_dataset(url)
    except UNREADABLE as error:
        return [_must(url, str(error))]
    return [*_check_levels(dataset), *_check_labels(dataset)]


def _must(where: StoreURL, text: str) -> Finding:
    return Finding(Severity.MUST, str(where), text)


def _should(where: StoreURL, text: str) -> Finding:
    return Finding(Severity.SHOULD, str(where), text)


def _check_levels(dataset: Dataset) -> Iterator[Finding]:
    try:
        _ = dataset.multiscale.voxel_size
    except UnsupportedError as error:
        yield _must(dataset.url, str(error))
    volumes: list[Volume] = []
    for number in range(dataset.levels):
        try:
            volumes.append(dataset.level(number))
        except UNREADABLE as error:
            yield _must(dataset.level_url(number), str(error))
    for volume in volumes:
        yield from _check_array(dataset, volume)
        yield from _check_codecs(volume)
    if len({volume.dtype for volume in volumes}) > 1:
        found = ", ".join(str(volume.dtype) for volume in volumes)
        yield _must(dataset.url, f"the levels differ in data type: {found}")
    rank = len(dataset.multiscale.axes)
    if len(volumes) == dataset.levels and all(len(v.shape) == rank for v in volumes):
        yield from _check_geometry(dataset, volumes)


def _check_array(dataset: Dataset, volume: Volume) -> Iterator[Finding]:
    names = dataset.multiscale.axis_names
    if len(volume.shape) != len(names):
        yield _must(volume.url, f"has {len(volume.shape)} dimensions; the axes are {names}")
    if dataset.kind is Kind.LABELS and volume.dtype.kind not in "iu":
        yield _must(volume.url, f"holds {volume.dtype}; labels are integers")
    # zarr v2 has nowhere to write them.
    is_v2 = volume.metadata.get("zarr_format") == 2
    dimension_names = volume.metadata.get("dimension_names") or ()
    if not is_v2 and tuple(dimension_names) != names:
        yield _must(volume.url, f"dimension_names are {tuple(dimension_names)}; the axes {names}")


def _check_codecs(volume: Volume) -> Iterator[Finding]:
    metadata = volume.metadata
    codecs = metadata.get("codecs") or [*(metadata.get("filters") or ()), metadata["compressor"]]
    sharding = next((codec for codec in codecs if _name(codec) == "sharding_indexed"), None)
    inner = sharding["configuration"]["codecs"] if sharding else codecs
    if not any(map(_notices_damage, [*codecs, *inner])):
        yield _should(volume.url, "no codec carries a checksum; damage would be read as voxels")
    if sharding and "crc32c" not in map(_name, sharding["configuration"]["index_codecs"]):
        yield _should(volume.url, "the shard index has no crc32c; damage would be read as fill")


def _notices_damage(codec: dict[str, Any] | None) -> bool:
    if codec is None:
        return False
    configuration = codec.get("configuration", codec)
    return _name(codec) in CHECKSUMS or bool(configuration.get("checksum"))


def _name(codec: dict[str, Any] | None) -> str:
    return str((codec or {}).get("name") or (codec or {}).get("id"))


def _check_geometry(dataset: Dataset, volumes: list[Volume]) -> Iterator[Finding]:
    levels = dataset.multiscale.levels
    for level, volume in zip(levels[1:], volumes[1:], strict=True):
        factors = _factors(levels[0], level)
        if factors is None:
            yield _should(
                volume.url,
                f"scale {level.scale} is no whole number of times {levels[0].scale}",
            )
            continue
        yield from _check_shape(volume, volumes[0].shape, factors)
        at_first = dataset.reduction is Reduction.STRIDE
        blocks = (1,) * len(factors) if at_first else factors
        yield from _check_translation(volume.url, levels[0], level, blocks)


def _factors(base: Level, level: Level) -> tuple[int, ...] | None:
    """Return the total factors of `level`; None if they are not whole numbers from 1 on."""
    factors = []
    for fine, coarse in zip(base.scale, level.scale, strict=True):
        ratio = coarse / fine if fine else 0.0
        if not ratio >= 1 - TOLERANCE or ratio == math.inf or abs(ratio - round(ratio)) > TOLERANCE:
            return None
        factors.append(round(ratio))
    return tuple(factors)


def _check_shape(
    volume: Volume, base: tuple[int, ...], factors: tuple[int, ...]
) -> Iterator[Finding]:
    expected = grid_shape(base, factors)
    if volume.shape == expected:
        return
    rounded_down = tuple(max(1, n // f) for n, f in zip(base, factors, strict=True))
    text = f"has the shape {volume.shape}; {base} reduced by {factors} is {expected}"
    partial = all(a <= b <= c for a, b, c in zip(rounded_down, volume.shape, expected, strict=True))
    yield _should(volume.url, text) if partial else _must(volume.url, text)


def _check_translation(
    url: StoreURL, base: Level, level: Level, factors: tuple[int, ...]
) -> Iterator[Finding]:
    steps = level_translation(factors, base.scale)
    expected = tuple(t + step for t, step in zip(base.translation, steps, strict=True))
    off = (
        abs(found - wanted) / scale
        for found, wanted, scale in zip(level.translation, expected, base.scale, strict=True)
    )
    if max(off) > TOLERANCE:
        yield _should(url, f"lies at {level.translation}; blocks of {factors} lie at {expected}")


def _check_labels(image: Dataset) -> Iterator[Finding]:
    """Check the labels that the image lists, and that it lists all there are."""
    group = image.url / "labels"
    try:
        listed = read_labels_names(image.url)
    except CorruptDataError as error:
        yield _must(group, str(error))
        return
    for name in listed:
        yield from _check_labels_of(image, group / name)
    for name in sorted({*store.list_children(group)[0]} - {*listed}):
        yield _should(group / name, "is not in the list that the labels group keeps")


def _check_labels_of(image: Dataset, url: StoreURL) -> Iterator[Finding]:
    yield from validate_dataset(url)
    try:
        labels = open_dataset(url)
    except UNREADABLE:
        return  # among the findings
    if labels.kind is not Kind.LABELS:
        yield _must(url, "is listed as labels, but its metadata have no image-label")
    if labels.levels != image.levels:
        yield _must(url, f"has {labels.levels} levels; its image has {image.levels}")
