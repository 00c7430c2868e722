"""What a job is to do, as the catalog keeps it: enough to plan it again, and the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from voxlake.ngff.axes import VoxelSize
from voxlake.ngff.lake import Place
from voxlake.ngff.layout import Kind
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
    levels: int
    """Levels that the dataset gets."""
    index: bool = False
    public: bool = False


class DownsampleSpec(_OnDataset):
    """Build the levels of a dataset anew from level 0."""

    kind: Literal["downsample"] = "downsample"


class IndexSpec(_OnDataset):
    """Build the label index of labels anew."""

    kind: Literal["index"] = "index"


class VerifySpec(_OnDataset):
    """Compare every voxel with the source, and every level with the one below."""

    kind: Literal["verify"] = "verify"
    source: str | None = None
    """None: compare the levels with one another only."""
    source_fingerprint: str = ""


type Spec = Annotated[
    IngestSpec | DownsampleSpec | IndexSpec | VerifySpec, Field(discriminator="kind")
]

_SPEC: TypeAdapter[Spec] = TypeAdapter(Spec)


def spec_of(job: Job) -> Spec:
    """Return what `job` is to do."""
    return _SPEC.validate_python(job.spec)
