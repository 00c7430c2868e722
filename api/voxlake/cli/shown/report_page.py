"""A report of a dataset as one HTML page without scripts, to be kept or sent. Pure."""

from __future__ import annotations

import math
from base64 import b64encode
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from voxlake.cli.shown.output import size
from voxlake.ngff.labels.sizes import size_bins

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy.typing as npt

    from voxlake.documents.datasets.dataset import DatasetDocument, LevelDocument

BINS = 64
"""Of values of an image."""
WIDTH, HEIGHT = 640, 140
"""Pixels of the histogram."""
PICTURE = 280
"""Pixels of the longest edge of a slice."""
PLANES = (("z", "y, x"), ("y", "z, x"), ("x", "z, y"))
_STYLE = """
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em }
table { border-collapse: collapse } th, td { text-align: left; padding: .2em 1em .2em 0 }
td.n { text-align: right; font-variant-numeric: tabular-nums } code { overflow-wrap: anywhere }
figure { display: inline-block; margin: 0 1em 1em 0; vertical-align: top }
img { display: block; image-rendering: pixelated } .warning { border-left: 4px solid #d55e00;
padding-left: .8em } svg { max-width: 100%; height: auto }
"""


@dataclass(frozen=True, slots=True)
class Sample:
    """Voxels of the middle of a level, as they are drawn and counted."""

    level: int
    voxels: npt.NDArray[Any]
    """z, y, x."""
    pixels: tuple[bytes, bytes, bytes]
    """PNG of the middle slices across z, y and x."""
    whole: bool
    """Whether it is all of the level."""


def report_page(
    dataset: DatasetDocument,
    sample: Sample,
    coverage: str,
    facts: Sequence[tuple[str, str]],
    warnings: Sequence[str],
) -> str:
    """Return the page.

    Parameters
    ----------
    coverage
        An SVG of which shards are stored.
    facts
        What is known besides, each by its name.
    """
    name = escape(dataset.name)
    level = dataset.levels[sample.level]
    part = "all of it" if sample.whole else "its middle"
    parts = (
        *(f'<p class="warning">{escape(each)}</p>' for each in warnings),
        _facts((*_of_dataset(dataset), *facts)),
        f"<h2>Middle slices</h2><p>Level {sample.level}, {part}.</p>",
        *_slices(sample, level),
        "<h2>Levels</h2>",
        _levels(dataset.levels),
        "<h2>Which shards of level 0 are stored</h2>",
        "<p>Others hold nothing but fill, or are not written yet.</p>",
        coverage,
        f"<h2>{'Sizes of labels' if dataset.kind == 'labels' else 'Values'}</h2>",
        f"<p>Of level {sample.level}, {part}.</p>",
        histogram(sample.voxels, labels=dataset.kind == "labels"),
    )
    return (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{name}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style>\n'
        f"<h1>{name}</h1>\n" + "\n".join(parts) + "</html>\n"
    )


def histogram(voxels: npt.NDArray[Any], *, labels: bool) -> str:
    """Return an SVG of how many voxels have which value; of labels, how many have which size.

    Values are in bins of equal width, each of as many whole numbers; sizes in bins that double, as
    the console shows them. The background is left out.
    """
    values = voxels.ravel()
    if labels:
        values = np.unique(values[values != 0], return_counts=True)[1].astype(np.uint64)
    values = values[np.isfinite(values)]
    if not values.size:
        return "<p>There are none.</p>"
    counts = [each.labels for each in size_bins(values)] if labels else _counts(values)
    what = "labels of so many voxels" if labels else "voxels"
    ends = (
        f"{float(values.min()):,.6g} to {float(values.max()):,.6g}; at most {max(counts):,} {what} "
        f"in one of {len(counts)} bins"
    )
    return _bars(counts, ends)


