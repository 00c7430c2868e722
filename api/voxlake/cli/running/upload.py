"""A local source is uploaded to a gateway."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from voxlake.cli.ingest_options import image_of, parse_factors, parse_levels
from voxlake.cli.shown.job import shown_job
from voxlake.cli.shown.output import answer, note
from voxlake.client.connecting import gateway_at
from voxlake.compute.jobs import IngestRequest
from voxlake.compute.jobs.kinds.ingest_spec import ingest_spec
from voxlake.compute.sources import absolute_location, open_source, opening_once
from voxlake.ngff.grid.axes import VoxelSize
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.lake import Place
from voxlake.platform.errors import InvalidInputError
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from voxlake.cli.commands.jobs.upload import AsUploaded
    from voxlake.cli.options import Answering
    from voxlake.client import RemoteJob

EVERY_S = 10.0
"""Seconds between two lines that tell how much is left."""


def upload_source(source: str, name: str, target: AsUploaded, answering: Answering) -> None:
    """Send the shards of a source that are not there yet, and wait for what a worker does then."""
    with opening_once():
        asked = _asked(source, DatasetName.parse(name), target)
    with gateway_at(target.gateway) as gateway:
        job: RemoteJob = gateway.upload(name, asked.pop("read"), target.kind, **asked, sent=_Left())
        document = job.wait()
    answer(document, shown_job(document), json=answering.json)


def _asked(source: str, name: DatasetName, target: AsUploaded) -> dict[str, Any]:
    """Check the source, and return what `Gateway.upload` takes."""
    if target.of is not None:
        return _labels_of(source, name, target, target.of)
    kind = Kind(target.kind)
    request = IngestRequest(
        source=absolute_location(source),
        place=Place(name, kind),
        voxel_size=VoxelSize.parse(target.voxel_size) if target.voxel_size else None,
        levels=parse_levels(target.levels),
        factors=tuple(map(parse_factors, target.factors)) if target.factors else None,
        axes=target.axes or "",
    )
    spec = ingest_spec(request, None, Settings())
    opened = spec.address.open()
    dtype = spec.stored_dtype(opened)
    note(f"{source}: {spec.preview()}")
    return {
        "read": lambda box: spec.address.read(box, dtype),
        "dtype": dtype,
        "shape": opened.shape,
        "axes": list(opened.axes),
        "voxel_size": spec.voxel_size.zyx,
        "unit": spec.voxel_size.unit,
        "translation": list(spec.translation),
        "factors": [list(step[-3:]) for step in spec.steps],
        "time_step": spec.time.step if spec.time else None,
        "time_unit": spec.time.unit if spec.time else None,
    }


def _labels_of(source: str, name: DatasetName, target: AsUploaded, image: str) -> dict[str, Any]:
    if (target.voxel_size, target.levels, target.factors) != (None, "auto", None):
        raise InvalidInputError(
            f"{name} covers {image} voxel by voxel, and has its levels; leave --voxel-size, "
            "--levels and --factors out"
        )
    voxels = open_source(source, target.axes or "")
    voxels.check()
    own: dict[str, Any] = {"of": image_of(name, image)}
    return own | {"read": voxels.read, "dtype": voxels.dtype, "shape": voxels.shape}


class _Left:
    """Tells now and then how many shards are left."""

    def __init__(self) -> None:
        self._told = time.monotonic()

    def __call__(self, left: int) -> None:
        if time.monotonic() - self._told > EVERY_S:
            self._told = time.monotonic()
            note(f"{left} shards are left")
