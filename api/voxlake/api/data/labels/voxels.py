"""The voxels of one label: sparse volumes and masks. They are reached by `labels.ask` alone."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from voxlake.api.data.labels.asked_box import AskedBox
from voxlake.api.data.labels.labels import ask
from voxlake.api.formats.format import Offer
from voxlake.api.formats.tables import BINARY_TABLES, TableFormat
from voxlake.api.guards.datasets import Granted
from voxlake.api.http.answers.blocks import Read
from voxlake.documents.labels.labels import StateDocument
from voxlake.ngff.grid.box import Box
from voxlake.ngff.labels.queries.arrow import runs_to_arrow
from voxlake.ngff.labels.queries.dvid import encode_rles, encode_srles
from voxlake.ngff.labels.queries.sparse_volume import Runs
from voxlake.ngff.labels.view import View
from voxlake.platform.access import ReadVoxels

RUN_BYTES = 16
"""Bytes of a run in DVID's encodings."""


@dataclass(frozen=True, slots=True)
class Encoding(Offer):
    """One way to send a sparse volume; the names of the first three are DVID's."""

    suffix: str
    encode: Callable[[Iterator[Runs]], Iterator[bytes]] | None
    """Encodes runs, of voxels or of chunks; None if it is the bits of chunks that are sent."""
    is_held: bool = False
    """Whether all of the body is in memory before the first byte is sent."""


def _of_table(form: TableFormat) -> Encoding:
    """Return how runs are sent as a table."""
    return Encoding(
        form.name, form.media_type, form.suffix, lambda runs: form.encode(runs_to_arrow(runs))
    )


ENCODINGS = (
    Encoding("rles", "application/vnd.dvid.rles", ".rles", encode_rles, is_held=True),
    Encoding("srles", "application/vnd.dvid.srles", ".srles", encode_srles),
    Encoding("blocks", "application/vnd.dvid.blocks", ".blocks", None),
    *map(_of_table, BINARY_TABLES),
)
"""How sparse volumes can be sent, the preferred first."""


def sparse_volume(
    view: View, label: int, box: Box | None, encoding: Encoding, limit: int, *, coarse: bool
) -> tuple[Iterator[bytes], int, StateDocument]:
    """Return the voxels of a label, in `box` or all of them, or with `coarse` its chunks.

    They are parts that are made as they are sent, the bytes of them that are in memory before the
    first is sent, and the state that they are true of.

    Parameters
    ----------
    limit
        Bytes that a body may have that is held in memory.

    Raises
    ------
    NotFoundError
        If no voxel has it.
    """
    state, voxels = StateDocument.of(view), view.extent(label, counted=False).voxels
    if encoding.encode is None:
        return view.blocks(label, box), 0, state
    most, held = sys.maxsize, 0
    if encoding.is_held:
        # There are no more runs than voxels.
        most = limit // RUN_BYTES
        held = min(RUN_BYTES * min(voxels, voxels if box is None else box.size), limit)
    if coarse:
        runs = iter([view.coarse_volume(label, box)])
    else:
        runs = view.sparse_volume(label, box, max_runs=most)
    return encoding.encode(runs), held, state


async def read_mask(
    granted: Granted[ReadVoxels], label: int, asked: AskedBox, *, bodies: bool
) -> tuple[Read, Box, StateDocument]:
    """Return what reads uint8 voxels, 1 where a label is and else 0; the box; and the state.

    Boxes have all axes of the dataset. Without ranges it is the label's own.

    Raises
    ------
    NotFoundError
        If no voxel has it.
    """
    view, own = await ask(
        granted,
        lambda view: (view, view.extent(label, counted=False).box),
        time=asked.time,
        bodies=bodies,
    )

    async def read(box: Box) -> npt.NDArray[np.uint8]:
        zyx = Box(box.start[-3:], box.stop[-3:])
        mask = await granted.gateway.questions.go_on(partial(view.mask, label, zyx))
        return mask.view(np.uint8).reshape(box.shape)

    box = asked.along_axes(own if asked.is_whole else asked.zyx)
    return read, box, StateDocument.of(view)
