"""Any zarr array that zarr-python opens (v2, v3), or level 0 of an OME-Zarr group.

Local folders and ``.zip`` files, ``http(s)://``, ``s3://``, ``gs://`` and ``az://``; an array or
image below it after ``::``, as in ``em.zarr::0``. The fingerprint covers the metadata of the array:
chunks that are rewritten in place, unseen by it, do not change it.
"""

from __future__ import annotations

import itertools
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import zarr
from obstore.store import HTTPStore
from zarr.errors import BaseZarrError
from zarr.storage import ObjectStore, ZipStore

from voxlake.compute.sources.arranged_source import ArrangedSource
from voxlake.compute.sources.arrangement import Arrangement, arrange_named, axis_name
from voxlake.compute.sources.array_attributes import axis_names_of, check_unpacked
from voxlake.compute.sources.array_attributes import calibration_of as attributes_calibration
from voxlake.compute.sources.arrays.ome_group import OmeImage, image_of, labels_inside, ome_of
from voxlake.compute.sources.arrays.zarr_bounded import bounded
from voxlake.compute.sources.arrays.zarr_chunks import check_chunk_files, chunk_names
from voxlake.compute.sources.calibration import UNKNOWN, Calibration, scales_of
from voxlake.compute.sources.fingerprint import fingerprint_files, fingerprint_text
from voxlake.compute.sources.listing import listed
from voxlake.compute.sources.location import STORES, ZARR_MARKERS, local_path, split_inner
from voxlake.compute.sources.source import native
from voxlake.ngff.grid.box import cell_box
from voxlake.ngff.metadata.channels import NOTHING_SAID
from voxlake.platform.errors import SourceError, VoxlakeError
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL, as_zarr

if TYPE_CHECKING:
    from pathlib import Path

    from zarr.abc.store import Store

    from voxlake.compute.sources.source import Source
    from voxlake.ngff.grid.box import Box

_UNLISTED = (
    ". If it is a folder of slices, its server does not list it as an HTML page of links: have it "
    "list the folder, or download that"
)
_SERIES_ROOT = "bioformats2raw.layout"


def open_zarr(location: str) -> Source | None:
    """Open a zarr array or OME-Zarr group.

    Raises
    ------
    SourceError
        If there is none, or it is a group without one obvious array.
    """
    address, inner = split_inner(location)
    store = _store(address)
    if store is None:
        return None
    array, image = _array(location, store, inner.strip("/"))
    what = f"zarr {location}"
    check_unpacked(array.attrs, what)
    arrangement = _arrangement(array, image, what)
    return ArrangedSource(
        dtype=native(np.dtype(array.dtype), what),
        arrangement=arrangement,
        fingerprint=_fingerprint(address, array),
        read_stored=partial(_read, bounded(array), what),
        stored_block=array.chunks,  # of a sharded array, the inner chunks
        calibration=_calibration(array, image, arrangement),
        check_stored=partial(check_chunk_files, address, array, what),
        remark=image.remark if image else "",
        described=image.channels if image else NOTHING_SAID,
        labels=partial(labels_inside, location, image.group) if image else dict,
    )


def _read(array: zarr.Array[Any], what: str, box: Box) -> np.ndarray:
    try:
        return np.asarray(array[box.slices])
    except Exception as error:  # stores and codecs have errors of their own
        raise SourceError(
            f"{_torn(array, box)} of {what} cannot be read ({error}); "
            "check that it can be reached, and restore what is torn"
        ) from error


def _torn(array: zarr.Array[Any], box: Box) -> str:
    """Return the name of the first chunk of `box` that cannot be read, or else the box."""
    names, stored = chunk_names(array), array.shards or array.chunks
    for cell in box.cells(stored):
        try:
            _ = array[(cell_box(cell, stored) & box).slices]
        except Exception:  # noqa: BLE001  (as of `_read`)
            return f"chunk {names.of(cell)}"
    return f"box {box}"


def _store(location: str) -> Store | None:
    path = local_path(location)
    if path is None:
        return _remote_store(location)
    if path.suffix.lower() == ".zip" and path.is_file():
        return ZipStore(path, mode="r")
    if any((path / marker).is_file() for marker in ZARR_MARKERS):
        return as_zarr(StoreURL.parse(str(path)), follow_links=True)
    return None


def _remote_store(location: str) -> Store | None:
    scheme = location.partition("://")[0]
    if scheme in STORES:
        return as_zarr(StoreURL.parse(location), follow_links=True)
    if scheme not in {"http", "https"}:
        return None
    settings = Settings()
    return ObjectStore(
        HTTPStore.from_url(
            location.rstrip("/"),
            client_options={
                "allow_http": True,
                "connect_timeout": timedelta(seconds=settings.store_connect_timeout_s),
                "timeout": timedelta(seconds=settings.store_timeout_s),
            },
            retry_config={
                "max_retries": settings.store_retries,
                "retry_timeout": timedelta(seconds=settings.store_timeout_s),
            },
        ),
        read_only=True,
    )


