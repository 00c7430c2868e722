"""The written report of a verification: one line of JSON for each shard, and a hash over all.

Lines, so that a million shards need no memory on either side. The first says what was compared and
how, the last the totals and the hash of all lines before it.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from voxlake.compute.jobs.kinds.kind import Work
from voxlake.compute.jobs.kinds.verify import VERIFY, VerifySpec, compared_levels, results_of_level
from voxlake.ngff.shards.keys import shard_key
from voxlake.platform.errors import UnsupportedError
from voxlake.platform.jobs.record import JobState

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from voxlake.compute.jobs.workspace import Workspace
    from voxlake.compute.verify.results import ComparedShard
    from voxlake.ngff.dataset import Dataset
    from voxlake.ngff.volume import Volume
    from voxlake.platform.jobs.record import Job

FORMAT = "voxlake-verification/1"
_LIBRARIES = ("voxlake", "tensorstore", "zarr", "numpy")


@dataclass(frozen=True, slots=True)
class Totals:
    """What a report comes to."""

    shards: int
    voxels: int
    """Voxels compared, at all levels."""
    different: int
    """Voxels that differ; those of a damaged shard all do."""
    behind: int
    """Voxels that differ from what level 0 gives as it was written to since; not among those."""
    damaged: int
    """Shards that do not decode."""
    bytes: int
    """Bytes on the store."""

    @property
    def verdict(self) -> str:
        """In one word."""
        if self.different:
            return "different"
        return "behind" if self.behind else "same"


def write_report(workspace: Workspace, job: Job, path: Path) -> Totals:
    """Write the report of a verify job that is done to the file at `path`; return its totals.

    Raises
    ------
    UnsupportedError
        If it is another kind of job, not done, or kept no hashes.
    """
    job = workspace.catalog.ledger.get_job(job.id)
    spec = VerifySpec.model_validate(job.spec) if job.kind == VERIFY.name else None
    if spec is None or not spec.hashes or job.state is not JobState.DONE:
        raise UnsupportedError(
            f"job {job.id} ({job.kind}, {job.state}) has no report; run voxlake verify --report"
        )
    work, digest = Work(workspace, job.id, spec), hashlib.blake2b(digest_size=32)
    dataset = work.dataset()
    counts = Counter(shards=0, damaged=0, voxels=0, different=0, behind=0, bytes=0)
    with path.open("wb") as file:

        def put(document: dict[str, Any]) -> None:
            line = json.dumps(document, separators=(",", ":")).encode() + b"\n"
            digest.update(line)
            file.write(line)

        put(_header(job, spec, dataset))
        for shard in _shards(work, dataset):
            put(shard)
            counts.update(
                {name: shard[name] for name in ("voxels", "different", "behind", "bytes")}
            )
            counts.update(shards=1, damaged=shard["verdict"] == "damaged")
        totals = Totals(**counts)
        last = {"record": "totals", **asdict(totals), "verdict": totals.verdict}
        put({**last, "hash_of_all_lines_above": digest.hexdigest()})
    return totals


def _header(job: Job, spec: VerifySpec, dataset: Dataset) -> dict[str, Any]:
    return {
        "record": "verification",
        "format": FORMAT,
        "dataset": spec.name,
        "url": str(dataset.url),
        "source": spec.source,
        "source_fingerprint": spec.source_fingerprint or None,
        "job": job.id,
        "began": job.created_at.isoformat(),
        "ended": job.updated_at.isoformat(),
        "versions": {name: version(name) for name in _LIBRARIES},
        "hash": "BLAKE2b-256",
        "axes": list(dataset.multiscale.axis_names),
        "levels": [_level(dataset, number) for number in range(dataset.levels)],
    }


def _level(dataset: Dataset, number: int) -> dict[str, Any]:
    volume = dataset.level(number)
    return {
        "level": number,
        "path": dataset.multiscale.levels[number].path,
        "shape": volume.shape,
        "shard": volume.shard,
        "chunk": volume.chunk,
        "dtype": volume.dtype.newbyteorder("<").str,
    }


def _shards(work: Work[VerifySpec], dataset: Dataset) -> Iterator[dict[str, Any]]:
    for level in compared_levels(work):
        volume, path = dataset.level(level), dataset.multiscale.levels[level].path
        for shard in results_of_level(work, level):
            yield {"record": "shard", "level": level, **_shard(volume, path, shard)}


def _shard(volume: Volume, path: str, shard: ComparedShard) -> dict[str, Any]:
    cell = volume.shard_cell(shard.index)
    box = volume.shard_box(cell)
    verdict = "different" if shard.different else "behind" if shard.behind else "same"
    return {
        "key": f"{path}/{shard_key(volume.metadata, cell)}",
        "start": box.start,
        "stop": box.stop,
        "voxels": shard.voxels,
        "different": shard.different,
        "behind": shard.behind,
        "verdict": "damaged" if shard.decoded is None else verdict,
        "decoded": shard.decoded,
        "stored": shard.stored,
        "bytes": shard.bytes,
        **({"note": shard.note} if shard.note else {}),
    }
