"""The ingest that a command is asked for."""

from __future__ import annotations

from voxlake.cli.ingest_options import AsAnyKind, KindName, image_of, parse_factors, parse_levels
from voxlake.compute.jobs import IngestRequest
from voxlake.compute.sources import absolute_location
from voxlake.ngff.grid.axes import VoxelSize
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.grid.reduction import Reduction
from voxlake.ngff.lake import Place
from voxlake.platform.names import DatasetName


def ingest_request(source: str, name: str, kind: KindName, target: AsAnyKind) -> IngestRequest:
    """Return the ingest that is asked for.

    Raises
    ------
    InvalidInputError
        If a name, the voxel size, the levels or the factors are malformed.
    """
    dataset = DatasetName.parse(name)
    of = image_of(dataset, target.of) if target.of is not None else None
    return IngestRequest(
        source=absolute_location(source),
        place=Place(dataset, Kind(kind), of),
        voxel_size=VoxelSize.parse(target.voxel_size) if target.voxel_size else None,
        levels=parse_levels(target.levels),
        factors=tuple(map(parse_factors, target.factors)) if target.factors else None,
        reduction=Reduction(target.reduce) if target.reduce else None,
        reverse=tuple(dict.fromkeys(target.reverse or ())),
        axes=target.axes or "",
        dtype=target.dtype or "",
        drop_transform=target.drop_transform,
        index=target.index and not target.with_labels,
        public=target.public,
    )
