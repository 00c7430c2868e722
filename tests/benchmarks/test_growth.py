"""What is said of large lakes follows from unit costs, and the page says what the command does."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from benchmarks.__main__ import LAKES, counts_of
from benchmarks.growth.lake import growth
from benchmarks.growth.limits import limits
from benchmarks.growth.report import headline, limit_table, size_table, user_table
from benchmarks.growth.simulated import simulate
from benchmarks.growth.units import MEASURED, USUAL
from tests.docs.pages import ROOT

from voxlake.compute.forecast.costs import read_prices

if TYPE_CHECKING:
    from pathlib import Path

PRICES, WHERE, _ = read_prices()
PAGE = ROOT / "docs" / "explanation" / "growth.md"


def at_limit(what: str) -> float:
    """Return the voxels at which a limit is met."""
    [found] = [each.voxels for each in limits() if what in each.what]
    return found


def test_limits_are_where_the_lake_says() -> None:
    days = USUAL.days * 86400
    assert growth(at_limit("sends tasks"), PRICES).client_s == pytest.approx(days)
    recorded = growth(at_limit("ledger"), PRICES).tasks / MEASURED.ledger_rows_per_s
    assert recorded == pytest.approx(days)
    assert growth(at_limit("fsck"), PRICES).fsck_list_s == pytest.approx(USUAL.listing_s)
    files = growth(at_limit("manifest"), PRICES).index_bytes / MEASURED.index_file_bytes
    assert files * MEASURED.manifest_file_s == pytest.approx(USUAL.manifest_s)


def test_a_remedy_moves_its_limit() -> None:
    before = {each.what: each.voxels for each in limits()}
    more = replace(USUAL, memory_limit_bytes=2 * USUAL.memory_limit_bytes)
    moved = {each.what for each in limits(installed=more) if each.voxels > before[each.what]}
    assert moved == {"memory of the task that publishes a label index"}


def test_a_price_is_paid_for_what_it_is_of() -> None:
    dear = PRICES.model_copy(update={"storage_tb_month": 2 * PRICES.storage_tb_month})
    one, two = growth(1e15, PRICES), growth(1e15, dear)
    assert two.month == pytest.approx(2 * one.month)
    assert two.once == one.once
    sent = PRICES.model_copy(update={"egress_tb": 90.0})
    assert growth(1e15, sent).sent_month > 0


def test_the_page_says_what_the_command_does() -> None:
    lakes = [growth(float(size), PRICES) for size in counts_of(LAKES)]
    page = PAGE.read_text()
    for table in (size_table(lakes, PRICES, WHERE), limit_table(limits()), user_table(PRICES)):
        assert table.strip().partition("\n")[2].strip() in page
    assert headline() in page


def test_parts_are_simulated(tmp_path: Path) -> None:
    found = simulate(tmp_path, 1000, lambda _: None)
    assert [each.count for each in found] == [1000, 1000, 10_000, 1000]
    assert all(each.seconds >= 0 for each in found)
