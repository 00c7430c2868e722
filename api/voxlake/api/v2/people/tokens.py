"""Tokens, which programs carry in the place of a user."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from voxlake.api.guards.askers import NAMED, AfterNumber, Limit, SignedIn, TokenNumber
from voxlake.api.http.answers.problems import FORBIDDEN
from voxlake.api.http.requests.intake import JsonBody
from voxlake.api.people import tokens
from voxlake.documents.people.asked import TokenQuestion
from voxlake.documents.people.people import NewTokenDocument, TokenDocument, TokenList

router = APIRouter(prefix="/v2/tokens", tags=["people"], responses=FORBIDDEN)


@router.get("", summary="List tokens")
async def list_tokens(
    asker: SignedIn,
    user: Annotated[
        str | None, Query(pattern=NAMED, description="Whose; administrators ask of others.")
    ] = None,
    limit: Limit = 100,
    after: AfterNumber = 0,
) -> TokenList:
    """Return one's own tokens, the oldest first; for administrators all.

    Asked with a token, those that are good for no more than it.
    """
    return await tokens.list_tokens(asker, user, limit, after)


@router.post("", summary="Make a token")
async def make_token(
    asker: SignedIn, asked: Annotated[TokenQuestion, Depends(JsonBody(TokenQuestion))]
) -> NewTokenDocument:
    """Make a token of one's own. Its secret is shown once.

    It is good for no more than what it is asked with.
    """
    return await tokens.make_token(asker, asked)


@router.delete("/{token}", summary="Revoke a token")
async def revoke_token(asker: SignedIn, token: TokenNumber) -> TokenDocument:
    """Let a token be good for nothing from now on."""
    return await tokens.revoke_token(asker, token)


@router.post("/{token}/rotate", summary="Rotate a token")
async def rotate_token(asker: SignedIn, token: TokenNumber) -> NewTokenDocument:
    """Revoke a token, and make another like it. Its secret is shown once."""
    return await tokens.rotate_token(asker, token)
