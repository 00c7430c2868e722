"""Voxels that a gateway sends, received into the array that they are to be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from voxlake.platform.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx2
    import numpy.typing as npt


def read_voxels(response: httpx2.Response, asked: Mapping[str, str]) -> npt.NDArray[Any]:
    """Return the voxels, C order, of an answer in the format ``raw`` whose body is to come.

    Parameters
    ----------
    asked
        The parameters of the request: ranges by axis among them.

    Raises
    ------
    StoreError
        If it is none, or that to another request.
    """
    _check_box(response, asked)
    voxels = _described(response)
    memory, done = memoryview(voxels.reshape(-1).view(np.uint8)), 0
    for part in response.iter_bytes():
        stop = done + len(part)
        if stop <= len(memory):
            memory[done:stop] = part
        done = stop
    if done != len(memory):
        raise StoreError(
            f"{_address(response)} sent {done} bytes of voxels, and said that they are "
            f"{len(memory)}; look for what changes its answers on the way"
        )
    return voxels


def _check_box(response: httpx2.Response, asked: Mapping[str, str]) -> None:
    """Raise StoreError if the answer is of another box, as a cache on the way may have one."""
    axes, box = (response.headers.get(f"x-voxlake-{what}", "") for what in ("axes", "box"))
    for axis, sent in zip(axes.split(","), box.split(","), strict=False):
        (lo, _, hi), (start, _, stop) = asked.get(axis, "").partition(":"), sent.partition(":")
        if lo not in {"", start} or hi not in {"", stop}:
            raise StoreError(
                f"{_address(response)} was asked for {axis}={asked[axis]} and sent {sent}; look "
                "for what answers in its place"
            )


def _described(response: httpx2.Response) -> npt.NDArray[Any]:
    """Return the array that the headers of an answer describe, not filled yet."""
    try:
        shape = [int(extent) for extent in response.headers["x-voxlake-shape"].split(",")]
        voxels = np.empty(shape, np.dtype(response.headers["x-voxlake-dtype"]).newbyteorder("<"))
        voxels.reshape(-1).view(np.uint8)  # as objects cannot be seen
    except (KeyError, TypeError, ValueError, MemoryError) as error:
        raise StoreError(f"what {_address(response)} sent is no cutout of a gateway") from error
    return voxels


def _address(response: httpx2.Response) -> httpx2.URL:
    return response.url.copy_with(query=None)
