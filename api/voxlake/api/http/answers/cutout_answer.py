"""Cutouts are answered if they are not larger than the server allows."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from starlette.responses import Response

from voxlake.api.guards.datasets import Granted
from voxlake.api.http.answers.cutout import CutoutReading, CutoutResponse
from voxlake.api.http.answers.stream import FIXED_HEADERS
from voxlake.platform.access import ReadVoxels
from voxlake.platform.errors import LimitExceededError, PreconditionFailedError


def answer(granted: Granted[ReadVoxels], reading: CutoutReading) -> CutoutResponse:
    """Return the answer that carries a cutout; raise LimitExceededError if it is too large."""
    check_size(granted, reading)
    return CutoutResponse(reading, granted.gateway.answers)


def check_size(granted: Granted[ReadVoxels], reading: CutoutReading) -> None:
    """Raise LimitExceededError if a cutout is larger than the server allows."""
    limit_bytes = granted.gateway.settings.cutout_limit_bytes
    if reading.size > limit_bytes:
        cutout = reading.cutout
        raise LimitExceededError(
            f"cutout {cutout.box} of level {cutout.level} has {reading.size} bytes and the "
            f"limit is {limit_bytes}; ask for a smaller box or a coarser level, or read the zarr "
            "directly"
        )


def unread(status: HTTPStatus, headers: Mapping[str, str]) -> Response:
    """Return the answer to a condition by which no voxel is sent: 304.

    Raises
    ------
    PreconditionFailedError
        If it is 412.
    """
    if status == HTTPStatus.PRECONDITION_FAILED:
        raise PreconditionFailedError(
            "the voxels are not those that If-Match names; read them again without it"
        )
    return Response(status_code=status, headers={**FIXED_HEADERS, **headers})
