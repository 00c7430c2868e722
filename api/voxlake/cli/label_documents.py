"""What the commands about labels answer, and the labels of a dataset opened for them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

from pydantic import BeforeValidator
from rich.console import RenderableType
from rich.text import Text
from typer import Option

from voxlake.cli.lake import opened_catalog
from voxlake.cli.options import InLake, parse_name
from voxlake.cli.shown.output import facts, size, table
from voxlake.documents.document import Document
from voxlake.platform.errors import UnsupportedError

AsBodies = Annotated[
    bool,
    Option("--bodies", help="Apply the mapping from supervoxels to bodies: ids are of bodies."),
]

if TYPE_CHECKING:
    from voxlake.ngff.grid.box import Box
    from voxlake.ngff.labels.mapping import Mapping
    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL

UNKNOWN = -1
"""How many chunks or shards a body of several supervoxels has: counts do not tell."""
SHOWN = 50
"""Labels that people are shown if they do not say how many."""

type Id = Annotated[str, BeforeValidator(str)]
"""A label as text: many readers of JSON change numbers above 2^53."""


@dataclass(frozen=True, slots=True)
class OpenLabels:
    """Labels that a command is about."""

    volume: Volume
    """Level 0."""
    index_url: StoreURL

    def mapping(self, *, bodies: bool) -> Mapping | None:
        """Return the mapping to apply, as it is; None if bodies are not asked for."""
        from voxlake.ngff.labels.mapping import open_mapping

        return open_mapping(self.index_url) if bodies else None


class BoxDocument(Document):
    """A half-open box of voxels of level 0."""

    start: tuple[int, ...]
    """First voxel z, y, x."""
    stop: tuple[int, ...]
    """One past the last."""


class WrittenDocument(Document):
    """A file that a command wrote."""

    what: str
    file: str
    bytes: int


class LineDocument(Document):
    """One label in a list; of a box, only how many voxels it has there."""

    label: Id
    voxels: int
    z0: int | None = None
    """First voxel of its box, and so on."""
    y0: int | None = None
    x0: int | None = None
    z1: int | None = None
    """One past the last voxel of its box, and so on."""
    y1: int | None = None
    x1: int | None = None
    chunks: int | None = None
    """Chunks that hold some of it; -1: not known, of a body of several supervoxels."""
    shards: int | None = None


class LabelsDocument(Document):
    """Labels of a dataset, or of a box of it."""

    name: str
    box: BoxDocument | None
    """What was asked; null: all of the dataset."""
    as_of: datetime | None
    """When the index was made, while a job changes the labels; null: it is up to date."""
    mapping: int | None
    """Number of the mapping that was applied; null: ids are those of the voxels."""
    count: int
    """How many labels there are."""
    labels: tuple[LineDocument, ...]
    """All of them, ascending; or the largest, largest first."""
    written: WrittenDocument | None


class OneLabelDocument(Document):
    """One label, and what was asked of it."""

    name: str
    label: Id
    as_of: datetime | None
    """When the index was made, while a job changes the labels; null: it is up to date."""
    mapping: int | None
    """Number of the mapping that was applied; null: the id is that of the voxels."""
    voxels: int
    box: BoxDocument
    """The smallest box around its voxels."""
    chunks: int
    """Chunks that hold some of them."""
    shards: int
    point: tuple[int, int, int]
    """A voxel z, y, x that has it."""
    cells: tuple[tuple[int, ...], ...] | None
    """The chunks that hold it, as cells z, y, x of the grid of chunks."""
    morton: tuple[tuple[int, int], ...] | None
    """The half-open ranges of their Morton numbers."""
    written: tuple[WrittenDocument, ...]


def open_labels(lake: InLake, name: str) -> OpenLabels:
    """Open the labels called `name`.

    Raises
    ------
    NotFoundError
        If the lake has no such dataset.
    UnsupportedError
        If it is an image.
    """
    from voxlake.ngff.dataset import open_dataset
    from voxlake.ngff.lake import address_of, index_url, place_of

    dataset = parse_name(name)
    with opened_catalog(lake) as catalog:
        record = catalog.get_dataset(dataset)
    if record.kind != "labels":
        raise UnsupportedError(f"{dataset} is an image; only labels have a label index")
    opened = open_dataset(address_of(lake.url, record))
    return OpenLabels(opened.level(0), index_url(lake.url, place_of(record)))


def box_document(box: Box) -> BoxDocument:
    """Return a box as what commands answer."""
    return BoxDocument(start=box.start, stop=box.stop)


def shown_labels(document: LabelsDocument) -> Iterable[RenderableType]:
    """Yield what people are told of labels."""
    if document.box is None:
        columns: tuple[str, ...] = ("label#", "voxels#", "box", "chunks#", "shards#")
    else:
        columns = ("label#", "voxels#")
    rows = (
        (each.label, each.voxels, _box_of(each), _known(each.chunks), _known(each.shards))
        for each in document.labels
    )
    yield table(columns, (row[: len(columns)] for row in rows))
    if document.count > len(document.labels):
        yield Text(f"the largest {len(document.labels):,} of {document.count:,} labels")
    yield from _as_of(document.as_of)
    if document.written is not None:
        yield _written(document.written)


def shown_label(document: OneLabelDocument) -> Iterable[RenderableType]:
    """Yield what people are told of one label."""
    yield facts(
        (
            ("label", document.label),
            ("voxels", document.voxels),
            ("box", _ranges(document.box.start, document.box.stop)),
            ("chunks", document.chunks),
            ("shards", document.shards),
            ("a voxel", ",".join(map(str, document.point))),
        )
    )
    yield from _as_of(document.as_of)
    if document.cells is not None:
        yield table(("chunk z#", "y#", "x#"), document.cells)
    if document.morton is not None:
        yield table(("Morton from#", "to#"), document.morton)
    yield from map(_written, document.written)


def _known(count: int | None) -> int | None:
    return None if count == UNKNOWN else count


def _as_of(moment: datetime | None) -> Iterable[RenderableType]:
    if moment is not None:
        yield Text(f"as of {moment:%Y-%m-%d %H:%M:%S %Z}: a job changes these labels")


def _written(written: WrittenDocument) -> Text:
    return Text(f"{written.what}: {written.file} ({size(written.bytes)})")


def _box_of(line: LineDocument) -> str:
    return _ranges((line.z0, line.y0, line.x0), (line.z1, line.y1, line.x1))


def _ranges(start: Iterable[int | None], stop: Iterable[int | None]) -> str:
    """Return a box as it is given on the command line."""
    return ",".join(f"{lo}:{hi}" for lo, hi in zip(start, stop, strict=True))
