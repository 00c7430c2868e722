"""Validate: what voxlake relies on (docs/explanation/format.md), for any dataset on a store."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from voxlake.ngff.dataset import Dataset, open_dataset
from voxlake.ngff.grid.box import grid_shape
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.grid.pyramid import level_translation
from voxlake.ngff.grid.reduction import Reduction
from voxlake.ngff.metadata.probing import read_v3
from voxlake.ngff.metadata.reading import parse_document, read_labels_names, read_ome, version_of
from voxlake.ngff.metadata.rules.group import breaches
from voxlake.platform import store
from voxlake.platform.errors import (
    UNREADABLE,
    CorruptDataError,
    MetadataError,
    NotFoundError,
    UnsupportedError,
)

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping

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
    """It breaks NGFF, or what voxlake relies on: it is not used, or would be used wrongly."""
    UNSUPPORTED = "UNSUPPORTED"
    """It is something that voxlake does not use: a plate, another version, a rotation."""
    SHOULD = "SHOULD"
    """It can be used, but not as safely or as precisely."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it has to be."""

    severity: Severity
    rule: str
    """Stable name of what was looked at: ``metadata``, ``shape``, ``checksum`` and so on."""
    where: str
    """Address of the group or array."""
    text: str


def validate_dataset(url: StoreURL) -> list[Finding]:
    """Return what is wrong with the OME-Zarr group at `url` and with the labels in it.

    Metadata only: voxels are not read. All that NGFF 0.4, 0.5 or 0.6, whichever the group is of,
    says that an image or labels MUST be is looked at.

    Raises
    ------
    StoreError
        If the store fails: nothing is known of the dataset then.
    """
    return list(_check_dataset(url))


def validate_group(url: StoreURL) -> list[Finding]:
    """Return what is wrong with the OME-Zarr group at `url`, whatever is with labels in it.

    Raises
    ------
    StoreError
        As of `validate_dataset`.
    """
    return list(_check_group(url))


def _check_dataset(
    url: StoreURL, *, as_labels: bool = False
) -> Generator[Finding, None, Dataset | None]:
    """Check a group as `_check_group` does, and the labels in it."""
    dataset = yield from _check_group(url, as_labels=as_labels)
    if dataset is not None:
        yield from _check_labels(dataset)
    return dataset


def _check_group(
    url: StoreURL, *, as_labels: bool = False
) -> Generator[Finding, None, Dataset | None]:
    """Check a group, as one of labels if it is, or has to be; return it if it can be opened."""
    try:
        ome = read_ome(url)
        version = version_of(ome, str(url))
    except UnsupportedError as error:
        yield _unsupported("kind", url, str(error))
        return None
    except UNREADABLE as error:
        yield _must("metadata", url, str(error))
        return None
    format_ = yield from _check_node(url)
    if format_ == 3 and "version" not in ome and version == "0.4":
        version = "0.5"  # which must say so, as the first that lies in zarr v3
    broken = [_must("metadata", url, text) for text in breaches(ome, version)]
    if format_ != _zarr_format(version):
        broken.append(
            _must("zarr-version", url, f"is a group of zarr v{format_}, of NGFF {version}")
        )
    try:
        dataset = open_dataset(url)
    except UnsupportedError as error:
        yield from [*broken, _unsupported("transformation", url, str(error))]
        return None
    except UNREADABLE as error:
        yield from broken or [_must("metadata", url, str(error))]
        return None
    yield from broken
    yield from _check_order(dataset, ome)
    as_labels = as_labels or dataset.kind is Kind.LABELS
    yield from _check_levels(dataset, as_labels=as_labels)
    if not as_labels and not any(each.text.startswith("omero") for each in broken):
        yield from _check_channels(dataset)
    return dataset


def _check_node(url: StoreURL) -> Generator[Finding, None, int]:
    """Check that the document of a group says that it is one; return its version of zarr."""
    v3 = read_v3(url, ".zgroup")
    format_, name = (3, "zarr.json") if v3 else (2, ".zgroup")
    stored = v3 or store.read_if_there(url / name)
    if stored is None:
        yield _must("zarr-version", url, "has no .zgroup, so for zarr it is no group")
        return format_
    try:
        document = parse_document(stored.body, url / name)
    except MetadataError as error:
        yield _must("zarr-version", url, str(error))
        return format_
    expected = {"zarr_format": format_} | ({"node_type": "group"} if format_ == 3 else {})
    for key, value in expected.items():
        if document.get(key) != value:
            yield _must(
                "zarr-version", url, f"{key} of {name} is {document.get(key)!r}, not {value!r}"
            )
    return format_


