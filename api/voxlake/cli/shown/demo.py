"""The demo, as people see it."""

from __future__ import annotations

import math
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from voxlake.cli.shown.output import Shown, facts, rate, size, table

if TYPE_CHECKING:
    from voxlake.documents.demo import DemoDataset, DemoDocument
    from voxlake.documents.job import JobDocument


def shown_demo(demo: DemoDocument) -> Shown:
    """Yield what people see of a demo."""
    yield facts((("lake", demo.lake), ("sample", demo.sample), ("credit", demo.credit)))
    yield table(
        ("dataset", "voxels#", "shards#", "stored#", "rate#", "levels#", "labels#", "index", "ok"),
        map(_row, demo.datasets),
    )
    yield facts([("verified", demo.verified)])
    if demo.serving is not None:
        yield facts([("open", demo.public_viewer or demo.serving.login_link)])
        lake = Path(demo.lake).absolute() if "://" not in demo.lake else demo.lake
        line = f"export GATEWAY={demo.serving.url} VOXLAKE_LAKE={shlex.quote(str(lake))}"
        yield facts([("elsewhere", line)])


def _row(made: DemoDataset) -> tuple[object, ...]:
    dataset = made.dataset
    stored, index = dataset.stored, dataset.index
    return (
        dataset.name,
        math.prod(dataset.shape),
        stored and stored.objects,
        stored and size(stored.bytes),
        _rate(made.ingest),
        len(dataset.levels),
        made.labels,
        index and f"{size(index.bytes)}, {index.rows:,} rows",
        made.verified,
    )


def _rate(ingest: JobDocument | None) -> str:
    if ingest is None or ingest.run is None:
        return "made before"
    return rate(ingest.run.voxels, ingest.itemsize or 1, ingest.run.seconds)
