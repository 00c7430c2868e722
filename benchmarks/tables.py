"""Tables for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

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
    return _table(f"{name}: medians; ratio of MB/s to {rows[0].candidate}", [head, *lines])


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
    return _table("memory: peak of an ingest with its pyramid", [head, *lines])


def _table(title: str, rows: list[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    head, *body = rows
    lines = [_line(head, widths), _line(["-" * width for width in widths], widths)]
    return "\n".join([f"\n{title}\n", *lines, *(_line(row, widths) for row in body), ""])


def _line(cells: Iterable[str], widths: list[int]) -> str:
    cells = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return f"| {' | '.join(cells)} |"