def _must(rule: str, where: StoreURL, text: str) -> Finding:
    return Finding(Severity.MUST, rule, str(where), text)


def _unsupported(rule: str, where: StoreURL, text: str) -> Finding:
    return Finding(Severity.UNSUPPORTED, rule, str(where), text)


def _should(rule: str, where: StoreURL, text: str) -> Finding:
    return Finding(Severity.SHOULD, rule, str(where), text)


def _zarr_format(version: str) -> int:
    """Return the version of zarr that a version of NGFF lies in."""
    return 2 if version == "0.4" else 3


def _check_order(dataset: Dataset, ome: Mapping[str, Any]) -> Iterator[Finding]:
    """Check that levels are listed as they are read here: the finest first."""
    listed = [each["path"] for each in ome["multiscales"][0]["datasets"]]
    if listed != [level.path for level in dataset.multiscale.levels]:
        yield _must(
            "order",
            dataset.url,
            f"lists its levels as {', '.join(listed)}; the finest must be first",
        )


def _check_levels(dataset: Dataset, *, as_labels: bool) -> Iterator[Finding]:
    try:
        _ = dataset.multiscale.unit
    except UnsupportedError as error:
        yield _unsupported("unit", dataset.url, str(error))
    volumes = yield from _open_levels(dataset)
    for volume in volumes:
        yield from _check_array(dataset, volume)
        yield from _check_codecs(volume)
        if as_labels and volume.dtype.kind not in "iu":
            yield _must("data-type", volume.url, f"holds {volume.dtype}; labels are integers")
    if len({volume.dtype for volume in volumes}) > 1:
        found = ", ".join(str(volume.dtype) for volume in volumes)
        yield _must("data-type", dataset.url, f"the levels differ in data type: {found}")
    if len(volumes) == dataset.levels:
        yield from _check_geometry(dataset, volumes)


def _open_levels(dataset: Dataset) -> Generator[Finding, None, list[Volume]]:
    """Open the arrays of all levels; return those that can be."""
    volumes: list[Volume] = []
    for number in range(dataset.levels):
        try:
            volumes.append(dataset.level(number))
        except UnsupportedError as error:
            yield _unsupported("array", dataset.level_url(number), str(error))
        except UNREADABLE as error:
            yield _must("array", dataset.level_url(number), str(error))
    return volumes


def _check_channels(dataset: Dataset) -> Iterator[Finding]:
    """Check that what is said of channels can be used."""
    multiscale = dataset.multiscale
    try:
        count = multiscale.count_channels(dataset.level(0).shape)
    except UNREADABLE:  # said by others
        return
    for fault in multiscale.channels.fitting(count).faults:
        yield _should(
            "channels", dataset.url, f"omero is left out where it cannot be used: {fault}"
        )


def _check_array(dataset: Dataset, volume: Volume) -> Iterator[Finding]:
    names, version = dataset.multiscale.axis_names, dataset.multiscale.version
    found = 2 if volume.metadata.get("zarr_format") == 2 else 3
    if found != _zarr_format(version):
        yield _must("zarr-version", volume.url, f"is an array of zarr v{found}, of NGFF {version}")
    dimension_names = volume.metadata.get("dimension_names") or ()
    if version == "0.5" and found == 3 and tuple(dimension_names) != names:
        yield _must(
            "dimension-names",
            volume.url,
            f"dimension_names are {tuple(dimension_names)}; the axes {names}",
        )


def _check_codecs(volume: Volume) -> Iterator[Finding]:
    metadata = volume.metadata
    codecs = metadata.get("codecs") or [*(metadata.get("filters") or ()), metadata["compressor"]]
    sharding = next((codec for codec in codecs if _name(codec) == "sharding_indexed"), None)
    inner = sharding["configuration"]["codecs"] if sharding else codecs
    if not any(map(_notices_damage, [*codecs, *inner])):
        yield _should(
            "checksum", volume.url, "no codec carries a checksum; damage would be read as voxels"
        )
    if sharding and "crc32c" not in map(_name, sharding["configuration"]["index_codecs"]):
        yield _should(
            "checksum", volume.url, "the shard index has no crc32c; damage would be read as fill"
        )


