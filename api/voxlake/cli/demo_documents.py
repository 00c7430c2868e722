"""What the demo answers."""

from __future__ import annotations

from voxlake.cli.serving import ServingDocument
from voxlake.cli.shown.output import Document


class DemoIndex(Document):
    """The label index, in brief."""

    bytes: int
    rows: int


class DemoDataset(Document):
    """One dataset of the demo."""

    name: str
    kind: str
    shape: tuple[int, ...]
    levels: int
    voxels: int
    """Of level 0."""
    shards: int
    """Stored, of all levels."""
    bytes: int
    """Stored, of all levels."""
    made: bool
    """False: it was complete before."""
    seconds: float | None
    """Of ingest, pyramid and index, where it was made."""
    voxels_per_second: float | None
    bytes_per_second: float | None
    labels: int | None = None
    """Labels: how many there are."""
    index: DemoIndex | None = None
    verified: bool


class DemoDocument(Document):
    """The demo, as it went."""

    lake: str
    sample: str
    credit: str
    licence: str
    datasets: tuple[DemoDataset, ...]
    """Image and labels."""
    verified: bool
    """Whether every voxel of both equals its source, and every level the one below it."""
    serving: ServingDocument | None = None
    public_viewer: str | None = None
    """Where the gateway has no viewer of its own: a link to the public one."""
