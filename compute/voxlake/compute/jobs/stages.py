"""The plans of a job, in the order in which they run."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from voxlake.compute.downsample import plan_downsample
from voxlake.compute.index import plan_index
from voxlake.compute.ingest import SourceAddress, plan_ingest
from voxlake.compute.jobs.spec import DownsampleSpec, IndexSpec, IngestSpec, Spec, VerifySpec
from voxlake.compute.sources import cached_source
from voxlake.compute.verify import plan_verify_level, plan_verify_source
from voxlake.ngff.create import NewDataset, create_dataset
from voxlake.ngff.layout import check_dtype
from voxlake.ngff.pyramid import Extent, plan_levels
from voxlake.platform.catalog import DatasetRecord, DatasetState
from voxlake.platform.errors import ConflictError

if TYPE_CHECKING:
    from voxlake.compute.jobs.workspace import Workspace
    from voxlake.compute.plan import Plan


def plan_stages(workspace: Workspace, spec: Spec) -> list[Plan]:
    """Return the plans of a job; reads metadata only."""
    dataset = workspace.dataset(spec.place)
    finest = dataset.level(0)
    match spec:
        case IngestSpec():
            address = SourceAddress(spec.source, spec.source_fingerprint)
            plans = [plan_ingest(address, finest)]
            plans += [plan_downsample(dataset, level) for level in range(1, dataset.levels)]
            if spec.index:
                plans.append(plan_index(finest, workspace.index_url(spec.place)))
            return plans
        case DownsampleSpec():
            return [plan_downsample(dataset, level) for level in range(1, dataset.levels)]
        case IndexSpec():
            return [plan_index(finest, workspace.index_url(spec.place))]
        case VerifySpec():
            plans = [plan_verify_level(dataset, level) for level in range(1, dataset.levels)]
            if spec.source is None:
                return plans
            address = SourceAddress(spec.source, spec.source_fingerprint)
            return [plan_verify_source(address, finest), *plans]


def create_target(workspace: Workspace, spec: IngestSpec) -> None:
    """Put the new dataset into the catalog and its metadata on the store; twice is no harm."""
    place = spec.place
    source = cached_source(spec.source, spec.source_fingerprint)
    extent = Extent(tuple(source.shape), source.axes, spec.voxel_size)
    new = NewDataset(
        place,
        source.axes,
        spec.voxel_size.unit,
        check_dtype(place.kind, source.dtype),
        plan_levels(place.kind, extent, spec.levels),
    )
    record = DatasetRecord(
        name=place.name,
        kind=place.kind.value,
        of=place.of,
        url=place.key,
        state=DatasetState.INGESTING,
        public=spec.public,
        created_at=datetime.now(UTC),
    )
    try:
        workspace.catalog.add_dataset(record)
    except ConflictError:
        if workspace.catalog.get_dataset(place.name).state is DatasetState.READY:
            raise
    create_dataset(workspace.lake, new)
    workspace.catalog.set_dataset_state(place.name, DatasetState.INGESTING)
