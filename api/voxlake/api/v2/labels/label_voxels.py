"""The voxels of one label: as a sparse volume, or as a mask."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from fastapi import APIRouter, Header, Query
from fastapi.responses import Response
from pydantic import Field

from voxlake.api.data import datasets as data
from voxlake.api.data.labels import labels as label_data
from voxlake.api.data.labels import voxels as label_voxels
from voxlake.api.data.labels.asked_box import box_of
from voxlake.api.data.labels.voxels import ENCODINGS
from voxlake.api.formats import FORMATS, negotiate
from voxlake.api.formats.negotiate import choose
from voxlake.api.guards.datasets import MayReadVoxels
from voxlake.api.http.answers.cutout import CutoutReading
from voxlake.api.http.answers.cutout_answer import answer
from voxlake.api.http.answers.label_answers import state_headers
from voxlake.api.http.answers.problems import BINARY, documented
from voxlake.api.http.answers.stream import STREAM_BYTES, StreamResponse
from voxlake.api.http.requests.query import Ranges
from voxlake.api.v2.labels.labels import OneLabel

router = APIRouter(
    prefix="/v2/datasets/{collection}/{experiment}/{dataset}/labels/{label}", tags=["labels"]
)

Accept = Annotated[str | None, Header()]
TOO_LARGE = documented(413, "It is larger than the server allows.")
NO_FORM = documented(406, "No form satisfies `format` or `Accept`.")


class Clip(Ranges):
    """A box of level 0 that an answer is clipped to, and how it is sent."""

    format: str | None = Field(None, description="Wins over `Accept`.")
    bodies: bool = Field(default=False, description="Apply the mapping: the id is that of a body.")


class SparseClip(Clip):
    """A box that a sparse volume is clipped to, and how it is sent."""

    format: str | None = Field(
        None,
        description="`rles`, `srles`, `blocks` (DVID's), `arrow`, `parquet`; wins over `Accept`.",
    )
    coarse: bool = Field(
        default=False, description="Runs of chunks that hold the label, not of voxels."
    )


@router.get(
    "/sparse-volume",
    summary="Read the voxels of a label as runs",
    response_class=Response,
    responses={
        200: {
            "description": "Runs along x, or bits of chunks; made as they are sent.",
            "content": {each.media_type: BINARY for each in ENCODINGS},
        },
        **NO_FORM,
        **TOO_LARGE,
    },
)
async def get_sparse_volume(
    granted: MayReadVoxels,
    label: OneLabel,
    clip: Annotated[SparseClip, Query()],
    accept: Accept = None,
) -> Response:
    """Return the voxels of a label at level 0, in a box or all of them.

    `rles`, `srles` and `blocks` are DVID's encodings of `GET .../sparsevol`, and coarse `rles` that
    of `sparsevol-coarse`. Tables have the columns z, y, x, length. All but `rles` are made as they
    are sent: an answer that ends without its last chunk is cut off.
    """
    offers = [each for each in ENCODINGS if each.encode or not clip.coarse]
    what = "a coarse sparse volume" if clip.coarse else "a sparse volume"
    encoding = choose(clip.format, accept, offers, what)
    asked = await box_of(granted, clip.by_axis())
    box = None if asked.is_whole else asked.zyx
    limit = granted.gateway.whole_answer_bytes
    parts, held, state = await label_data.ask(
        granted,
        lambda view: label_voxels.sparse_volume(
            view, label, box, encoding, limit, coarse=clip.coarse
        ),
        time=asked.time,
        bodies=clip.bodies,
    )
    headers = {
        "Content-Type": encoding.media_type,
        "Content-Disposition": f'inline; filename="{label}{encoding.suffix}"',
        **state_headers(state),
    }
    gateway = granted.gateway
    return StreamResponse(
        parts, headers, gateway.answers, STREAM_BYTES + held, gateway.questions.go_on
    )


@router.get(
    "/mask",
    summary="Read where a label is in a box",
    response_class=Response,
    responses={
        200: {
            "description": "A byte a voxel: 1 where the label is, else 0.",
            "content": {each.media_type: BINARY for each in FORMATS},
        },
        **NO_FORM,
        **TOO_LARGE,
    },
)
async def get_mask(
    granted: MayReadVoxels,
    label: OneLabel,
    clip: Annotated[Clip, Query()],
    accept: Accept = None,
) -> Response:
    """Return which voxels of a box of level 0 have a label; by default of the label's own box.

    It is a cutout of uint8, in the same formats and with the same headers.
    """
    asked = await box_of(granted, clip.by_axis())
    read, box, state = await label_voxels.read_mask(granted, label, asked, bodies=clip.bodies)
    dataset = await data.open_dataset(granted)
    cutout = data.cutout_of(granted, dataset, 0, box, np.dtype(np.uint8))
    chosen = negotiate(clip.format, accept, FORMATS, cutout)
    return answer(granted, CutoutReading(cutout, chosen, read, state_headers(state)))
