"""Levels as labelled, lazy arrays: xarray over Dask, in physical coordinates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from voxlake.client.arrays.group import Group, open_group
from voxlake.client.arrays.whole import warn_unless_whole
from voxlake.client.arrays.window import Window
from voxlake.ngff.grid.axes import AxisType
from voxlake.ngff.grid.box import Box
from voxlake.ngff.grid.ranges import Region, box_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt
    import xarray as xr

    from voxlake.ngff.grid.axes import Axis


def open_xarray(
    address: str,
    level: int = 0,
    token: str | None = None,
    *,
    region: Region | None = None,
    direct: bool = False,
    send_token: bool = False,
) -> xr.DataArray:
    """Open one level of a dataset; no voxel is read before it is asked for.

    Dimensions are named as the axes. Their coordinates are the physical places of the centres of
    the voxels, with the unit in ``attrs["units"]``; channels are numbered. The Dask chunks are the
    shards: each is read once, by one task.

    Warns (`UserWarning`) of a dataset whose ingest has not ended.

    Parameters
    ----------
    address
        An OME-Zarr group: a folder, or a URL of ``memory://``, ``s3://``, ``gs://`` or ``az://``;
        or ``.../zarr/COLLECTION/EXPERIMENT/DATASET`` at a gateway.
    level
        0 is the finest.
    token
        Bearer token for the gateway; None for the one that ``voxlake login`` keeps, if it keeps
        one; empty to ask anonymously.
    region
        Voxels of the level to open, a box or ranges such as ``np.s_[0:64, :, 5:6]``; None: all.
        Name one where there are more than some 100 000 shards: Dask lists every chunk of an array
        for each result, 8 us and 0.2 kB each, even if it is to read a single one.
    direct
        Whether voxels at a gateway are read from its store itself, with keys that it gives for
        that and that are renewed while they are needed; only if its store is S3 and it gives any.
    send_token
        Whether the token goes to the workers of a Dask cluster with their tasks, which pass by
        its scheduler. Else each worker needs its own: ``VOXLAKE_GATEWAY`` and ``VOXLAKE_TOKEN``,
        or what ``voxlake login`` keeps.

    Raises
    ------
    OutOfBoundsError
        If there is no such level, or the region is not inside it.
    NotFoundError, UnauthenticatedError, UnsupportedError, CorruptDataError, StoreError
        If there is no dataset, or it cannot be read.
    """
    group = open_group(address, token, direct=direct, send_token=send_token)
    warn_unless_whole(group.address, whole=group.whole)
    return _level_array(group, level, region)


def open_levels(
    address: str, token: str | None = None, *, direct: bool = False, send_token: bool = False
) -> tuple[xr.DataArray, ...]:
    """Open all levels of a dataset, the finest first; see `open_xarray`.

    All share one physical frame, so the same ``.sel(z=..., y=..., x=...)`` fits every level.
    """
    group = open_group(address, token, direct=direct, send_token=send_token)
    warn_unless_whole(group.address, whole=group.whole)
    return tuple(
        _level_array(group, number, None) for number in range(len(group.multiscale.levels))
    )


def _level_array(group: Group, number: int, region: Region | None) -> xr.DataArray:
    # Takes as long to load as all else, and most of the client does without.
    import dask.array as da
    import xarray as xr

    window = _window(group, number, region)
    # dask declares no types for this one.
    blocks = da.from_array(window, window.chunks(), fancy=False)  # type: ignore[no-untyped-call]
    coordinates = {
        axis.name: xr.Variable(axis.name, places, {"units": axis.unit} if axis.unit else {})
        for axis, places in _coordinates(group, number, window.box)
    }
    return xr.DataArray(
        blocks,
        dims=group.multiscale.axis_names,
        coords=coordinates,
        name=group.multiscale.name or None,
        attrs=_attributes(group, number),
    )


def _window(group: Group, number: int, region: Region | None) -> Window:
    array = group.array(number)
    box = box_of(region, array.shape)
    box.check_inside(Box.of_shape(array.shape), f"level {number} of {group.address}")
    return Window(array, box)


def _coordinates(group: Group, number: int, box: Box) -> Iterator[tuple[Axis, npt.NDArray[Any]]]:
    level = group.level(number)
    spans = zip(box.start, box.stop, level.scale, level.translation, strict=True)
    for axis, (start, stop, scale, translation) in zip(group.multiscale.axes, spans, strict=True):
        yield axis, centres(axis, np.arange(start, stop), scale, translation)


def centres(
    axis: Axis, numbers: npt.NDArray[np.integer], scale: float, translation: float
) -> npt.NDArray[Any]:
    """Return the physical places of the centres of the voxels with those `numbers` along `axis`.

    NGFF puts the origin of an array in the centre of its first voxel. Channels are no places, and
    are numbered.

    Examples
    --------
    >>> from voxlake.ngff.grid.axes import Axis, AxisType
    >>> centres(Axis("x", AxisType.SPACE, "nanometer"), np.arange(3), 20.0, 5.0)
    array([ 5., 25., 45.])
    """
    return numbers if axis.type is AxisType.CHANNEL else translation + scale * numbers


def _attributes(group: Group, number: int) -> dict[str, Any]:
    multiscale, level = group.multiscale, group.level(number)
    return {
        "kind": "labels" if multiscale.is_labels else "image",
        "level": number,
        "voxel_size": [
            scale
            for axis, scale in zip(multiscale.axes, level.scale, strict=True)
            if axis.type is AxisType.SPACE
        ],
        "ngff_version": multiscale.version,
        "address": group.address,
    }
