"""Create a dataset: the OME-Zarr group and its arrays, before any voxel is there."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from voxlake.ngff.grid.axes import SPATIAL, Axis, check_axes
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.grid.pyramid import level_translation
from voxlake.ngff.grid.reduction import Reduction, default_reduction
from voxlake.ngff.making.unfinished import Making
from voxlake.ngff.metadata.channels import Channel, Channels
from voxlake.ngff.metadata.model import Level, Multiscale, is_folder
from voxlake.ngff.metadata.names import named
from voxlake.ngff.metadata.seal import sealed
from voxlake.ngff.metadata.writing import encoded, group_document, labels_document
from voxlake.ngff.stale import delete_all_marks
from voxlake.platform import store
from voxlake.platform.errors import ConflictError, CorruptDataError, ObjectExistsError
from voxlake.platform.parallel import in_parallel
from voxlake.platform.store.update import update

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from voxlake.ngff.grid.pyramid import PyramidLevel
    from voxlake.ngff.lake import Place
    from voxlake.platform.store import StoreURL

type IndexLocation = Literal["start", "end"]
"""Where a shard has its index."""


@dataclass(frozen=True, slots=True)
class NewDataset:
    """What a dataset is created from."""

    place: Place
    axes: tuple[str, ...]
    unit: str | None
    """NGFF name of the unit of the spatial axes; None if it is not known."""
    dtype: np.dtype[Any]
    levels: tuple[PyramidLevel, ...]
    reduction: Reduction | None = None
    """How levels are made of finer ones; None: as is usual for the kind."""
    time_unit: str | None = None
    """NGFF name of the unit of time; None if it is not known."""
    channels: tuple[Channel, ...] = ()
    """How the channels of an image are called and shown, each with a colour and a window."""


def create_dataset(lake: StoreURL, new: NewDataset, job: str | None = None) -> StoreURL:
    """Write the metadata of `new` and return its address; all voxels are fill.

    Doing it twice changes nothing. Labels of an image are added to the image's list of labels,
    unless they are to replace some (see `replacing`). If a `job` makes the dataset, its group says
    so, and that it is not whole (see `Making`).

    Raises
    ------
    ConflictError
        If something else is stored there.
    """
    url = lake / new.place.key
    finest, *coarser = new.levels
    # By itself: where something else lies, nothing more is put beside it.
    _create_array(url, new, finest)
    list(in_parallel(partial(_create_array, url, new), coarser))
    of_image = new.place.of is not None
    groups = [group_document(each, of_image=of_image) for each in _multiscales(new)]
    if new.place.group is not None and not new.place.folder:
        for group in groups:
            group["attributes"]["voxlake"] = {"named": named(new.place.key, new.place.name)}
    if job is None:
        _put(url / "zarr.json", *map(sealed, groups))
    else:
        Making(url, job).begin(*groups)
    if of_image and not new.place.folder:
        list_labels(lake, new.place)
    return url


def _create_array(url: StoreURL, new: NewDataset, level: PyramidLevel) -> None:
    # Datasets of old have the index at the start, and may still be unfinished.
    documents = [array_document(new, level), array_document(new, level, "start")]
    _put(url / level.path / "zarr.json", *map(sealed, documents))


def seal_dataset(url: StoreURL) -> None:
    """Take the metadata of the dataset at `url` as they are for right, and seal them anew.

    For changes that were meant. Not while others write to the dataset.

    Raises
    ------
    CorruptDataError
        If they are no metadata of OME-Zarr 0.5 or above.
    """
    group = _sealed_anew(url / "zarr.json")
    try:
        first = group["attributes"]["ome"]["multiscales"][0]
        paths = [str(level["path"]) for level in first["datasets"]]
    except (LookupError, TypeError) as error:
        raise CorruptDataError(
            f"{url} has no multiscales that can be sealed; restore it"
        ) from error
    documents = {url / "zarr.json": group}
    documents |= {each: _sealed_anew(each) for each in (url / p / "zarr.json" for p in paths)}
    for each, document in documents.items():
        store.write(each, encoded(document))


def _sealed_anew(url: StoreURL) -> dict[str, Any]:
    try:
        return sealed(json.loads(store.read(url).body))
    except (ValueError, TypeError, AttributeError) as error:
        raise CorruptDataError(f"{url} is no zarr document; restore it") from error


def remove_dataset(lake: StoreURL, place: Place) -> None:
    """Delete a dataset, its label index and its marks from the store; again, if that was cut off.

    Metadata go first: what is left when this is cut off cannot be read as a dataset of zeros.
    """
    url = lake / place.key
    delete_documents(url)
    index = place.index_key
    if place.of is not None:
        list_labels(lake, place, listed=False)
    else:
        index = index.rpartition("/")[0]  # with those of labels that lay inside
    store.delete_tree(lake / index)
    delete_all_marks(url)
    store.delete_tree(url)


def delete_documents(url: StoreURL) -> None:
    """Delete the metadata of the group at `url` and of its arrays, so that nothing is read there.

    What replaces a dataset, or is to, lies in a folder of its group, and its arrays in that.
    """
    for key in ("zarr.json", ".zattrs", ".zgroup", ".zmetadata"):
        store.delete(url / key)
    for name in store.list_children(url)[0]:
        if is_folder(name):
            delete_documents(url / name)
        else:
            delete_array_documents(url / name)


def delete_array_documents(url: StoreURL) -> None:
    """Delete the metadata of the array at `url`."""
    for key in ("zarr.json", ".zarray"):
        store.delete(url / key)


def list_labels(lake: StoreURL, place: Place, *, listed: bool = True) -> None:
    """Put labels on the list that their image keeps, or take them off it."""
    labels, _, path = place.key.rpartition("/")
    if not listed and not store.exists(lake / labels / "zarr.json"):
        return  # The image is gone.

    def change(body: bytes | None) -> bytes:
        document = json.loads(body) if body else labels_document([])
        names = set(document["attributes"]["ome"]["labels"]) - {path}
        return encoded(labels_document([*names, *([path] if listed else [])]))

    update(lake / labels / "zarr.json", change)


def array_document(
    new: NewDataset, level: PyramidLevel, index_location: IndexLocation = "end"
) -> dict[str, Any]:
    """Return the ``zarr.json`` of one level's array (zarr v3, "sharding_indexed" 1.0).

    The index lies at the end of the shard: zarrita, and the viewers that rest on it, read no other.
    """
    little: dict[str, Any] = {"name": "bytes"}
    if new.dtype.itemsize > 1:
        little["configuration"] = {"endian": "little"}
    zstd = {"level": level.layout.zstd_level, "checksum": True}
    index = [{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "crc32c"}]
    sharding = {
        "chunk_shape": list(level.layout.chunk),
        "codecs": [little, {"name": "zstd", "configuration": zstd}],
        "index_codecs": index,
        "index_location": index_location,
    }
    return {
        "zarr_format": 3,
        "node_type": "array",
        "shape": list(level.shape),
        "data_type": new.dtype.name,
        "chunk_grid": {
            "name": "regular",
            "configuration": {"chunk_shape": list(level.layout.shard)},
        },
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": 0.0 if new.dtype.kind == "f" else 0,
        "codecs": [{"name": "sharding_indexed", "configuration": sharding}],
        "dimension_names": list(new.axes),
        "attributes": {},
    }


def _multiscales(new: NewDataset) -> Iterator[Multiscale]:
    """Yield what is written, then what stands for the same in unfinished datasets of old."""
    units = dict.fromkeys(SPATIAL, new.unit) | {"t": new.time_unit}
    axes = tuple(Axis(axis.name, axis.type, units.get(axis.name)) for axis in check_axes(new.axes))
    levels = tuple(Level(level.path, level.scale, level.translation) for level in new.levels)
    is_labels = new.place.kind is Kind.LABELS
    method = new.reduction or default_reduction(new.place.kind)
    name = new.place.name.dataset
    made = Multiscale(
        name, axes, levels, "0.5", is_labels, method.value, channels=Channels(new.channels)
    )
    yield made
    if method is Reduction.STRIDE:  # were said to lie in the middle of their blocks
        base = levels[0].scale
        centred = tuple(
            replace(level, translation=level_translation(of.factors, base, level.translation))
            for level, of in zip(levels, new.levels, strict=True)
        )
        yield replace(made, levels=centred)


def _put(url: StoreURL, document: dict[str, Any], *equivalent: dict[str, Any]) -> None:
    """Create `document`, unless it, or one that serves as well, is there."""
    try:
        store.create(url, encoded(document))
    except ObjectExistsError as error:
        if store.read(url).body not in map(encoded, (document, *equivalent)):
            raise ConflictError(
                f"{url} is there already and is something else; choose another name"
            ) from error
