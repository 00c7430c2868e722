"""Boxes, as half-open ranges of voxels by axis."""

from __future__ import annotations

from pydantic import ConfigDict, RootModel

from voxlake.ngff.grid.axes import SPATIAL
from voxlake.ngff.grid.box import Box


class BoxDocument(RootModel[dict[str, tuple[int, int]]]):
    """Half-open ranges of voxels by axis, in the order of the axes: ``{"z": [0, 64], ...}``.

    Examples
    --------
    >>> document = BoxDocument.of(Box((0, 8, 0), (4, 9, 2)))
    >>> document.model_dump_json()
    '{"z":[0,4],"y":[8,9],"x":[0,2]}'
    >>> document.box
    Box(start=(0, 8, 0), stop=(4, 9, 2))
    """

    model_config = ConfigDict(frozen=True)

    @classmethod
    def of(cls, box: Box, axes: tuple[str, ...] = SPATIAL) -> BoxDocument:
        """Return the document of a box whose dimensions are `axes`."""
        return cls(dict(zip(axes, zip(box.start, box.stop, strict=True), strict=True)))

    @property
    def box(self) -> Box:
        """The box, its dimensions in the order of the document."""
        ranges = self.root.values()
        return Box(tuple(lo for lo, _ in ranges), tuple(hi for _, hi in ranges))
