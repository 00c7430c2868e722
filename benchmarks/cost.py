"""What a level of zstd costs over the life of the data: coding, storage, and decoding.

Change `PRICES` to your own and run ``python -m benchmarks codecs``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from benchmarks.tables import markdown_table

if TYPE_CHECKING:
    from benchmarks.codecs import Coded


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices in dollars, and what becomes of the data."""

    core_hour: float = 0.04
    """One core of a machine on demand, for an hour."""
    tb_month: float = 23.0
    """10^12 bytes stored for a month; the standard class of S3."""
    years: float = 5
    """So long they are kept."""
    writes: float = 1
    """Times that each voxel is coded: labels that are edited, more than once."""
    reads_per_year: float = 12
    """Times that each voxel is read and decoded."""


PRICES = Prices()

SCENARIOS = {
    "as above": PRICES,
    "own disks: 3 $ per TB-month": replace(PRICES, tb_month=3.0),
    "archived: 1 $, read once a year": replace(PRICES, tb_month=1.0, reads_per_year=1),
    "hot: read daily": replace(PRICES, reads_per_year=365),
    "scratch: a month, read 10 times": replace(PRICES, years=1 / 12, reads_per_year=120),
    "edited: coded 100 times": replace(PRICES, writes=100),
}
"""For whom the best level is looked up."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Dollars for 10^12 bytes of raw voxels."""

    encode: float
    storage: float
    decode: float

    @property
    def total(self) -> float:
        """Dollars in all."""
        return self.encode + self.storage + self.decode


def cost(coded: Coded, prices: Prices) -> Cost:
    """Return what 10^12 bytes of voxels cost, coded so.

    Examples
    --------
    >>> from benchmarks.codecs import Coded
    >>> one = Coded("images", "zstd 1", 2.0, 1000.0, 1000.0)
    >>> cost(one, Prices(core_hour=0.036, tb_month=20, years=1, writes=1, reads_per_year=100))
    Cost(encode=0.01, storage=120.0, decode=1.0)
    """
    return Cost(
        encode=prices.writes * _coding(coded.encode_mb_per_cpu_s, prices),
        storage=prices.tb_month * 12 * prices.years / coded.ratio,
        decode=prices.reads_per_year * prices.years * _coding(coded.decode_mb_per_cpu_s, prices),
    )


def cost_table(coded: list[Coded], prices: Prices) -> str:
    """Return the total of each level of zstd on each kind of data as a Markdown table."""
    kinds = list(dict.fromkeys(one.kind for one in coded))
    levels = list(dict.fromkeys(one.codec for one in coded if one.codec.startswith("zstd")))
    found = {(one.kind, one.codec): cost(one, prices) for one in coded}
    head = ("$ per TB of voxels", *levels)
    lines = [(kind, *(f"{found[kind, level].total:.2f}" for level in levels)) for kind in kinds]
    parts = [
        (f"- of it {part}", *(f"{getattr(found[kinds[0], level], part):.2f}" for level in levels))
        for part in ("encode", "storage", "decode")
    ]
    title = (
        f"cost: {prices.core_hour} $ a core-hour, {prices.tb_month} $ a TB-month, {prices.years} "
        f"years, coded {prices.writes} times, read {prices.reads_per_year} times a year"
    )
    return markdown_table(title, [head, lines[0], *parts, *lines[1:]])


def best_levels(coded: list[Coded]) -> str:
    """Return the cheapest level of zstd by scenario, and what ours costs more, as a table."""
    kinds = list(dict.fromkeys(one.kind for one in coded))
    lines = [
        (scenario, *(_best(coded, kind, prices) for kind in kinds))
        for scenario, prices in SCENARIOS.items()
    ]
    title = "cheapest level of zstd, and by how much ours (1 for images, 3 for labels) costs more"
    return markdown_table(title, [("", *kinds), *lines])


def _best(coded: list[Coded], kind: str, prices: Prices) -> str:
    totals = {
        one.codec: cost(one, prices).total
        for one in coded
        if one.kind == kind and one.codec.startswith("zstd")
    }
    best = min(totals, key=totals.__getitem__)
    ours = totals["zstd 3" if "uint64" in kind else "zstd 1"]
    more = ours - totals[best]
    return f"{best.removeprefix('zstd ')}: {more:.2f} $, {100 * more / totals[best]:.0f} %"


def _coding(mb_per_cpu_s: float, prices: Prices) -> float:
    return 1e6 / mb_per_cpu_s / 3600 * prices.core_hour
