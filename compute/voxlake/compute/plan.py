"""Plans: the tasks of one stage of a job, one for each box of the target's write grid."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import BaseModel, ConfigDict

from voxlake.platform.errors import LimitExceededError

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxlake.ngff.grid.box import Cell
    from voxlake.platform.jobs.record import JSON


class Result(BaseModel):
    """What a task says of its work: a few numbers and words, kept in the job ledger."""

    model_config = ConfigDict(frozen=True)

    voxels: int = 0
    """Voxels that it wrote or compared."""
    bytes: int = 0
    """Bytes that it stored, where it knows."""
    stored_shards: int = 0
    """Shards of level 0 that an ingest stored; those of nothing but fill are not."""
    missing: int = 0
    """Tiles or chunks that clients have yet to upload."""

    def encode(self) -> dict[str, JSON]:
        """Return it as the ledger keeps it."""
        return self.model_dump(mode="json", exclude_defaults=True)


class Task(Protocol):
    """The work of one shard: a small frozen callable that may run anywhere, and more than once.

    Running it again writes the same bytes.
    """

    def __call__(self) -> Result:
        """Do the work and say what was done."""
        ...


@dataclass(frozen=True, slots=True)
class Plan:
    """The tasks of one stage, made on demand: a plan of a million is as small as of one."""

    stage: str
    """Name of the stage in the job."""
    grid: tuple[int, ...]
    """Shards along each axis."""
    make: Callable[[Cell], Task]
    """Makes the task of one cell of the grid."""
    fingerprint: str
    """Changes when anything that the tasks depend on changes: a resumed job checks it."""
    bytes_per_task: int = 0
    """Projected peak memory of one task."""
    voxels: int = field(default=0, compare=False)
    """Voxels that the stage writes or reads, for progress."""

    def __len__(self) -> int:
        return math.prod(self.grid)

    def cell(self, index: int) -> Cell:
        """Return the cell of the task at `index`, in C order of the grid.

        Examples
        --------
        >>> Plan("ingest", (2, 3), lambda cell: lambda: Result(), "").cell(4)
        (1, 1)
        """
        cell = []
        for extent in reversed(self.grid):
            index, position = divmod(index, extent)
            cell.append(position)
        return tuple(reversed(cell))

    def task(self, index: int) -> Task:
        """Return the task at `index`."""
        return self.make(self.cell(index))

    def check_memory(self, limit_bytes: int) -> None:
        """Refuse a plan whose tasks would not fit.

        Raises
        ------
        LimitExceededError
            If one task is projected to need more than `limit_bytes`.
        """
        if self.bytes_per_task > limit_bytes:
            raise LimitExceededError(
                f"a task of stage {self.stage} is projected to need {self.bytes_per_task:,} bytes "
                f"of memory; the limit is {limit_bytes:,}; raise VOXLAKE_MEMORY_LIMIT_BYTES"
            )


def fingerprint(*parts: Any) -> str:
    """Return a short hash of values that JSON can hold (others by their `str`)."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
