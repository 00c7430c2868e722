"""Pictures of the figures: bars for each candidate, and the growth of an ingest."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from benchmarks.candidates.catalogue import CANDIDATES
from benchmarks.linear import Growth, Point

if TYPE_CHECKING:
    from pathlib import Path

BARS = {
    "mb_per_s": "MB/s",
    "mb_per_cpu_s": "MB per CPU second",
    "peak_rss_mib": "peak memory, MiB",
}
OURS, THEIRS = "#0072b2", "#999999"
"""Told apart by the colour-blind too."""


class NoMatplotlibError(Exception):
    """Pictures were asked for where matplotlib is not installed."""


def draw_all(document: dict[str, Any], folder: Path) -> None:
    """Draw all figures of a document that ``--json`` wrote, as PNG files in `folder`.

    Raises
    ------
    NoMatplotlibError
        If matplotlib is not installed.
    """
    if find_spec("matplotlib") is None:
        raise NoMatplotlibError("--plots needs matplotlib: install requirements/bench.txt")
    import_module("matplotlib").use("agg")
    folder.mkdir(parents=True, exist_ok=True)
    for name in CANDIDATES:
        if name in document and name != "cutout":
            draw_bars(name, document[name], folder / f"benchmark-{name}.png")
    if "linear" in document:
        found = dict(document["linear"])
        points = tuple(Point(**point) for point in found.pop("points"))
        draw_growth(Growth(points, **found), folder / "benchmark-linear.png")


def draw_bars(name: str, rows: list[dict[str, Any]], path: Path) -> None:
    """Draw rate, rate per CPU second and peak memory of the candidates of one benchmark."""
    first = [row for row in rows if row["part"] == rows[0]["part"]]
    figure, axes = import_module("matplotlib.pyplot").subplots(
        1, len(BARS), figsize=(10, 0.8 + 0.28 * len(first)), sharey=True, layout="constrained"
    )
    names = [row["candidate"] for row in first]
    colours = [OURS if one.startswith("voxlake") or one == "Dask" else THEIRS for one in names]
    for axis, (key, title) in zip(axes, BARS.items(), strict=True):
        values = [row[key] for row in first]
        bars = axis.barh(names, values, color=colours)
        axis.bar_label(bars, fmt="%.0f", padding=2, fontsize=8)
        axis.set_title(title, fontsize=9)
        axis.margins(x=0.15)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].invert_yaxis()
    figure.suptitle(f"{name}, {first[0]['part']}" if first[0]["part"] != name else name)
    figure.savefig(path, dpi=100)


def draw_growth(growth: Growth, path: Path) -> None:
    """Draw seconds and peak memory over voxels, with the line that was fitted."""
    voxels = [point.gigavoxels for point in growth.points]
    figure, (time, memory) = import_module("matplotlib.pyplot").subplots(
        1, 2, figsize=(8, 3), layout="constrained"
    )
    time.loglog(voxels, [point.seconds for point in growth.points], "o", color=OURS)
    line = [growth.fixed_s + growth.s_per_gigavoxel * one for one in voxels]
    label = f"{growth.fixed_s:.2f} s + {growth.s_per_gigavoxel:.2f} s per 10^9 voxels"
    time.loglog(voxels, line, "-", color=THEIRS, label=label)
    time.set(xlabel="10^9 voxels", ylabel="seconds")
    time.legend(fontsize=8)
    peaks = [point.peak_rss_mib for point in growth.points]
    memory.semilogx(voxels, peaks, "o-", color=OURS)
    memory.set(xlabel="10^9 voxels", ylabel="peak memory, MiB", ylim=(0, 1.3 * max(peaks)))
    figure.suptitle(f"ingest of a phantom with its pyramid: time ~ voxels^{growth.exponent:.2f}")
    figure.savefig(path, dpi=100)
