"""How people sign in, for programs that have them do so."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request

from voxlake.api.gateway import gateway_of
from voxlake.api.guards.datasets import public
from voxlake.documents.service.gateway import IdentityDocument

router = APIRouter(tags=["login"], dependencies=[Depends(public)])


@router.get("/v2/identity", summary="How do people sign in?")
async def get_identity(request: Request) -> IdentityDocument:
    """Return the issuer at which people sign in; a local server has none."""
    settings = gateway_of(request.scope).settings
    if settings.oidc_issuer is None:
        return IdentityDocument()
    return IdentityDocument(
        issuer=settings.oidc_issuer,
        device_client_id=settings.device_client_id,
        scope=settings.oidc_scope,
    )
