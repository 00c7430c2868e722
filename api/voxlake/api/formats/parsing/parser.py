"""What parses a body that is sent: the voxels of a box, for that very box."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from voxlake.api.formats.cutout import Cutout
from voxlake.api.formats.format import Offer
from voxlake.platform.errors import InvalidInputError

ENVELOPE_BYTES = 64 << 10
"""What a body has besides the bytes of its voxels, at most."""

PART_BYTES = 1 << 20
"""Bytes of a body that are taken at a time, about."""
KEPT_BYTES = 32 << 20
"""Most memory that is taken by what is kept of a body, if it need not be whole."""

type Parse = Callable[[Cutout, memoryview], npt.NDArray[Any]]
"""Returns the voxels of a body, of the shape and type of a cutout.

It takes no more memory than the voxels do, whatever the body says, and runs in a thread.
`InvalidInputError` is the only error that it raises.
"""


class Unpacking(Protocol):
    """Takes a body as it comes, and keeps little of it. `InvalidInputError` is all it raises."""

    def take(self, part: bytes | bytearray | memoryview, /) -> None:
        """Take the next bytes of the body."""
        ...

    def finish(self) -> npt.NDArray[Any]:
        """Return the voxels; they are in memory as often as `Parser.copies` says."""
        ...


@dataclass(frozen=True, slots=True)
class Parser(Offer):
    """One way to send the voxels of a box."""

    parse: Parse
    copies: int = 0
    """How often the voxels are in memory besides the body."""
    besides_bytes: int = 0
    """Memory that parsing takes besides both."""
    unpack: Callable[[Cutout], Unpacking] | None = None
    """Begins to take a body, where it need not be whole."""


def checked(voxels: npt.NDArray[Any], cutout: Cutout) -> npt.NDArray[Any]:
    """Return voxels in native byte order; raise InvalidInputError if they do not fit a cutout."""
    native = cutout.dtype.newbyteorder("=")
    if voxels.shape != cutout.shape or voxels.dtype.newbyteorder("=") != native:
        raise misfit(f"{voxels.dtype} voxels of shape {voxels.shape}", cutout)
    return np.ascontiguousarray(voxels.astype(native, copy=False))


def misfit(what: str, cutout: Cutout) -> InvalidInputError:
    """Return the error that `what` a body has is not what is to be written."""
    return InvalidInputError(
        f"the body has {what}, and box {cutout.box} of {cutout.dataset} takes {cutout.dtype} of "
        f"shape {cutout.shape}, {cutout.nbytes} bytes; send these"
    )
