"""The demo, as people see it."""

from __future__ import annotations

import math
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from voxlake.cli.shown.output import Shown, facts, rate, size, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxlake.documents.demo import DemoDataset, DemoDocument
    from voxlake.documents.jobs.job import JobDocument


def shown_demo(demo: DemoDocument) -> Shown:
    """Yield what people see of a demo."""
    yield facts((("lake", demo.lake), ("sample", demo.sample), ("credit", demo.credit)))
    yield table(
        ("dataset", "voxels#", "shards#", "stored#", "rate#", "levels#", "labels#", "index", "ok"),
        map(_row, demo.datasets),
    )
    yield facts([("verified", demo.verified)])
    if demo.serving is not None:
        yield facts([("open", demo.public_viewer or demo.serving.login_link or demo.serving.url)])
        yield Text("In another shell, to go on with the README:", "bold")
        yield Text(f"export {' '.join(_variables(demo.lake, demo.serving.url))}")


def _variables(lake: str, gateway: str) -> Iterator[str]:
    """Yield what another shell has to know, this command's folder included."""
    place = lake if "://" in lake else str(Path(lake).absolute())
    yield f"GATEWAY={gateway}"
    yield f"VOXLAKE_LAKE={shlex.quote(place)}"
    if shutil.which("voxlake") is None:
        yield f'PATH={shlex.quote(str(Path(sys.executable).parent))}:"$PATH"'


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
