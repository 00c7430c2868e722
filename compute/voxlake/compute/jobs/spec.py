"""What a job is to do, as the catalog keeps it: enough to plan it again, and the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from voxlake.compute.passes.ingest import SourceAddress
from voxlake.ngff.grid.axes import VoxelSize
from voxlake.ngff.grid.box import Box
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.grid.reduction import Reduction
from voxlake.ngff.lake import Place
from voxlake.platform.names import DatasetName

if TYPE_CHECKING:
    from voxlake.platform.jobs import Job


class _Spec(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _OnDataset(_Spec):
    name: str
    kind_of_dataset: Kind
    of: str | None = None

    @property
    def place(self) -> Place:
        """The dataset that the job works on."""
        return Place(DatasetName.parse(self.name), self.kind_of_dataset, self.of)


class IngestSpec(_OnDataset):
    """Write a new dataset from a source, with its pyramid and, for labels, its index."""

    kind: Literal["ingest"] = "ingest"
    source: str
    source_fingerprint: str
    voxel_size: VoxelSize
    index: bool = False
    public: bool = False
    reverse: tuple[str, ...] = ()
    """Axes whose first voxel is the source's last."""
    reduction: Reduction
    steps: tuple[tuple[int, ...], ...]
    """Factors of every axis from each level to the next."""
    task_bytes: int
    """Voxels that a task handles, about, in bytes."""

    @property
    def address(self) -> SourceAddress:
        """The source as tasks find it."""
        return SourceAddress(self.source, self.source_fingerprint, self.reverse)


class DownsampleSpec(_OnDataset):
    """Build the levels of a dataset anew from level 0."""

    kind: Literal["downsample"] = "downsample"
    task_bytes: int
    """Voxels that a task handles, about, in bytes."""
    boxes: tuple[Box, ...] | None = None
    """Boxes of level 0 that have changed; None: all of it."""


class IndexSpec(_OnDataset):
    """Build the label index of labels anew."""

    kind: Literal["index"] = "index"


class VerifySpec(_OnDataset):
    """Compare every voxel with the source, and every level with the one below."""

    kind: Literal["verify"] = "verify"
    source: str | None = None
    """None: compare the levels with one another only."""
    source_fingerprint: str = ""
    reverse: tuple[str, ...] = ()
    """Axes whose first voxel is the source's last."""
    task_bytes: int
    """Voxels of the source that a task compares, about, in bytes."""
    hashes: bool = False
    """Whether the hash of every shard is kept, for a report."""

    @property
    def address(self) -> SourceAddress | None:
        """The source as tasks find it, if there is one."""
        if self.source is None:
            return None
        return SourceAddress(self.source, self.source_fingerprint, self.reverse)


class FsckSpec(_OnDataset):
    """Look for what is torn, flipped, missing or stale; nothing is changed."""

    kind: Literal["fsck"] = "fsck"
    index: bool = False
    """Whether the labels should have a label index."""
    quick: bool = False
    """Whether levels are not compared with the ones below."""


class RepairSpec(_OnDataset):
    """Mend what a look has found, as far as it can be made anew."""

    kind: Literal["repair"] = "repair"
    look: str
    """Id of the fsck job whose findings are mended."""
    source: SourceAddress | None = None
    """None: level 0 cannot be made anew."""


type Spec = Annotated[
    IngestSpec | DownsampleSpec | IndexSpec | VerifySpec | FsckSpec | RepairSpec,
    Field(discriminator="kind"),
]

_SPEC: TypeAdapter[Spec] = TypeAdapter(Spec)


def spec_of(job: Job) -> Spec:
    """Return what `job` is to do."""
    return _SPEC.validate_python(job.spec)
