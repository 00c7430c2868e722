"""What bossDB's API answers: its resources as its clients know them, x, y, z in this order."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from voxlake.documents.document import Document
from voxlake.documents.labels.labels import Text

CUBOID = (512, 512, 16)
"""Voxels x, y, z of the blocks of bossDB, to which its clients align what they ask for."""

DATATYPES = frozenset({"uint8", "uint16", "uint64"})
"""Those that bossDB's clients know."""

type Triple = tuple[int, int, int]
type BossProgress = Literal["NOT_DOWNSAMPLED", "QUEUED", "IN_PROGRESS", "FAILED", "DOWNSAMPLED"]
type BossUnit = Literal["nanometers", "micrometers", "millimeters", "centimeters"]


class BossError(Document):
    """What went wrong, in bossDB's form."""

    status: int = Field(description="Of HTTP.")
    code: int = Field(description="bossDB's number of the kind of failure.")
    message: str = Field(description="What was asked, what is so, and what to do.")
    request_id: str = Field(description="Under which the log of the server has more.")


class BossPing(Document):
    """What serves bossDB's API."""

    server: str
    version: str


class BossCollections(Document):
    """Names of collections."""

    collections: tuple[str, ...]


class BossExperiments(Document):
    """Names of experiments."""

    experiments: tuple[str, ...]


class BossChannels(Document):
    """Names of channels: the datasets of an experiment."""

    channels: tuple[str, ...]


class BossFrames(Document):
    """Names of coordinate frames."""

    coords: tuple[str, ...]


class BossCollection(Document):
    """A collection."""

    name: str
    public: bool
    description: str
    experiments: tuple[str, ...]
    creator: str


class BossExperiment(Document):
    """An experiment."""

    name: str
    public: bool
    description: str
    collection: str
    channels: tuple[str, ...]
    coord_frame: str = Field(
        description="One that has a dot in its name is made of the channels that it holds."
    )
    num_hierarchy_levels: int = Field(description="Of the channel that has most.")
    hierarchy_method: Literal["anisotropic", "isotropic"]
    num_time_samples: int
    time_step: int | None = None
    time_step_unit: str = ""
    creator: str


class BossFrame(Document):
    """A coordinate frame."""

    name: str
    description: str
    x_start: int
    x_stop: int
    y_start: int
    y_stop: int
    z_start: int
    z_stop: int
    x_voxel_size: float
    y_voxel_size: float
    z_voxel_size: float
    voxel_unit: BossUnit


class BossChannel(Document):
    """A channel: a dataset."""

    name: str
    public: bool
    description: str
    experiment: str
    type: Literal["image", "annotation"]
    datatype: str = Field(description="Annotations that bossDB's clients do not know are uint64.")
    base_resolution: int = 0
    default_time_sample: int = 0
    downsample_status: BossProgress
    sources: tuple[str, ...]
    related: tuple[str, ...]
    creator: str
    storage_type: Literal["spdb"] = "spdb"
    bucket: None = None
    cv_path: None = None


class BossIds(Document):
    """The ids of annotations in a box."""

    ids: tuple[Text, ...] = Field(description="Ascending, without 0.")


class BossBoundingBox(Document):
    """Where an annotation is, half-open, in the coordinates of the frame."""

    x_range: tuple[int, int]
    y_range: tuple[int, int]
    z_range: tuple[int, int]
    t_range: tuple[int, int] = (0, 1)


class BossReserved(Document):
    """Ids in a row that nothing has and nobody else is given."""

    start_id: int
    count: str


class BossDownsample(Document):
    """The levels of a channel, by their number."""

    status: BossProgress
    num_hierarchy_levels: int
    voxel_size: dict[str, tuple[float, float, float]] = Field(description="x, y, z.")
    extent: dict[str, Triple] = Field(description="x, y, z.")
    cuboid_size: dict[str, Triple]


class BossKeys(Document):
    """The keys of a place that have a value."""

    keys: tuple[str, ...]


def datatype_of(kind: str, dtype: str) -> str:
    """Return the type by which bossDB's clients read a dataset of a type: they know few of labels.

    Examples
    --------
    >>> datatype_of("labels", "uint32")
    'uint64'
    """
    return dtype if kind == "image" or dtype in DATATYPES else "uint64"
