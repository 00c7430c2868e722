"""The catalog forgets what it is told to keep for a while alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlake.documents.places.deleted import PrunedDocument
from voxlake.platform.catalog.retention import Kept

if TYPE_CHECKING:
    from voxlake.compute.jobs.workspace import Workspace


def prune(workspace: Workspace) -> PrunedDocument:
    """Forget deleted experiments and collections whose time has come, and what else is too old.

    Datasets are deleted by their jobs, which wait for their time by themselves.
    """
    catalog = workspace.catalog
    pruned = catalog.retention.prune(Kept.by(workspace.settings))
    return PrunedDocument(
        audit=pruned.audit,
        usage=pruned.usage,
        jobs=pruned.jobs,
        places=catalog.deleted.purge_due(),
    )
