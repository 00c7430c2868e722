"""What OME-Zarr says of a group that zarr-python opened, and of those above it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import zarr
from zarr.errors import BaseZarrError

from voxlake.compute.sources.location import INNER, absolute_location, split_inner
from voxlake.ngff.grid.axes import AxisType
from voxlake.ngff.metadata.channels import Channels, read_channels
from voxlake.ngff.metadata.early import early_image
from voxlake.ngff.metadata.reading import NO_IMAGES, parse_multiscale
from voxlake.ngff.metadata.scenes import LEVELS_UP, Above
from voxlake.platform.errors import CorruptDataError, SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from zarr.abc.store import Store

    from voxlake.ngff.grid.axes import Axis
    from voxlake.ngff.metadata.model import Multiscale

type Open = Callable[[str], Store | None]
"""Returns the store at an address; None if there is none."""


def ome_of(group: zarr.Group) -> dict[str, Any]:
    """Return what OME-Zarr has in a group: 0.4 in its attributes, later versions under ``ome``."""
    attributes = group.attrs.asdict()
    ome = attributes.get("ome", attributes)
    return ome if isinstance(ome, dict) else {}


@dataclass(frozen=True, slots=True)
class OmeImage:
    """What OME-Zarr says of an image."""

    path: str
    """Of the array of its finest level, below the group."""
    axes: tuple[str, ...]
    """Names of its axes, in the order of the array's dimensions."""
    multiscale: Multiscale | None
    """Where its levels lie; None before NGFF 0.4, which does not say it."""
    channels: Channels
    """How they are called and shown."""
    group: zarr.Group
    images: int
    """How many its group describes; it is the first of them."""

    @property
    def remark(self) -> str:
        """What to know of it besides."""
        return f"the first of {self.images} multiscales" if self.images > 1 else ""


def image_of(location: str, group: zarr.Group, opened: Open) -> OmeImage | None:
    """Return the OME-Zarr image that a group is; None if it is a group of plain arrays.

    Raises
    ------
    UnsupportedError
        If it is OME-Zarr, and no image or of a version that is not read.
    SourceError
        If its metadata are wrong.
    """
    ome, where = ome_of(group), f"zarr {location}"
    if "multiscales" not in ome and NO_IMAGES.keys().isdisjoint(ome):
        return None
    listed = ome.get("multiscales")
    count = len(listed) if isinstance(listed, list) else 0
    try:
        early = early_image(ome, where)
        if early is not None:
            return OmeImage(early.path, early.axes, None, read_channels(ome), group, count)
        found = parse_multiscale(ome, where, _above(location, group, opened))
    except CorruptDataError as error:
        raise SourceError(f"{error}; mend the source's metadata") from error
    axes = tuple(map(_axis_name, found.axes))
    return OmeImage(found.levels[0].path, axes, found, found.channels, group, count)


def labels_inside(location: str, group: zarr.Group) -> dict[str, str]:
    """Return the locations of the labels that an image lists, by their names.

    Raises
    ------
    SourceError
        If the store fails, or lists something else.
    """
    try:
        labels = group.get("labels")
    except Exception as error:  # stores have errors of their own
        raise SourceError(
            f"the labels of zarr {location} cannot be listed ({error}); check that they can be read"
        ) from error
    names = ome_of(labels).get("labels", []) if isinstance(labels, zarr.Group) else []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise SourceError(f"zarr {location} lists {names!r}, which are no names of labels")
    inner = f"{group.path}/labels".lstrip("/")
    address = split_inner(location)[0]
    return {name: f"{address}{INNER}{inner}/{name}" for name in names}


def _axis_name(axis: Axis) -> str:
    """Return the letter of an axis; its type tells of those that have no place."""
    by_type: dict[AxisType | None, str] = {AxisType.TIME: "t", AxisType.CHANNEL: "c"}
    return by_type.get(axis.type, axis.name)


def _above(location: str, group: zarr.Group, opened: Open) -> Iterator[Above]:
    """Yield the groups above a group, the nearest first: those of its store, then around it."""
    inner = group.path.split("/") if group.path else []
    address, mark, query = split_inner(absolute_location(location))[0].partition("?")
    address, path = address.rstrip("/"), ""
    for _ in range(LEVELS_UP):
        if inner:
            path = f"{inner.pop()}/{path}".rstrip("/")
            yield Above(path, partial(_ome_in, group.store, "/".join(inner)))
            continue
        address, _, name = address.rpartition("/")
        path = f"{name}/{path}".rstrip("/")
        if not address or address.endswith(("/", ":")):
            return
        yield Above(path, partial(_ome_at, opened, address, mark + query))


def _ome_at(opened: Open, address: str, query: str, path: str) -> dict[str, Any] | None:
    store = opened(f"{address}/{path}".rstrip("/") + query)
    return None if store is None else _ome_in(store, "", "")


def _ome_in(store: Store, above: str, path: str) -> dict[str, Any] | None:
    """Return the metadata of a group of a store; None if there is none that can be read."""
    try:
        whole = f"{above}/{path}".strip("/")
        return ome_of(zarr.open_group(store, path=whole, mode="r", use_consolidated=False))
    except (BaseZarrError, OSError, ValueError):
        return None
