"""The class of storage that is advised costs least, for what is stored and read."""

from __future__ import annotations

from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from voxlake.compute.forecast.classes import advise, month_cost
from voxlake.compute.forecast.costs import Prices, StorageClass, read_prices
from voxlake.platform.catalog.stored import StoredSize
from voxlake.platform.catalog.usage import Counts, UsedOfDataset

RARE = StorageClass(name="rare", storage_tb_month=5, get_per_1000=0.01, read_tb=30)
COLD = StorageClass(name="cold", storage_tb_month=1, get_per_1000=0.1, read_tb=300)
PRICES = Prices(
    as_of=date(2026, 11, 28),
    storage_tb_month=20,
    put_per_1000=0,
    get_per_1000=0,
    core_hour=0,
    classes=(RARE, COLD),
)
TB = 10**12


def size(name: str, stored: int) -> StoredSize:
    """Return what is stored of a dataset."""
    return StoredSize(name, 1, stored, datetime.now(UTC))


def used(name: str, read: int, written: int = 0) -> UsedOfDataset:
    """Return what somebody had of a dataset in a month."""
    return UsedOfDataset("ada", name, Counts(0, read, written))


def test_what_is_read_seldom_is_cheaper_elsewhere() -> None:
    stored = [size(name, TB) for name in ("never", "seldom", "often", "written")]
    months = [[used("seldom", TB // 2), used("often", 2 * TB), used("written", 0, 1)], []]
    found = {one.dataset: one for one in advise(PRICES, stored, months)}
    assert {name: one.storage_class for name, one in found.items()} == {
        "never": "cold",
        "seldom": "rare",
        "often": "",
        "written": "",
    }
    assert (found["seldom"].present, found["seldom"].cheapest) == (20, 5 + 30 / 4)
    assert next(iter(found)) == "never"


def test_the_examples_of_voxlake_have_classes() -> None:
    prices, _, _ = read_prices()
    [never] = advise(prices, [size("never", TB)], [[]])
    assert (never.storage_class, never.present, never.cheapest) == ("GLACIER_IR", 23, 4)


@given(
    stored=st.integers(0, 10**16),
    read=st.integers(0, 10**16),
    requests=st.integers(0, 10**9),
    prices=st.lists(st.tuples(*[st.floats(0, 100)] * 3), max_size=4),
)
def test_nothing_costs_less_than_what_is_advised(
    stored: int, read: int, requests: int, prices: list[tuple[float, float, float]]
) -> None:
    classes = tuple(
        StorageClass(name=f"c{n}", storage_tb_month=a, get_per_1000=b, read_tb=c)
        for n, (a, b, c) in enumerate(prices)
    )
    table = PRICES.model_copy(update={"classes": classes})
    had = UsedOfDataset("ada", "em", Counts(requests, read))
    [advice] = advise(table, [size("em", stored)], [[had]])
    of_all = [month_cost(each, stored, read, requests) for each in (table.present_class, *classes)]
    assert advice.cheapest == min(of_all) <= advice.present == of_all[0]
