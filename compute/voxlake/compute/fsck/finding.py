"""Findings: what fsck says is wrong, one thing at one place, small enough for the job ledger."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from pydantic import field_validator

from voxlake.compute.plan import Result
from voxlake.documents.box import BoxDocument
from voxlake.documents.jobs.fsck import FindingDocument
from voxlake.ngff.grid.box import Box  # noqa: TC001  (pydantic reads the field)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from voxlake.platform.jobs.record import JSON


class Check(StrEnum):
    """What was looked at. The names are stable: programs may rely on them."""

    METADATA = "metadata"
    """A group or array whose document is damaged, or breaks what voxlake relies on."""
    LABELS_LIST = "labels-list"
    """The list that an image keeps of its labels names others than there are."""
    DAMAGED_SHARD = "damaged-shard"
    """A shard that is torn, truncated or flipped: voxels of it cannot be read."""
    TORN_TAIL = "torn-tail"
    """A shard with bytes that belong to no chunk, which a torn write left. No voxel is harmed."""
    MISSING_SHARD = "missing-shard"
    """A shard that is not stored, although the next level has voxels there."""
    STALE_SHARD = "stale-shard"
    """A shard that is not what the level below it gives."""
    STRAY_OBJECT = "stray-object"
    """An object that does not belong where it lies."""
    LEFTOVER = "leftover"
    """A temporary file of a writer that was killed."""
    MISSING_SIDECAR = "missing-sidecar"
    """A shard that the label index knows nothing of."""
    STALE_SIDECAR = "stale-sidecar"
    """Rows of the label index that were found in another state of their shard."""
    DAMAGED_SIDECAR = "damaged-sidecar"
    """Rows of the label index that do not decode."""
    DAMAGED_INDEX = "damaged-index"
    """What the label index, merges, objects or reserved ids are kept in is damaged, or is gone."""
    UNFINISHED = "unfinished"
    """A dataset that is not whole: its ingest has not ended, or shards of it are gone."""
    ADVICE = "advice"
    """Nothing is wrong, but damage might go unseen, or a place be off. Not counted as a fault."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong."""

    check: Check
    where: str
    """Address of the object."""
    text: str
    """What is so."""
    level: int | None = None
    """Of a shard or sidecar: its level."""
    cell: tuple[int, ...] | None = None
    """And its place in the write grid."""
    box: Box | None = None
    """Voxels that are lost, as far as they are known."""
    below: bool = True
    """Whether what it would be rebuilt from is there: the level below, for a level above 0."""
    state: str | None = None
    """Of a shard: the ETag it had when it was looked at, empty if it was not stored."""

    @property
    def is_fault(self) -> bool:
        """Whether something is wrong, and not only worth knowing."""
        return self.check is not Check.ADVICE

    @property
    def key(self) -> tuple[Check, str]:
        """What makes it the same finding when seen again."""
        return self.check, self.where


class FsckResult(Result):
    """What a task that looks has found."""

    findings: tuple[Finding, ...] = ()

    @field_validator("findings", mode="before")
    @classmethod
    def _read(cls, recorded: object) -> object:
        """Read what version 0.1 recorded, too: JSON in JSON, and null for none."""
        return json.loads(recorded) if isinstance(recorded, str) else recorded or ()


def findings_of(results: Iterable[Mapping[str, JSON]]) -> Iterator[Finding]:
    """Yield the findings in the recorded results of tasks, each once."""
    seen: set[tuple[Check, str]] = set()
    for result in results:
        for finding in FsckResult.model_validate(result).findings:
            if finding.key not in seen:
                seen.add(finding.key)
                yield finding


def finding_document(
    finding: Finding, axes: tuple[str, ...], *, mended: bool = False
) -> FindingDocument:
    """Return a finding as a document; `axes` are those of its box."""
    return FindingDocument(
        check=finding.check,
        where=finding.where,
        text=finding.text,
        level=finding.level,
        box=finding.box and BoxDocument.of(finding.box, axes),
        mended=mended,
    )
