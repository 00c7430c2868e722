"""Whether tasks fit the memory of the workers that are there for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxlake.compute.cluster.opening import cluster_failures
from voxlake.platform.errors import LimitExceededError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from distributed import Client

    from voxlake.compute.plan import Plan

PROCESS_BYTES = 512 << 20
"""Memory of a worker that is not its tasks': Python, what it has loaded, what numba compiled."""


def room_for_task(memory_bytes: int, at_once: int) -> int:
    """Return how much memory each of so many tasks at a time has in a worker that may fill so much.

    Examples
    --------
    >>> room_for_task(8 << 30, 4) / 2**30
    1.875
    """
    return max(0, memory_bytes - PROCESS_BYTES) // max(1, at_once)


@dataclass(slots=True)
class RoomCheck:
    """Looks once, when there are workers, whether all of them have room for tasks of all plans."""

    client: Client
    plans: Sequence[Plan]
    is_over: bool = False

    def __call__(self) -> None:
        """Look, unless that was done.

        Raises
        ------
        LimitExceededError
            If a worker has too little memory: it would be ended in the midst of its tasks.
        """
        if self.is_over or self.client.status != "running":
            return
        with cluster_failures():
            workers = self.client.scheduler_info(n_workers=-1)["workers"]
        for address, worker in workers.items():
            # Threads of this process are ended by nobody.
            if worker["memory_limit"] and not address.startswith("inproc:"):
                for plan in self.plans:
                    _check(plan, address, worker["memory_limit"], worker["nthreads"])
        self.is_over = bool(workers)


def _check(plan: Plan, address: str, memory_bytes: int, threads: int) -> None:
    at_once = min(threads, len(plan))
    room = room_for_task(memory_bytes, at_once)
    if plan.bytes_per_task > room:
        raise LimitExceededError(
            f"a task of stage {plan.stage} is projected to need {plan.bytes_per_task:,} bytes of "
            f"memory; worker {address} may fill {memory_bytes:,}, which leaves {room:,} for each "
            f"of {at_once} at a time; give workers more (--memory-limit) or fewer threads "
            f"(--nthreads), or have it planned for that: VOXLAKE_MEMORY_LIMIT_BYTES={room}"
        )
