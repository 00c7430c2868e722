"""``voxlake report``: a page about a dataset, for people."""

from __future__ import annotations

import json
from collections import deque
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from cyclopts import Parameter, validators

from voxlake.api.console.datasets.coverage_picture import draw_coverage
from voxlake.cli.commands.lake.info import describe
from voxlake.cli.opened.lake import EVERYTHING, opened_catalog
from voxlake.cli.options import InLake, Name, read_settings
from voxlake.cli.shown.dataset import UNFINISHED
from voxlake.cli.shown.output import note, size
from voxlake.cli.shown.report_page import Sample, report_page
from voxlake.documents.datasets.dataset import provenance_document
from voxlake.ngff.dataset import open_dataset
from voxlake.ngff.drawing.contrast import chosen_ends
from voxlake.ngff.drawing.pixels import coloured, grey
from voxlake.ngff.drawing.png import encode_png
from voxlake.ngff.grid.box import Box
from voxlake.ngff.lake import address_of
from voxlake.ngff.storage.coverage import list_coverage
from voxlake.platform.errors import InvalidInputError, NotFoundError
from voxlake.platform.names import DatasetName

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from voxlake.documents.datasets.dataset import DatasetDocument
    from voxlake.ngff.dataset import Dataset
    from voxlake.ngff.drawing.contrast import Ends
    from voxlake.ngff.volume import Volume
    from voxlake.platform.catalog import Catalog

EDGE = 256
"""Voxels along each axis that are drawn and counted at most."""


def report(
    name: Name,
    file: Annotated[
        Path,
        Parameter(metavar="FILE", validator=validators.Path(dir_okay=False), help="An HTML file."),
    ],
    /,
    *,
    lake: InLake = InLake(),
    verified: Annotated[
        Path | None,
        Parameter(
            metavar="FILE",
            validator=validators.Path(exists=True, dir_okay=False),
            help="What `voxlake verify --report` wrote: its verdict and digest are told.",
        ),
    ] = None,
) -> None:
    """Write a page about a dataset: slices, levels, which shards are there, values, its source.

    One file without scripts, to be kept beside the data or sent. Voxels are drawn and counted of a
    level that is small.
    """
    wanted = DatasetName.parse(name)
    proof = tuple(_proof(verified)) if verified is not None else ()
    with opened_catalog(lake) as catalog:
        record = catalog.get_dataset(wanted)
        origin = provenance_document(catalog.provenance.get(wanted, EVERYTHING), read_from=True)
        document = describe(lake.url, record).model_copy(update={"provenance": origin})
        facts = (*_of_job(catalog, document), *proof)
    dataset = open_dataset(address_of(lake.url, record, read_settings()))
    page = report_page(
        document,
        _sample(dataset, labels=document.kind == "labels"),
        draw_coverage(list_coverage(dataset.level(0))),
        facts,
        tuple(_warnings(document)),
    )
    file.write_text(page, encoding="utf-8")
    note(f"{file}: {size(len(page))}")


def _sample(dataset: Dataset, *, labels: bool) -> Sample:
    levels = [dataset.level(number) for number in range(dataset.levels)]
    fits = (n for n, level in enumerate(levels) if max(level.shape[-3:]) <= EDGE)
    number = next(fits, dataset.levels - 1)
    shape = levels[number].shape
    taken = [1] * (len(shape) - 3) + [min(n, EDGE) for n in shape[-3:]]
    start = [0 if t == 1 else (n - t) // 2 for n, t in zip(shape, taken, strict=True)]
    box = Box(tuple(start), tuple(a + t for a, t in zip(start, taken, strict=True)))
    voxels = levels[number].read(box).result()
    cube = voxels.reshape((1, 1, 1, *voxels.shape)[-3:])
    planes = (np.take(cube, cube.shape[axis] // 2, axis) for axis in range(3))
    draw = coloured if labels else partial(grey, ends=_ends(dataset, levels))
    first, second, third = (encode_png(draw(plane)) for plane in planes)
    return Sample(number, cube, (first, second, third), whole=tuple(taken[-3:]) == shape[-3:])


def _ends(dataset: Dataset, levels: Sequence[Volume]) -> Ends:
    shapes = tuple(level.shape for level in levels)
    return chosen_ends(
        dataset.multiscale,
        shapes,
        levels[0].dtype,
        lambda level, box: levels[level].read(box).result(),
    )


def _of_job(catalog: Catalog, dataset: DatasetDocument) -> Iterator[tuple[str, str]]:
    if dataset.provenance is None or dataset.provenance.job is None:
        return
    yield "made by job", dataset.provenance.job
    try:
        job = catalog.ledger.get_job(dataset.provenance.job)
    except NotFoundError:
        return
    seconds = (job.updated_at - job.created_at).total_seconds()
    voxels = np.prod(dataset.shape, dtype=float) * np.dtype(dataset.dtype).itemsize
    yield "began", f"{job.created_at:%Y-%m-%d %H:%M:%S %Z}"
    yield "took", f"{seconds:,.1f} s, {size(voxels / max(seconds, 1e-3))}/s of level 0"
    yield "said", job.message


def _proof(report: Path) -> Iterator[tuple[str, str]]:
    """Yield what the last line of a verification says.

    Raises
    ------
    InvalidInputError
        If it is no report of a verification.
    """
    try:
        with report.open(encoding="utf-8") as lines:
            header: dict[str, Any] = json.loads(next(lines))
            totals: dict[str, Any] = json.loads(deque(lines, maxlen=1)[0])
        yield "verified", f"{totals['verdict']}: {totals['voxels']:,} voxels of {header['dataset']}"
        yield "differ", f"{totals['different']:,} voxels; {totals['damaged']:,} shards are damaged"
        yield "digest", f"{header['hash']} {totals['hash_of_all_lines_above']}"
    except (ValueError, KeyError, IndexError, TypeError, StopIteration) as error:
        raise InvalidInputError(
            f"{report} is no report of a verification; voxlake verify --report writes one"
        ) from error


def _warnings(dataset: DatasetDocument) -> Iterator[str]:
    if not dataset.whole or dataset.state != "ready":
        yield f"The dataset is not whole: {UNFINISHED}."
    if dataset.stale is not None:
        yield "Coarser levels are behind level 0, which was written to."
