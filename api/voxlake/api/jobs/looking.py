"""The picture of a source that a worker has looked at, drawn as those of datasets are."""

from __future__ import annotations

from voxlake.api.guards.jobs import GrantedJob
from voxlake.documents.jobs.look import SourceLook, unpack_voxels
from voxlake.ngff.drawing.pixels import coloured, grey
from voxlake.ngff.drawing.png import encode_png
from voxlake.platform.access import Update
from voxlake.platform.catalog import Catalog
from voxlake.platform.errors import NotFoundError
from voxlake.platform.jobs.answers import answer_of
from voxlake.platform.jobs.record import PICTURE


async def draw_found(granted: GrantedJob[Update]) -> bytes:
    """Return the middle slice of a source as PNG.

    Raises
    ------
    NotFoundError
        If the job has no picture: it is no look, is not done, or found none.
    """
    job = granted.job.id

    def draw(catalog: Catalog) -> bytes | None:
        answer = answer_of(catalog.ledger, job) or {}
        packed, look = answer.get(PICTURE), SourceLook.model_validate(answer.get("look") or {})
        if not isinstance(packed, str) or look.slice is None:
            return None
        voxels = unpack_voxels(packed)
        if look.as_kind == "labels":
            return encode_png(coloured(voxels))
        return encode_png(grey(voxels, (look.slice.low, look.slice.high)))

    picture = await granted.asker.of_catalog(draw)
    if picture is None:
        raise NotFoundError(
            f"job {job} has no picture; a look at a source has one when it is done, if a slice of "
            "it can be read by itself"
        )
    return picture
