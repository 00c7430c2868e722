"""The guard of jobs: one is seen by who may read its dataset, and changed by who may change that.

A route declares `MayWatch` or `MayManage`, and is handed a `GrantedJob`.
"""

import time
from dataclasses import dataclass
from functools import partial
from typing import Annotated

from anyio import to_thread
from fastapi import Depends, Path
from starlette.requests import Request

from voxlake.api.guards.askers import Asker, asker_of
from voxlake.api.http.limits.refusals import even_out
from voxlake.api.http.requests.parameters import check_parameters
from voxlake.platform.access import AddVoxels, Permission, Read, Right, Update
from voxlake.platform.catalog.data.jobs import PlacedJob
from voxlake.platform.errors import ForbiddenError, NotFoundError
from voxlake.platform.jobs.record import Job

JobId = Annotated[str, Path(pattern="^[0-9A-HJKMNP-TV-Z]{26}$", description="The id of the job.")]


@dataclass(frozen=True, slots=True)
class GrantedJob[R: Right]:
    """A job, and the decision that the asker may do something with it. Made by the guard."""

    asker: Asker
    right: type[R]
    placed: PlacedJob

    @property
    def job(self) -> Job:
        """The job, as it was when it was asked for."""
        return self.placed.job

    @property
    def manages(self) -> bool:
        """Whether the asker may change what it works on, and is told all that is known of it."""
        return Permission.UPDATE in self.placed.held_by(self.asker.principal)


@dataclass(frozen=True, slots=True)
class RequiresJob[R: Right]:
    """A dependency of routes below ``/{job_id}``."""

    right: type[R]

    async def __call__(self, request: Request, job_id: JobId) -> GrantedJob[R]:
        """Return the access to the job; raise 401, 403 or 404 if there is none."""
        granted = await grant_job(await asker_of(request), job_id, self.right)
        check_parameters(request)
        return granted


MayWatch = Annotated[GrantedJob[Read], Depends(RequiresJob(Read))]
MayUploadTo = Annotated[GrantedJob[AddVoxels], Depends(RequiresJob(AddVoxels))]
MayManage = Annotated[GrantedJob[Update], Depends(RequiresJob(Update))]


async def grant_job[R: Right](asker: Asker, job_id: str, right: type[R]) -> GrantedJob[R]:
    """Return access to a job.

    Raises
    ------
    UnauthenticatedError
        To anonymous askers who may not, whether there is such a job or not.
    NotFoundError
        To others, whether it is absent or not theirs to see, in the same words.
    ForbiddenError
        To others who may see it, and not do this.
    """
    began = time.monotonic()
    principal, gateway = asker.principal, asker.gateway
    placed = await to_thread.run_sync(partial(gateway.catalog.jobs.find, job_id))
    held = placed.held_by(principal) if placed is not None else frozenset()
    if placed is not None and right.permission in held:
        return GrantedJob(asker, right, placed)
    if placed is not None and Permission.READ in held and not principal.is_anonymous:
        raise ForbiddenError(
            f"{principal.name} may not {right.permission} on {placed.job.dataset}, which job "
            f"{job_id} works on; ask its owner"
        )
    await even_out(began)
    if principal.is_anonymous:
        raise gateway.identity.unknown()
    raise NotFoundError(f"there is no job {job_id}; list those of yours with GET /v2/jobs")
