"""Find what is torn, flipped, missing or stale in a dataset, and mend what can be rebuilt."""

from voxlake.compute.fsck.finding import Check, Finding, findings_of
from voxlake.compute.fsck.plans import OBJECTS_STAGE, FsckTarget, plan_fsck
from voxlake.compute.fsck.repair import plan_repair

__all__ = [
    "OBJECTS_STAGE",
    "Check",
    "Finding",
    "FsckTarget",
    "findings_of",
    "plan_fsck",
    "plan_repair",
]
