"""What breaks first as a lake grows: each limit, the size at which it is met, and its remedy."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.growth.lake import LABEL_BYTES, PYRAMID, listing_s
from benchmarks.growth.units import MEASURED, USUAL, Installed, Units


@dataclass(frozen=True, slots=True)
class Limit:
    """Something that does not go on as it does."""

    what: str
    voxels: float
    """At which it is met, of an image and as many of its labels."""
    effect: str
    remedy: str


def limits(units: Units = MEASURED, installed: Installed = USUAL) -> list[Limit]:
    """Return all limits, the one that is met first at the beginning.

    Examples
    --------
    >>> first, *_ = limits()
    >>> first.what, f"{first.voxels:.1e}"
    ('block indexes in the memory of a gateway', '3.4e+14')
    >>> more = limits(installed=Installed(gateway_memory_bytes=64 * 2**30))
    >>> more[0].what
    'memory of the task that publishes a label index'
    """
    return sorted((*_of_index(units, installed), *_of_jobs(units, installed)), key=_voxels)


def limits_within(voxels: float, found: list[Limit]) -> list[Limit]:
    """Return those of `found` that a lake of so many voxels has met."""
    return [each for each in found if each.voxels <= voxels]


def _of_index(units: Units, installed: Installed) -> list[Limit]:
    room = installed.memory_limit_bytes - 128 * 2**20
    known = installed.gateway_memory_bytes / 4
    return [
        Limit(
            "memory of the task that publishes a label index",
            room / units.publish_shard_bytes * installed.shard_voxels,
            "the plan of the index is refused, and says so",
            "raise VOXLAKE_MEMORY_LIMIT_BYTES where that task runs (1 kB a shard), or make the "
            "shards of the labels larger",
        ),
        Limit(
            "block indexes in the memory of a gateway",
            known / (units.block_index_bytes * units.labels_per_voxel),
            "look-ups of labels that nobody asked for lately read their block index anew: two "
            "requests in the place of one",
            "raise VOXLAKE_GATEWAY_MEMORY_BYTES, of which a quarter is for indexes",
        ),
        Limit(
            "the manifest of a label index",
            installed.manifest_s
            / units.manifest_file_s
            * units.index_file_bytes
            / (units.labels_per_voxel * units.index_row_bytes),
            f"each gateway takes {installed.manifest_s} s to read each new one",
            "labels in several datasets; or larger files than 64 MiB (FILE_BYTES)",
        ),
    ]


def _of_jobs(units: Units, installed: Installed) -> list[Limit]:
    seconds = installed.days * 86400
    per_voxel = (1 + LABEL_BYTES) / installed.task_bytes + 1 / installed.shard_voxels
    keys = (PYRAMID + 1) / installed.shard_voxels
    return [
        Limit(
            "one process that sends tasks to the cluster",
            seconds / (per_voxel * units.client_task_s),
            f"all of it is not sent within {installed.days:.0f} days, however many cores there are",
            "a job for each dataset, of several workers (`voxlake worker`): each sends its own",
        ),
        Limit(
            "the job ledger",
            seconds / (per_voxel / units.ledger_rows_per_s),
            f"tasks are not recorded within {installed.days:.0f} days",
            "larger tasks: VOXLAKE_TASK_BYTES",
        ),
        Limit(
            "listing a dataset by one task of fsck",
            installed.listing_s / listing_s(keys, units),
            "strays are not found within a night; shards are looked at by many tasks beside it",
            "run fsck by week; shards of 1024^3 are an eighth of the keys",
        ),
        Limit(
            "the network of one machine that ingests",
            installed.node_bytes_per_s * installed.busy * seconds / (1 + PYRAMID),
            f"the image is not read and written within {installed.days:.0f} days",
            "more machines with Dask workers: they share nothing but the store",
        ),
    ]


def _voxels(limit: Limit) -> float:
    return limit.voxels
