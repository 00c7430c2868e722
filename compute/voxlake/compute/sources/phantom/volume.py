"""A phantom: an EM-like volume with known labels, made where it is read, of any size.

``phantom:SIZE[?seed=N&kind=image|labels&ids=hashed|extreme]``, where SIZE is the edge of a cube or
``z,y,x``. Every voxel is a pure function of its place and the seed, so that any box, read by
any process, agrees with any other; both kinds of one seed are in register.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from voxlake.compute.sources.arranged_source import ArrangedSource, filled
from voxlake.compute.sources.arrangement import arrange
from voxlake.compute.sources.calibration import Calibration, scales_of
from voxlake.compute.sources.fingerprint import fingerprint_text
from voxlake.compute.sources.location import options_of
from voxlake.platform.errors import SourceError

if TYPE_CHECKING:
    from voxlake.compute.sources.source import Source
    from voxlake.ngff.grid.box import Box

PREFIX = "phantom:"
_REVISION = "1"
"""Changes when the voxels of the same location do."""


class PhantomOptions(BaseModel):
    """What stands after the ``?`` of a phantom."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = Field(default=0, ge=0, lt=2**63)
    kind: Literal["image", "labels"] = "image"
    ids: Literal["hashed", "extreme"] = "hashed"
    """Any 64-bit ids; or such ids, and 2^64 - 1 for the body at the origin."""


def open_phantom(location: str) -> Source | None:
    """Open a phantom.

    Raises
    ------
    SourceError
        If its size or options are malformed.

    Examples
    --------
    >>> open_phantom("phantom:8,16,32?kind=labels").shape
    (8, 16, 32)
    """
    if not location.startswith(PREFIX):
        return None
    size, _, query = location.removeprefix(PREFIX).partition("?")
    given = options_of(query, location)
    try:
        extents = tuple(int(part) for part in size.split(","))
        options = PhantomOptions.model_validate(given)
    except (ValueError, ValidationError) as error:
        raise _malformed(location) from error
    z, y, x = extents * 3 if len(extents) == 1 else (extents if len(extents) == 3 else (0, 0, 0))
    if min(z, y, x) < 1:
        raise _malformed(location)
    dtype = np.dtype("u1" if options.kind == "image" else "u8")
    return ArrangedSource(
        arrangement=arrange("zyx", (z, y, x), location),
        dtype=dtype,
        fingerprint=fingerprint_text("phantom", _REVISION, str((z, y, x)), repr(options)),
        read_stored=filled(partial(_fill, options), dtype),
        calibration=Calibration(scales_of("zyx", (10, 10, 10), "nanometer")),
    )


def _fill(options: PhantomOptions, box: Box, out: np.ndarray) -> None:
    """Make jittered-grid Voronoi cells, joined into bodies, with dark membranes between bodies."""
    from voxlake.compute.sources.phantom.kernel import fill  # imports the compiler

    origin_id = np.uint64(2**64 - 1 if options.ids == "extreme" else 0)
    fill(out, np.array(box.start), np.uint64(options.seed), origin_id)


def _malformed(location: str) -> SourceError:
    return SourceError(
        f"{location} is no phantom; write phantom:SIZE or phantom:Z,Y,X, then any of "
        "?seed=N&kind=image|labels&ids=hashed|extreme"
    )
