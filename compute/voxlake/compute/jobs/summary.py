"""What a run of a job did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from voxlake.compute.verify.results import ComparedShard


@dataclass(frozen=True, slots=True)
class StageSummary:
    """One stage, as it went."""

    stage: str
    tasks: int
    ran: int
    """Tasks that this run did; the others were done before."""
    voxels: int
    """Voxels that this run wrote or compared."""
    seconds: float


@dataclass(frozen=True, slots=True)
class JobSummary:
    """A job that ended, as it went."""

    job: str
    dataset: str
    stages: tuple[StageSummary, ...]
    seconds: float
    itemsize: int
    """Bytes of a voxel of the dataset."""
    differences: tuple[ComparedShard, ...]
    """Shards that a verify job found to differ."""

    @property
    def voxels(self) -> int:
        """Voxels that this run wrote or compared, at all levels."""
        return sum(stage.voxels for stage in self.stages)

    @property
    def tasks(self) -> int:
        """Tasks that this run did."""
        return sum(stage.ran for stage in self.stages)
