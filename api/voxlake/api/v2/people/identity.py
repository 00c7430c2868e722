"""How people sign in, for programs that have them do so."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from voxlake.api.gateway import gateway_of
from voxlake.api.guards.datasets import public
from voxlake.documents.service.gateway import NONCE, IdentityDocument

router = APIRouter(tags=["login"], dependencies=[Depends(public)])


@router.get("/v2/identity", summary="How do people sign in?")
async def get_identity(
    request: Request,
    nonce: Annotated[
        str | None,
        Query(pattern=NONCE, description="What a local server is to prove to be its owner's by."),
    ] = None,
) -> IdentityDocument:
    """Return the issuer at which people sign in; a local server has none."""
    gateway = gateway_of(request.scope)
    settings, local = gateway.settings, gateway.identity.local
    if settings.oidc_issuer is not None:
        return IdentityDocument(
            issuer=settings.oidc_issuer,
            device_client_id=settings.device_client_id,
            scope=settings.oidc_scope,
        )
    reached = request.scope.get("server")
    if nonce is None or local is None or reached is None:
        return IdentityDocument()
    return IdentityDocument(proof=local.proof(nonce, *reached))