def _array(location: str, store: Store, inner: str) -> tuple[zarr.Array[Any], OmeImage | None]:
    try:
        # Consolidated metadata are a copy, and may be older than what they are of.
        node = zarr.open(store, path=inner, mode="r", use_consolidated=False)
        if isinstance(node, zarr.Group) and _SERIES_ROOT in ome_of(node):
            node = _only_series(location, node)
        if isinstance(node, zarr.Array):
            return node, None
        image = image_of(location, node, _store)
        level = node[image.path] if image else _only_array(location, node)
    except VoxlakeError:
        raise
    except Exception as error:  # stores and codecs have errors of their own
        is_web = location.startswith(("http://", "https://"))
        raise SourceError(
            f"zarr {location} cannot be opened ({error}); check the address, or restore it"
            f"{_UNLISTED if is_web else ''}"
        ) from error
    if not isinstance(level, zarr.Array):
        raise SourceError(f"zarr {location} has a group where its level 0 should be; restore it")
    return level, image


def _only_array(location: str, group: zarr.Group) -> zarr.Array[Any]:
    try:
        names = _array_names(group)
    except (NotImplementedError, BaseZarrError, OSError) as error:
        raise SourceError(
            f"zarr {location} is a group that cannot be listed ({error}); name one of its arrays"
        ) from error
    if len(names) != 1:
        raise SourceError(
            f"zarr {location} is a group with the arrays {listed(names) or 'none'}, and no "
            f"OME-Zarr image; name one array: {split_inner(location)[0]}::NAME"
        )
    array = group[names[0]]
    assert isinstance(array, zarr.Array)
    return array


def _array_names(group: zarr.Group) -> list[str]:
    """Return the names of the arrays of a group, by its consolidated metadata if it must be."""
    try:
        return sorted(name for name, _ in group.arrays())
    except (NotImplementedError, BaseZarrError, OSError):
        copy = zarr.open_group(group.store, path=group.path, mode="r")
        if copy.metadata.consolidated_metadata is None:
            raise
        return sorted(name for name, _ in copy.arrays())


def _only_series(location: str, root: zarr.Group) -> zarr.Group:
    """Return the one image of several series that bioformats2raw wrote; name them if there are."""
    names = _series(root)
    images = [name for name in names if isinstance(root.get(name), zarr.Group)]
    address = split_inner(location)[0]
    inner = f"{root.path}/" if root.path else ""
    if len(images) == 1:
        image = root[images[0]]
        assert isinstance(image, zarr.Group)
        return image
    places = [f"{address}::{inner}{name}" for name in images]
    raise SourceError(
        f"zarr {location} was written by bioformats2raw and holds {len(images)} series; "
        f"give one of them: {listed(places) or 'there is none'}"
    )


def _series(root: zarr.Group) -> list[str]:
    """Return the names of the series: those that ``OME`` lists, else 0, 1 and so on."""
    ome = root.get("OME")
    named = ome_of(ome).get("series") if isinstance(ome, zarr.Group) else None
    if isinstance(named, list):
        return [str(name) for name in named]
    counted = itertools.takewhile(
        lambda name: root.get(name) is not None, map(str, itertools.count())
    )
    return list(counted)


def _arrangement(array: zarr.Array[Any], image: OmeImage | None, what: str) -> Arrangement:
    """Name the axes by the OME-Zarr metadata, else as the array does, else by their number."""
    names: Any = getattr(array.metadata, "dimension_names", None) or ()
    if image is not None:
        _check_order(tuple(map(axis_name, names)), tuple(map(axis_name, image.axes)), what)
        return arrange_named(image.axes, array.shape, what)
    if not any(names):
        names = axis_names_of(array.attrs)
    return arrange_named(names, array.shape, what)


def _check_order(names: tuple[str, ...], axes: tuple[str, ...], what: str) -> None:
    """Raise SourceError if an array names the axes of its image in another order."""
    if names != axes and sorted(names) == sorted(axes):
        raise SourceError(
            f"{what} names its axes {', '.join(axes)} in the metadata of the image, and "
            f"{', '.join(names)} in those of its array (dimension_names); mend the wrong ones"
        )


def _calibration(
    array: zarr.Array[Any], image: OmeImage | None, arrangement: Arrangement
) -> Calibration:
    if image is None:
        return attributes_calibration(array.attrs, arrangement.stored)
    multiscale = image.multiscale
    if multiscale is None:
        return UNKNOWN
    level = multiscale.levels[0]
    units = [axis.unit or "" for axis in multiscale.axes]
    scales = scales_of(arrangement.stored, level.scale, units, level.translation)
    return Calibration(scales, multiscale.lost)


def _fingerprint(address: str, array: zarr.Array[Any]) -> str:
    metadata = repr(sorted(array.metadata.to_dict().items(), key=lambda item: item[0]))
    path = local_path(address)
    files: list[Path] = []
    if path is not None:
        folder = path / array.path
        files = [file for file in map(folder.joinpath, ZARR_MARKERS) if file.is_file()]
        files += [path] if path.is_file() else []
    return fingerprint_files(files, "zarr", fingerprint_text(metadata))