def _notices_damage(codec: dict[str, Any] | None) -> bool:
    if codec is None:
        return False
    configuration = codec.get("configuration", codec)
    return _name(codec) in CHECKSUMS or bool(configuration.get("checksum"))


def _name(codec: dict[str, Any] | None) -> str:
    return str((codec or {}).get("name") or (codec or {}).get("id"))


def _check_geometry(dataset: Dataset, volumes: list[Volume]) -> Iterator[Finding]:
    levels = dataset.multiscale.levels
    for finer, coarser in pairwise(volumes):
        if any(c > f for f, c in zip(finer.shape, coarser.shape, strict=True)):
            yield _must(
                "order",
                coarser.url,
                f"has the shape {coarser.shape}, larger than the level before it, {finer.shape}; "
                "the finest must be first",
            )
    for level, volume in zip(levels[1:], volumes[1:], strict=True):
        factors = _factors(levels[0], level)
        if factors is None:
            yield _should(
                "scale",
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
        ratio = coarse / fine
        if ratio < 1 - TOLERANCE or abs(ratio - round(ratio)) > TOLERANCE:
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
    yield (_should if partial else _must)("shape", volume.url, text)


def _check_translation(
    url: StoreURL, base: Level, level: Level, factors: tuple[int, ...]
) -> Iterator[Finding]:
    expected = level_translation(factors, base.scale, base.translation)
    off = (
        abs(found - wanted) / scale
        for found, wanted, scale in zip(level.translation, expected, base.scale, strict=True)
    )
    if max(off) > TOLERANCE:
        yield _should(
            "translation",
            url,
            f"lies at {level.translation}; blocks of {factors} lie at {expected}",
        )


def _check_labels(image: Dataset) -> Iterator[Finding]:
    """Check the labels that the image lists, and that it lists all there are."""
    group = image.url / "labels"
    try:
        listed = read_labels_names(image.url)
        yield from _check_labels_group(image, group)
    except CorruptDataError as error:
        yield _must("labels-list", group, str(error))
        return
    for name in listed:
        yield from _check_between(group, name)
        yield from _check_labels_of(image, group / name)
    there = store.list_children(group)[0] if group.is_listed else []
    for name in sorted({*there} - {name.split("/")[0] for name in listed}):
        yield _should("labels-list", group / name, "is not in the list that the labels group keeps")


def _check_labels_group(image: Dataset, group: StoreURL) -> Iterator[Finding]:
    try:
        ome = read_ome(group)
    except NotFoundError:
        return
    if "labels" not in ome:
        yield _must("labels-list", group, "has no 'labels', the list of the labels in it")
    said, version = ome.get("version"), image.multiscale.version
    if version == "0.4":
        return
    if not isinstance(said, str):
        yield _must("version", group, f"has the version {said!r}; it must be a text")
    elif not said.startswith(version):
        yield _must(
            "version", group, f"is of NGFF {said}, its image of {version}; they must be of one"
        )


def _check_between(group: StoreURL, name: str) -> Iterator[Finding]:
    """Check that groups between the list and labels "MUST NOT contain metadata"."""
    *folders, _ = name.split("/")
    for number in range(1, len(folders) + 1):
        between = group / "/".join(folders[:number])
        try:
            if read_ome(between):
                yield _must(
                    "labels-list",
                    between,
                    "lies between the labels group and labels, and has metadata",
                )
        except NotFoundError:
            continue
        except CorruptDataError as error:
            yield _must("labels-list", between, str(error))


def _check_labels_of(image: Dataset, url: StoreURL) -> Iterator[Finding]:
    labels = yield from _check_dataset(url, as_labels=True)
    if labels is None:
        return
    if labels.kind is not Kind.LABELS:
        yield _should(
            "image-label", url, "is listed as labels, and its metadata have no image-label"
        )
    if labels.levels != image.levels:
        yield _must("levels", url, f"has {labels.levels} levels; its image has {image.levels}")
    if labels.multiscale.version != image.multiscale.version:
        versions = f"{labels.multiscale.version}, its image of {image.multiscale.version}"
        yield _must("version", url, f"is of NGFF {versions}; they must be of one")