def _bars(counts: Sequence[int], said: str) -> str:
    """Return an SVG of bars from the left to the right, and what it shows in words below it."""
    step, most = WIDTH / len(counts), max(counts)
    bars = "".join(
        f"M{number * step:.2f} {HEIGHT}v{-HEIGHT * count / most:.2f}h{step:.2f}V{HEIGHT}z"
        for number, count in enumerate(counts)
    )
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" '
        f'aria-label="{said}"><path d="{bars}" fill="#2f8fb8"/></svg><p>{said}.</p>'
    )


def _counts(values: npt.NDArray[Any]) -> list[int]:
    """Return how many values there are in each of `BINS` bins of equal width."""
    low, high = float(values.min()), float(values.max())
    if values.dtype.kind in "iu":
        width = math.ceil((high - low + 1) / BINS)
        edges = low + np.arange(BINS + 1, dtype=np.float64) * width
    else:
        edges = np.linspace(low, high if high > low else low + 1, BINS + 1)
    counts: list[int] = np.histogram(values, edges)[0].tolist()
    return counts


def _of_dataset(dataset: DatasetDocument) -> Iterator[tuple[str, str]]:
    unit = dataset.voxel_size.unit or ""
    shape = zip(dataset.axis_names, dataset.shape, strict=True)
    yield "description", dataset.description
    yield "kind", dataset.kind
    yield "voxels", ", ".join(f"{axis} {length:,}" for axis, length in shape)
    yield "type", dataset.dtype
    yield "voxel size", f"{' x '.join(f'{n:g}' for n in dataset.levels[0].scale[-3:])} {unit}"
    if dataset.stored is not None:
        stored = dataset.stored
        ratio = _voxel_bytes(dataset) / stored.bytes if stored.bytes else math.inf
        yield "stored", f"{size(stored.bytes)} in {stored.objects:,} objects, 1 : {ratio:.1f}"
    yield "where", dataset.store_url
    if dataset.provenance is not None:
        yield "made from", ", ".join(dataset.provenance.sources)
        yield "read from", dataset.provenance.read_from or ""


def _voxel_bytes(dataset: DatasetDocument) -> int:
    itemsize = np.dtype(dataset.dtype).itemsize
    return sum(math.prod(level.shape) for level in dataset.levels) * itemsize


def _facts(facts: Iterable[tuple[str, str]]) -> str:
    rows = (
        f"<tr><th>{escape(name)}</th><td><code>{escape(value)}</code></td></tr>"
        for name, value in facts
        if value
    )
    return f"<table>{''.join(rows)}</table>"


def _slices(sample: Sample, level: LevelDocument) -> Iterator[str]:
    extents = [n * s for n, s in zip(sample.voxels.shape, (1.0, *level.scale)[-3:], strict=True)]
    for across, ((axis, seen), png) in enumerate(zip(PLANES, sample.pixels, strict=True)):
        rows, columns = (extents[other] for other in range(3) if other != across)
        scale = PICTURE / max(extents)
        yield (
            f'<figure><img alt="the middle slice across {axis}" width="{columns * scale:.0f}" '
            f'height="{max(rows * scale, 1):.0f}" src="data:image/png;base64,'
            f'{b64encode(png).decode()}"><figcaption>across {axis}: {seen}</figcaption></figure>'
        )


def _levels(levels: Sequence[LevelDocument]) -> str:
    rows = "".join(
        f'<tr><td class="n">{level.level}</td><td>{_product(level.shape)}</td>'
        f"<td>{' x '.join(f'{n:g}' for n in level.scale)}</td><td>{_product(level.chunk)}</td>"
        f'<td>{_product(level.shard)}</td><td class="n">'
        f"{'' if level.stored is None else size(level.stored.bytes)}</td></tr>"
        for level in levels
    )
    head = "".join(f"<th>{name}" for name in ("", "voxels", "size", "chunk", "shard", "stored"))
    return f"<table><tr>{head}</tr>{rows}</table>"


def _product(numbers: Iterable[int]) -> str:
    return " x ".join(f"{number:,}" for number in numbers)
