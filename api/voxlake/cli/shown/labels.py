"""Labels, and changes of which are merged, as people see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from voxlake.cli.shown.output import Shown, facts, size, table

if TYPE_CHECKING:
    from datetime import datetime

    from voxlake.documents.box import BoxDocument
    from voxlake.documents.labels.labels import (
        FileDocument,
        LabelDocument,
        LabelListDocument,
        LabelsInBoxDocument,
    )
    from voxlake.documents.labels.merges import ChangeDocument


def shown_labels(listed: LabelListDocument) -> Shown:
    """Yield a table of labels."""
    rows = (
        (str(one.label), one.voxels, _box(one.box), one.chunks, one.shards) for one in listed.labels
    )
    yield table(("label#", "voxels#", "box", "chunks#", "shards#"), rows)
    yield from _rest(listed)
    yield from _as_of(listed.as_of)
    yield from _written(listed.written)


def shown_in_box(inside: LabelsInBoxDocument) -> Shown:
    """Yield a table of the labels of a box."""
    rows = zip(map(str, inside.labels), inside.counts or (), strict=True)
    yield table(("label#", "voxels#"), rows)
    yield from _rest(inside)
    yield from _written(inside.written)


def shown_ids(listed: LabelListDocument | LabelsInBoxDocument) -> Shown:
    """Yield the ids of labels alone."""
    for label in listed.labels:
        yield Text(str(label if isinstance(label, int) else label.label))


def shown_label(label: LabelDocument) -> Shown:
    """Yield what people see of one label."""
    yield facts(
        (
            ("label", str(label.label)),
            ("voxels", label.voxels),
            ("box", _box(label.box)),
            ("chunks", label.chunks),
            ("shards", label.shards),
            ("a voxel", ",".join(map(str, label.point or ()))),
        )
    )
    yield from _as_of(label.as_of)
    if label.cells is not None:
        yield table(("chunk z#", "y#", "x#"), label.cells)
    if label.morton is not None:
        yield table(("Morton from#", "to#"), label.morton)
    yield from _written(*label.written)


def shown_change(change: ChangeDocument) -> Shown:
    """Yield what people see of a change of a mapping."""
    into = None if change.into is None else str(change.into)
    labels = ", ".join(map(str, change.labels))
    yield facts(((change.kind, labels), ("into", into), ("mapping", change.number)))


def _box(box: BoxDocument) -> str:
    """Return a box as it is given on the command line."""
    return ",".join(f"{lo}:{hi}" for lo, hi in box.root.values())


def _rest(listed: LabelListDocument | LabelsInBoxDocument) -> Shown:
    if listed.count is not None and listed.count > len(listed.labels):
        yield Text(f"the largest {len(listed.labels):,} of {listed.count:,} labels")


def _as_of(moment: datetime | None) -> Shown:
    if moment is not None:
        yield Text(f"as of {moment:%Y-%m-%d %H:%M:%S %Z}: a job changes these labels")


def _written(*files: FileDocument | None) -> Shown:
    for file in files:
        if file is not None:
            yield Text(f"{file.what}: {file.file} ({size(file.bytes)})")
