"""Levels as labelled, lazy arrays: xarray over Dask, in physical coordinates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from voxlake.client.group import Group, open_group
from voxlake.ngff.axes import AxisType

if TYPE_CHECKING:
    import numpy.typing as npt
    import xarray as xr

    from voxlake.ngff.axes import Axis


def open_xarray(address: str, level: int = 0, token: str | None = None) -> xr.DataArray:
    """Open one level of a dataset; no voxel is read before it is asked for.

    Dimensions are named as the axes. Their coordinates are the physical places of the centres of
    the voxels, with the unit in ``attrs["units"]``; channels are numbered. The Dask chunks are the
    shards: each is read once, by one task.

    Parameters
    ----------
    address
        A folder, ``memory://`` or ``s3://`` URL of an OME-Zarr group; or ``.../zarr/COLLECTION/
        EXPERIMENT/DATASET`` at a gateway.
    level
        0 is the finest.
    token
        Bearer token for the gateway; None to ask anonymously.

    Raises
    ------
    OutOfBoundsError
        If there is no such level.
    NotFoundError, UnauthenticatedError, UnsupportedError, CorruptDataError, StoreError
        If there is no dataset, or it cannot be read.
    """
    return _level_array(open_group(address, token), level)


def open_levels(address: str, token: str | None = None) -> tuple[xr.DataArray, ...]:
    """Open all levels of a dataset, the finest first; see `open_xarray`.

    All share one physical frame, so the same ``.sel(z=..., y=..., x=...)`` fits every level.
    """
    group = open_group(address, token)
    return tuple(_level_array(group, number) for number in range(len(group.multiscale.levels)))


def _level_array(group: Group, number: int) -> xr.DataArray:
    import dask.array as da
    import xarray as xr

    stored = group.array(number)
    # dask declares no types for this one.
    blocks = da.from_array(stored, chunks=stored.shards or stored.chunks)  # type: ignore[no-untyped-call]
    coordinates = {
        axis.name: xr.Variable(axis.name, places, {"units": axis.unit} if axis.unit else {})
        for axis, places in zip(
            group.multiscale.axes, _coordinates(group, number, stored.shape), strict=True
        )
    }
    return xr.DataArray(
        blocks,
        dims=group.multiscale.axis_names,
        coords=coordinates,
        name=group.multiscale.name or None,
        attrs=_attributes(group, number),
    )


def _coordinates(group: Group, number: int, shape: tuple[int, ...]) -> list[npt.NDArray[Any]]:
    level = group.level(number)
    return [
        centres(axis, size, scale, translation)
        for axis, size, scale, translation in zip(
            group.multiscale.axes, shape, level.scale, level.translation, strict=True
        )
    ]


def centres(axis: Axis, size: int, scale: float, translation: float) -> npt.NDArray[Any]:
    """Return the physical places of the centres of `size` voxels along `axis`.

    NGFF puts the origin of an array in the centre of its first voxel. Channels are no places, and
    are numbered.

    Examples
    --------
    >>> from voxlake.ngff.axes import Axis, AxisType
    >>> centres(Axis("x", AxisType.SPACE, "nanometer"), 3, 20.0, 5.0)
    array([ 5., 25., 45.])
    """
    numbers = np.arange(size)
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
