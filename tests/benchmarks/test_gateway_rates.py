"""The rates of the gateway are measured on answers that are equal to those of its peers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import gateway_cutouts, gateway_ranges

if TYPE_CHECKING:
    from pathlib import Path


def test_servers_and_formats_are_compared(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    gateway_ranges.make_image(lake, (64, 96, 96))
    ranges = gateway_ranges.measure(lake, {64_000: 8}, 1)
    assert list(ranges[64_000]) == ["voxlake", "FileResponse", "obstore"]
    assert gateway_ranges.ranges_table(ranges).count("\n| ") == 1 + 1 + 3
    cutouts = gateway_cutouts.measure(lake, (64, 96, 96), 48, 8, 1)
    assert list(cutouts["unaligned"]) == ["TensorStore in process", "raw", "npy", "blosc"]
    rates = [one for by_name in cutouts.values() for each in by_name.values() for one in each]
    assert {one.nbytes for one in rates} == {8 * 48**3}
    assert gateway_cutouts.cutouts_table(cutouts).count("\n| ") == 1 + 1 + 2 * 4
