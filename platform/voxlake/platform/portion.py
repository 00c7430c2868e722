"""A part of a dataset that somebody is limited to."""

from __future__ import annotations

import json
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Portion:
    """The voxels of a box, at a level and those coarser.

    Examples
    --------
    >>> print(Portion(1, (("z", 0, 64), ("x", 8, 16))))
    z=0:64 x=8:16 of level 0, in level 1 and coarser
    """

    finest: int = 0
    """The finest level that is part of it."""
    box: tuple[tuple[str, int, int], ...] = ()
    """Voxels ``[start, stop)`` of level 0 by the name of an axis; whole along others."""

    @property
    def is_whole(self) -> bool:
        """Whether it is all of a dataset."""
        return self.finest == 0 and not self.box

    def __str__(self) -> str:
        ranges = " ".join(f"{axis}={start}:{stop}" for axis, start, stop in self.box)
        return f"{ranges or 'all'} of level 0, in level {self.finest} and coarser"

    def box_text(self) -> str:
        """Return the box as the catalog keeps it."""
        return json.dumps(self.box)

    @classmethod
    def read(cls, finest: int, box: str) -> Portion:
        """Return what was kept.

        Examples
        --------
        >>> Portion.read(0, Portion(0, (("z", 0, 64),)).box_text())
        Portion(finest=0, box=(('z', 0, 64),))
        """
        return cls(finest, tuple((axis, start, stop) for axis, start, stop in json.loads(box)))


WHOLE = Portion()
"""All of a dataset."""
