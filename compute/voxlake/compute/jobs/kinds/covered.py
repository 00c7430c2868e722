"""The image that labels are to cover, while it is yet to be made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlake.ngff.covered import CoveredImage

if TYPE_CHECKING:
    from voxlake.compute.jobs.kinds.ingest_spec import IngestSpec


def covered_ingest(spec: IngestSpec) -> CoveredImage:
    """Return what labels have to fit of an image that an ingest is to make."""
    source = spec.address.open()
    steps = tuple(step[-3:] for step in spec.steps)
    times = dict(zip(source.axes, source.shape, strict=True)).get("t")
    shape = tuple(source.shape[-3:])
    return CoveredImage(shape, spec.voxel_size, spec.translation, steps, times, spec.time)
