"""Tables for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmarks.linear import Growth
    from benchmarks.memory import Peak
    from benchmarks.rounds import Row


def rate_table(name: str, rows: list[Row]) -> str:
    """Return the rows of a benchmark as a Markdown table."""
    head = ("part", "candidate", "wall s", "step ms", "MB/s", "MB/CPU s", "peak MiB", "ratio", "")
    lines = [
        (
            row.part,
            row.candidate,
            f"{row.seconds:.2f}",
            f"{row.step_ms:.1f}",
            f"{row.mb_per_s:.0f}",
            f"{row.mb_per_cpu_s:.0f}",
            f"{row.peak_rss_mib:.0f}",
            f"{row.ratio:.2f}",
            "; ".join(filter(None, (f"output {row.output}", row.note))),
        )
        for row in rows
    ]
    return markdown_table(f"{name}: medians; ratio of MB/s to {rows[0].candidate}", [head, *lines])


def memory_table(peaks: list[Peak]) -> str:
    """Return the peaks as a Markdown table."""
    head = ("phantom", "processes", "s", "peak MiB", "of the first")
    lines = [
        (
            "x".join(map(str, peak.shape)),
            str(peak.workers),
            f"{peak.seconds:.1f}",
            f"{peak.peak_rss_mib:.0f}",
            f"{peak.peak_rss_mib / peaks[0].peak_rss_mib:.2f}",
        )
        for peak in peaks
    ]
    return markdown_table("memory: peak of an ingest with its pyramid", [head, *lines])


def growth_table(growth: Growth) -> str:
    """Return the points of a growth as a Markdown table."""
    head = ("phantom", "10^9 voxels", "s", "s per 10^9", "CPU s per 10^9", "peak MiB")
    lines = [
        (
            f"{point.edge}^3",
            f"{point.gigavoxels:.3f}",
            f"{point.seconds:.2f}",
            f"{point.seconds / point.gigavoxels:.2f}",
            f"{point.cpu_seconds / point.gigavoxels:.2f}",
            f"{point.peak_rss_mib:.0f}",
        )
        for point in growth.points
    ]
    line = f"{growth.fixed_s:.2f} s + {growth.s_per_gigavoxel:.2f} s per 10^9 voxels"
    title = f"linear: an ingest with its pyramid takes {line}; exponent {growth.exponent:.3f}"
    return markdown_table(title, [head, *lines])


def markdown_table(title: str, rows: Sequence[tuple[str, ...]]) -> str:
    """Return rows, the first of them the head, under a title."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    head, *body = rows
    lines = [_line(head, widths), _line(["-" * width for width in widths], widths)]
    return "\n".join([f"\n{title}\n", *lines, *(_line(row, widths) for row in body), ""])


def _line(cells: Iterable[str], widths: list[int]) -> str:
    cells = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return f"| {' | '.join(cells)} |"
