"""Look at a source for who asks over HTTP, before an ingest of it is planned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from voxlake.compute.jobs.kinds.kind import JobKind, Spec, Work
from voxlake.compute.sources.looks.looking import look_at
from voxlake.documents.jobs.asked import LookQuestion
from voxlake.documents.jobs.look import SourceLook, pack_voxels
from voxlake.platform.errors import StoreUnavailableError, VoxlakeError
from voxlake.platform.jobs.record import PICTURE
from voxlake.platform.store.allowed.sources import check_source

if TYPE_CHECKING:
    from voxlake.compute.plan import Plan
    from voxlake.platform.jobs.record import JSON


class LookSpec(Spec):
    """Tell what lies at a location."""

    kind: Literal["look"] = "look"
    asked: LookQuestion


def _answer(work: Work[LookSpec]) -> dict[str, JSON]:
    asked, workspace = work.spec.asked, work.workspace
    try:
        check_source(asked.source, workspace.lake, workspace.settings)
    except StoreUnavailableError:
        raise
    except VoxlakeError as error:
        told = SourceLook(source=asked.source, refused=str(error))
        return {"look": told.model_dump(mode="json")}
    look = look_at(asked.source, asked.axes)
    answer: dict[str, JSON] = {"look": look.told.model_dump(mode="json")}
    return answer if look.picture is None else answer | {PICTURE: pack_voxels(look.picture)}


def _no_stages(_: Work[LookSpec]) -> list[Plan]:
    return []


LOOK = JobKind(LookSpec, _no_stages, answer=_answer)
