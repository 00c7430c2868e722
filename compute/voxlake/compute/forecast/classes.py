"""Which class of storage is the cheapest for what is stored, by how much of it is read."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxlake.compute.forecast.costs import TERABYTE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from voxlake.compute.forecast.costs import Prices, StorageClass
    from voxlake.platform.catalog.stored import StoredSize
    from voxlake.platform.catalog.usage import Counts, UsedOfDataset


@dataclass(frozen=True, slots=True)
class ClassAdvice:
    """What a dataset costs a month where it is, and where it would cost least."""

    dataset: str
    stored_bytes: int
    read_bytes: float
    """In a month, on average."""
    requests: float
    storage_class: str
    """The cheapest; an empty name is the one that it is in."""
    present: float
    """Cost of a month where it is, in the currency of the prices."""
    cheapest: float


def advise(
    prices: Prices, stored: Iterable[StoredSize], months: Sequence[Iterable[UsedOfDataset]]
) -> list[ClassAdvice]:
    """Return advice for each dataset, by what was had of it in some months; what saves most first.

    What is written to stays where it is: elsewhere each object is paid for a least time.
    """
    had = _had(months)
    advice = [_advice(prices, size, had[size.dataset], len(months)) for size in stored]
    return sorted(advice, key=lambda one: (one.cheapest - one.present, one.dataset))


def month_cost(each: StorageClass, stored: float, read: float, requests: float) -> float:
    """Return what a month costs in a class.

    Examples
    --------
    >>> from voxlake.compute.forecast.costs import StorageClass
    >>> rare = StorageClass(name="rare", storage_tb_month=10, get_per_1000=1, read_tb=20)
    >>> month_cost(rare, 2e12, 1e12, 3000)
    43.0
    """
    by_bytes = stored * each.storage_tb_month + read * each.read_tb
    return by_bytes / TERABYTE + requests / 1000 * each.get_per_1000


def _had(months: Sequence[Iterable[UsedOfDataset]]) -> dict[str, list[Counts]]:
    had = defaultdict[str, list["Counts"]](list)
    for month in months:
        for used in month:
            had[used.dataset].append(used.counts)
    return had


def _advice(prices: Prices, size: StoredSize, had: list[Counts], months: int) -> ClassAdvice:
    read = sum(counts.egress for counts in had) / months
    requests = sum(counts.requests for counts in had) / months
    is_written = any(counts.ingress for counts in had)
    choices = (prices.present_class, *(() if is_written else prices.classes))
    costs = {each.name: month_cost(each, size.bytes, read, requests) for each in choices}
    cheapest = min(costs, key=lambda name: (costs[name], name))
    return ClassAdvice(
        dataset=size.dataset,
        stored_bytes=size.bytes,
        read_bytes=read,
        requests=requests,
        storage_class=cheapest,
        present=costs[""],
        cheapest=costs[cheapest],
    )
