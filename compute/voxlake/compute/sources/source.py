"""The seam between voxlake and foreign input: what a source is, and how one is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from voxlake.platform.errors import UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from voxlake.compute.sources.calibration import Calibration
    from voxlake.ngff.grid.box import Box
    from voxlake.ngff.metadata.channels import Channels


_HELD_BY: dict[str, np.dtype] = {"bool": np.dtype("u1"), "float16": np.dtype("f4")}


class Source(Protocol):
    """Voxels that can be read box by box, from several threads at once."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels along each of `axes`; none is zero."""
        ...

    @property
    def dtype(self) -> np.dtype:
        """Type of the voxels, in this machine's byte order."""
        ...

    @property
    def axes(self) -> tuple[str, ...]:
        """``z, y, x``, with ``t`` and ``c`` before them where there is more than one."""
        ...

    @property
    def calibration(self) -> Calibration:
        """What the input says of where its voxels lie; an empty one if it says nothing."""
        ...

    @property
    def fingerprint(self) -> str:
        """A text that changes when the input changes: of names, sizes and times, so it is cheap."""
        ...

    @property
    def block(self) -> tuple[int, ...]:
        """Extents, along `axes`, of what is decoded as a whole: any voxel of it costs all of it.

        Blocks lie on a grid from the origin. Where voxels are not coded at all, ones.
        """
        ...

    def read(self, box: Box) -> np.ndarray:
        """Return the voxels of `box`: C-contiguous, of exactly ``box.shape`` and `dtype`.

        Called by many threads at once, so a source starts none of its own.

        Raises
        ------
        OutOfBoundsError
            If the box is not inside the source.
        SourceError
            If any voxel of it cannot be read. Never part of the data, never zeros in its place.
        """
        ...

    def check(self) -> None:
        """Inspect all of the input that can be inspected without decoding it.

        Called once, when work is planned.

        Raises
        ------
        SourceError
            If something is missing, torn, or inconsistent.
        """
        ...


@runtime_checkable
class ReadsInto(Protocol):
    """A source that can also read into memory that is there, which spares a copy."""

    def read_into(self, box: Box, out: np.ndarray) -> None:
        """Fill `out`, of the shape of `box` and the source's type, with contiguous rows.

        Raises what `Source.read` does.
        """
        ...


@runtime_checkable
class NamesAxes(Protocol):
    """A source whose axes can be named, and must be if it has a doubt."""

    @property
    def doubt(self) -> str:
        """Why its axes have to be named before it can be read; empty if they are known."""
        ...

    def with_axes(self, axes: str) -> Source:
        """Return the source with its axes, as they are stored, named by letters.

        Raises
        ------
        SourceError
            If they do not fit.
        """
        ...


@runtime_checkable
class HasColours(Protocol):
    """A source whose voxels may be indices into palettes: labels are these, an image is not."""

    def in_colours(self) -> Source:
        """Return the source of the colours: itself if there is no palette."""
        ...


@runtime_checkable
class DescribesChannels(Protocol):
    """A source that says how its channels are called and shown."""

    @property
    def channels(self) -> Channels:
        """As many as the source has along ``c``, or none."""
        ...


@runtime_checkable
class HoldsLabels(Protocol):
    """A source that may have labels inside."""

    @property
    def labels(self) -> Callable[[], Mapping[str, str]]:
        """Returns the locations of the labels by their names.

        Raises SourceError if it is not known which there are.
        """
        ...


class OpenSource(Protocol):
    """What an entry point of the group ``voxlake.sources`` names: a callable like this."""

    def __call__(self, location: str) -> Source | None:
        """Open the source at `location`; None if it is not of this kind.

        Opening is cheap, because every worker does it: whatever takes reading the whole
        input belongs into ``Source.check``.

        Raises
        ------
        SourceError
            If it is of this kind, but cannot be read.
        """
        ...


def native(dtype: np.dtype, what: str) -> np.dtype:
    """Return the type that voxels of `dtype` are read as, in this machine's byte order.

    It is the same, but for two that viewers do not draw and others hold exactly: truth values
    become 0 and 1 of uint8, float16 becomes float32.

    Raises
    ------
    UnsupportedError
        If it is not one of real numbers: complex, text, records.

    Examples
    --------
    >>> import numpy as np
    >>> native(np.dtype(">u2"), "it"), native(np.dtype(bool), "it")
    (dtype('uint16'), dtype('uint8'))
    """
    if dtype.kind not in "buif":
        raise UnsupportedError(
            f"{what} holds voxels of type {dtype}, which are no real numbers; convert it to uint8, "
            "uint16 or another type of integers"
        )
    return _HELD_BY.get(dtype.name) or dtype.newbyteorder("=")
