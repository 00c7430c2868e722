"""The guard of ingest jobs of boss-ingest: one is touched by who began it, and administrators."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Path
from starlette.requests import Request

from voxlake.api.guards.askers import SignedIn
from voxlake.api.guards.datasets import Granted, grant
from voxlake.platform.access import AddVoxels
from voxlake.platform.catalog.data.uploads import Upload, Uploads, no_upload
from voxlake.platform.errors import ConflictError, NotFoundError

UploadNumber = Annotated[int, Path(ge=1, lt=2**63, description="The number of the ingest job.")]


@dataclass(frozen=True, slots=True)
class OwnUpload:
    """An upload, and the decision that the asker may write to its dataset. Made by the guard."""

    granted: Granted[AddVoxels]
    upload: Upload

    @property
    def uploads(self) -> Uploads:
        """Where the catalog keeps it; changes are put down to the asker."""
        return self.granted.gateway.catalog.signed(self.granted.asker).uploads


async def own_upload(request: Request, asker: SignedIn, job: UploadNumber) -> OwnUpload:
    """Return an upload of the asker; of anybody for administrators.

    Raises
    ------
    UnauthenticatedError
        If nobody has said who asks.
    NotFoundError
        If there is none, or it is not the asker's, or its dataset is not there for them.
    ConflictError
        If its dataset is deleted.
    ForbiddenError
        If they may not write to its dataset, or not by what they ask with.
    """
    upload = await asker.of_catalog(lambda catalog: catalog.uploads.get(job))
    who = asker.principal
    if upload.user != who.user and not who.administers:
        raise no_upload()
    if upload.is_deleted:
        raise ConflictError(
            f"{upload.dataset} is deleted, and nothing is uploaded to it; once it is brought back "
            f"(voxlake undelete {upload.dataset}), ingest job {upload.id} goes on"
        )
    try:
        granted = await grant(request.scope, upload.dataset.parts, AddVoxels)
    except NotFoundError as error:
        raise no_upload() from error
    return OwnUpload(granted, upload)


MayUpload = Annotated[OwnUpload, Depends(own_upload)]
