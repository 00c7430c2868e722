"""What verifying finds of shards, as tasks tell it and the job ledger keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlake.compute.plan import Result

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from voxlake.platform.jobs.record import JSON


class ComparedShard(Result):
    """One shard, compared with what it must be."""

    index: int = 0
    """In C order of the write grid. A task of one shard leaves it out: it is the task's own."""
    different: int = 0
    """Voxels that differ; all of them if the shard does not decode."""
    behind: int = 0
    """Voxels of a coarser level that differ where level 0 was written to since: no damage."""
    shard: str = ""
    """Its address and box, if any voxel differs."""
    note: str | None = None
    """The first voxel that differs, or what is wrong with the shard."""
    decoded: str | None = None
    """Hash of the voxels, if hashes are kept; None of a shard that does not decode."""
    stored: str | None = None
    """Hash of the bytes on the store; None of a shard that is not stored."""


class ComparedRegion(Result):
    """All shards of a region, compared with a source."""

    different: int = 0
    shards: tuple[ComparedShard, ...] = ()


def stage_name(level: int) -> str:
    """Return what the stage that compares a level is called.

    Examples
    --------
    >>> stage_name(0), stage_name(2)
    ('verify-source', 'verify-2')
    """
    return f"verify-{level}" if level else "verify-source"


def compared_shards(results: Iterable[Mapping[str, JSON]]) -> Iterator[ComparedShard]:
    """Yield the shards that the tasks of a stage compared, given the results of all of them."""
    for task, result in enumerate(results):
        if "shards" in result:
            yield from ComparedRegion.model_validate(result).shards
        else:
            yield ComparedShard.model_validate({"index": task, **result})
