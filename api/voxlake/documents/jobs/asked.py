"""What is asked of jobs: that one be planned or started, by its kind."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, RootModel, StringConstraints

from voxlake.documents.document import Question
from voxlake.documents.people.asked import Name
from voxlake.documents.places.asked import DatasetText, Factor, Length
from voxlake.platform.names import DatasetName

Location = Annotated[
    str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]+$", min_length=1, max_length=2048)
]


class AboutDataset(Question):
    """A job on a dataset."""

    dataset: DatasetText = Field(description="COLLECTION/EXPERIMENT/DATASET.")

    @property
    def name(self) -> DatasetName:
        """The dataset's name."""
        return DatasetName.parse(self.dataset)


SOURCE = (
    "A folder, file or pattern of them, or an address of s3://, gs:// or az://, below one of the "
    "places that the server reads sources from."
)
NumberName = Literal["uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "float32"]
NamedAxes = Annotated[str, StringConstraints(pattern="^[a-z]{0,8}$")]


class LookQuestion(AboutDataset):
    """A source is to be looked at, of which a dataset may be made."""

    source: Location = Field(description=SOURCE)
    axes: NamedAxes = Field(
        "", description="A letter for each axis of the source, instead of what it says itself."
    )


class IngestQuestion(AboutDataset):
    """A source is to become a new dataset, which the asker owns."""

    kind: Literal["ingest"]
    source: Location = Field(description=SOURCE)
    as_kind: Literal["image", "labels"] = Field(description="Intensities, or ids of objects.")
    of: Name | None = Field(None, description="The image of the experiment that labels belong to.")
    voxel_size: tuple[Length, Length, Length] | None = Field(
        None, description="z, y, x; null: what the source says, or the image of the labels."
    )
    unit: Name = Field("nanometer", description="Of the size of a voxel, as NGFF calls it.")
    levels: int | None = Field(
        None, ge=1, le=64, description="Null: until a level fits one chunk, or as the image has."
    )
    factors: tuple[tuple[Factor, Factor, Factor], ...] | None = Field(
        None, max_length=63, description="Of z, y, x from each level to the next, for `levels`."
    )
    reduction: Literal["mean", "mode", "min", "max", "stride"] | None = Field(
        None, description="How levels are made; null: as is usual for the kind."
    )
    reverse: tuple[Literal["t", "c", "z", "y", "x"], ...] = Field(
        (), max_length=5, description="Axes whose first voxel is the source's last."
    )
    axes: NamedAxes = Field(
        "", description="A letter for each axis of the source, instead of what it says itself."
    )
    dtype: NumberName | None = Field(
        None, description="What voxels are converted to; null: they are stored as they are."
    )
    drop_transform: bool = Field(
        default=False,
        description="Leave out what the source says of places, but for sizes of voxels.",
    )
    index: bool = Field(default=False, description="Build the label index of labels too.")


class DownsampleQuestion(AboutDataset):
    """Levels 1 and above are to be made anew of level 0."""

    kind: Literal["downsample"]
    stale: bool = Field(default=False, description="Only what was written to since.")


class IndexQuestion(AboutDataset):
    """The label index of labels is to be built anew."""

    kind: Literal["index"]


class VerifyQuestion(AboutDataset):
    """Every voxel is to be compared with the source, and every level with the one below."""

    kind: Literal["verify"]
    source: Location | None = Field(None, description="Null: levels are compared alone.")


class FsckQuestion(AboutDataset):
    """What is torn, flipped, missing or stale is to be found; nothing is changed."""

    kind: Literal["fsck"]
    quick: bool = Field(default=False, description="Do not compare levels with the ones below.")


class DeleteQuestion(AboutDataset):
    """A dataset is to be deleted, for good."""

    kind: Literal["delete"]
    with_labels: bool = Field(default=False, description="Delete the labels of an image with it.")


type AnyQuestion = Annotated[
    IngestQuestion
    | DownsampleQuestion
    | IndexQuestion
    | VerifyQuestion
    | FsckQuestion
    | DeleteQuestion,
    # Here and not around the alias: what is wrong is told of the form that `kind` names alone.
    Field(discriminator="kind"),
]


class JobQuestion(RootModel[AnyQuestion]):
    """A job that is to be planned or started; `kind` says which."""

    model_config = ConfigDict(frozen=True)

    @property
    def source(self) -> str | None:
        """Where what is read lies that is no dataset; None: nothing is."""
        return getattr(self.root, "source", None)
