"""``python -m benchmarks growth``: what large lakes take, what breaks first, and what to do."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from benchmarks.growth.lake import HEADLINE_BITS_PER_S, Growth, cores_for, growth
from benchmarks.growth.limits import limits
from benchmarks.growth.simulated import Simulated, simulate
from benchmarks.growth.units import Installed
from benchmarks.tables import markdown_table
from voxlake.compute.forecast.costs import read_prices

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from benchmarks.growth.limits import Limit
    from benchmarks.rounds import Say
    from voxlake.compute.forecast.costs import Prices

USERS = (10, 100, 1000, 10_000)

LINES: tuple[tuple[str, Callable[[Growth], str]], ...] = (
    ("shards of image and labels", lambda g: f"{g.shards:,.0f}"),
    ("objects, with sidecars of the label index", lambda g: f"{g.objects:,.0f}"),
    ("image stored, TB", lambda g: f"{g.image_bytes / 1e12:,.0f}"),
    ("labels stored, TB", lambda g: f"{g.labels_bytes / 1e12:,.0f}"),
    ("sidecars, GB", lambda g: f"{g.sidecar_bytes / 1e9:,.0f}"),
    ("index by label, GB", lambda g: f"{g.index_bytes / 1e9:,.0f}"),
    ("PUT, millions", lambda g: f"{g.puts / 1e6:,.1f}"),
    ("GET and HEAD, millions", lambda g: f"{g.gets / 1e6:,.1f}"),
    ("tasks: rows of the ledger", lambda g: f"{g.tasks:,.0f}"),
    ("ledger, MB (SQLite)", lambda g: f"{g.ledger_bytes / 1e6:,.0f}"),
    ("core-hours: ingest with all levels", lambda g: f"{g.ingest_core_s / 3600:,.0f}"),
    ("core-hours: label index", lambda g: f"{g.index_core_s / 3600:,.0f}"),
    ("cores that end in 30 days", lambda g: f"{g.cores:,.0f}"),
    ("CPU hours of the process that sends tasks", lambda g: f"{g.client_s / 3600:,.1f}"),
    ("publication of the index, minutes", lambda g: f"{g.publish_s / 60:,.0f}"),
    ("listing by fsck, minutes", lambda g: f"{g.fsck_list_s / 60:,.0f}"),
    ("stored, a month", lambda g: f"{g.month:,.0f}"),
    ("cores and requests, once", lambda g: f"{g.once:,.0f}"),
)


def run_growth(
    folder: Path, voxels: list[int], shards: int, prices: Path | None, say: Say
) -> dict[str, Any]:
    """Print what lakes of images of so many voxels take, and return all figures.

    Parameters
    ----------
    shards
        Shards that are simulated besides; 0: none.
    prices
        A price table, as `voxlake plan --show-prices` prints it.
    """
    table, where, _ = read_prices(prices)
    lakes = [growth(float(size), table) for size in voxels]
    met = limits()
    print(size_table(lakes, table, where))
    print(limit_table(met))
    print(user_table(table))
    print(headline())
    parts = simulate(folder, shards, say) if shards else []
    if parts:
        print(simulated_table(parts), flush=True)
    return {
        "lakes": [asdict(each) for each in lakes],
        "limits": [asdict(each) for each in met],
        "simulated": [asdict(each) for each in parts],
    }


def size_table(lakes: list[Growth], prices: Prices, where: str) -> str:
    """Return what each lake takes, as a table."""
    title = f"An image of uint8, labels of uint64 and their index; {prices.currency} by {where}"
    head = ("voxels", *(f"{each.voxels:.0e}".replace("e+", " x 10^") for each in lakes))
    lines = [(name, *(shown(each) for each in lakes)) for name, shown in LINES]
    return markdown_table(f"{title}, {prices.as_of}", [head, *lines])


def limit_table(found: list[Limit]) -> str:
    """Return what breaks, the first at the top, as a table."""
    head = ("from so many voxels on", "what", "what happens", "remedy")
    lines = [(f"{each.voxels:.1e}", each.what, each.effect, each.remedy) for each in found]
    return markdown_table("What breaks first", [head, *lines])


def user_table(prices: Prices) -> str:
    """Return the gateways for some numbers of users, and what they are sent costs, as a table."""
    head = ("users", "machines for gateways", f"sent to them, {prices.currency} a month")
    found = [growth(1.0, prices, installed=Installed(users=users)) for users in USERS]
    lines = [
        (f"{users:,}", f"{each.gateway_nodes}", f"{each.sent_month:,.0f}")
        for users, each in zip(USERS, found, strict=True)
    ]
    return markdown_table("Users", [head, *lines])


def simulated_table(found: list[Simulated]) -> str:
    """Return what was simulated, as a table."""
    head = ("simulated", "", "CPU s", "us for one", "more memory, MiB")
    lines = [
        (
            each.what,
            f"{each.count:,} {each.of}",
            f"{each.seconds:.1f}",
            f"{each.each_us:.1f}",
            f"{each.peak_mib:.0f}",
        )
        for each in found
    ]
    return markdown_table("Simulated: no voxels, no network", [head, *lines])


def headline() -> str:
    """Return what the ingest of bossDB's paper takes here."""
    cores = cores_for(HEADLINE_BITS_PER_S)
    return f"2.3 Gb/s of uint8, all levels with them: {cores:.1f} cores by the measured rate"
