"""The voxels of one label: sparse volumes and masks. As `data`, all of it demands a `Granted`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from anyio import to_thread

from voxlake.api.data import labels as label_data
from voxlake.api.data.labels import Answer, OpenLabels
from voxlake.api.guard import Granted
from voxlake.api.http.arrow_body import ARROW, arrow_parts
from voxlake.ngff.grid.box import Box
from voxlake.ngff.labels.queries import arrow, dvid, masks, sparse_volume
from voxlake.ngff.labels.queries.extent import LabelExtent
from voxlake.ngff.labels.queries.sparse_volume import Runs
from voxlake.ngff.labels.view import View
from voxlake.ngff.volume import Volume
from voxlake.platform.store import StoreURL

RUN_BYTES = 16
"""Bytes of a run in DVID's encodings."""


@dataclass(frozen=True, slots=True)
class OneLabel:
    """One label, or body, and what of it is asked for."""

    opened: OpenLabels
    members: int | list[int]
    """What voxels have of it."""
    extent: LabelExtent
    box: Box | None = None
    """What its voxels are clipped to; None: all of them."""
    max_runs: int = sys.maxsize
    """How many runs there may be."""

    @property
    def place(self) -> tuple[Volume, StoreURL, int | list[int]]:
        """What queries take first."""
        return *self.opened.place, self.members

    def runs(self) -> Iterator[Runs]:
        """Yield its runs along x."""
        return sparse_volume.sparse_volume(*self.place, self.box, max_runs=self.max_runs)

    def cells(self) -> Iterator[Runs]:
        """Yield the runs along x of the chunks that hold it."""
        yield sparse_volume.coarse_volume(*self.place, self.box)

    def blocks(self) -> Iterator[bytes]:
        """Yield the bits of its chunks."""
        return dvid.encode_blocks(*self.place, self.box, name=self.extent.label)


@dataclass(frozen=True, slots=True)
class Encoding:
    """One way to send a sparse volume."""

    name: str
    """Value of ``?format=``; the first three are DVID's names."""
    media_type: str
    suffix: str
    encode: Callable[[OneLabel], Iterator[bytes]]
    coarse: Callable[[OneLabel], Iterator[bytes]] | None
    """Encodes chunks instead of voxels; None if it cannot."""
    is_held: bool = False
    """Whether all of the body is in memory before the first byte is sent."""


ENCODINGS = (
    Encoding(
        "rles",
        "application/vnd.dvid.rles",
        ".rles",
        lambda one: dvid.encode_rles(one.runs()),
        lambda one: dvid.encode_rles(one.cells()),
        is_held=True,
    ),
    Encoding(
        "srles",
        "application/vnd.dvid.srles",
        ".srles",
        lambda one: dvid.encode_srles(one.runs()),
        lambda one: dvid.encode_srles(one.cells()),
    ),
    Encoding("blocks", "application/vnd.dvid.blocks", ".blocks", OneLabel.blocks, None),
    Encoding(
        ARROW.name,
        ARROW.media_type,
        ".arrows",
        lambda one: arrow_parts(arrow.runs_to_arrow(one.runs())),
        lambda one: arrow_parts(arrow.runs_to_arrow(one.cells())),
    ),
)
"""How sparse volumes can be sent, the preferred first."""


async def open_label(
    granted: Granted, label: int, box: Box | None, *, bodies: bool = False
) -> Answer[OneLabel]:
    """Find a label whose voxels are asked for.

    Raises
    ------
    NotFoundError
        If no voxel has it.
    """

    def ask(opened: OpenLabels, view: View) -> OneLabel:
        members = opened.members(label)
        return OneLabel(opened, members, label_data.extent_in(view, label, members), box)

    return await label_data.ask_labels(granted, ask, bodies=bodies)


def held_bytes(one: OneLabel, limit_bytes: int) -> int:
    """Return the most memory that the body of a sparse volume takes if it is made whole.

    It is that of a run for each voxel, as there are no more, or the limit.
    """
    voxels = one.extent.voxels if one.box is None else min(one.extent.voxels, one.box.size)
    return min(RUN_BYTES * voxels, limit_bytes)


@dataclass(frozen=True, slots=True)
class Mask:
    """Voxels as 1 where the label is, and 0 elsewhere."""

    one: OneLabel

    @property
    def dtype(self) -> np.dtype[Any]:
        """A byte a voxel."""
        return np.dtype(np.uint8)

    async def read(self, box: Box) -> npt.NDArray[np.uint8]:
        """Read the mask of a box."""
        mask = await to_thread.run_sync(lambda: masks.mask_of(*self.one.place, box))
        return mask.view(np.uint8)
