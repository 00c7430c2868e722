"""The page of one's tokens, which programs carry: made, shown once, rotated and revoked."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from voxlake.api.console.pages.page import ON_A_PAGE, SENT, console_router, go_to, page
from voxlake.api.guards.askers import AfterNumber, SignedIn
from voxlake.api.http.answers.problems import FORBIDDEN
from voxlake.api.http.requests.intake import FormBody
from voxlake.api.people import tokens
from voxlake.documents.forms import NumberForm, TokenForm

router = console_router("/tokens")

Chosen = Annotated[NumberForm, Depends(FormBody(NumberForm))]


@router.get("", summary="Page of tokens", response_class=HTMLResponse, responses=FORBIDDEN)
async def show_tokens(request: Request, asker: SignedIn, after: AfterNumber = 0) -> HTMLResponse:
    """Show one's own tokens, the oldest first; to administrators all."""
    found = await tokens.list_tokens(asker, None, ON_A_PAGE, after)
    return await page(request, "people/tokens.html", tokens=found.tokens, next=found.next)


@router.post("", summary="Make a token by a form", response_class=HTMLResponse, responses=FORBIDDEN)
async def make_token(
    request: Request, asker: SignedIn, asked: Annotated[TokenForm, Depends(FormBody(TokenForm))]
) -> HTMLResponse:
    """Make a token, and show its secret, this once."""
    made = await tokens.make_token(asker, asked.question)
    return await page(request, "people/token_made.html", made=made)


@router.post(
    "/rotate", summary="Rotate a token by a form", response_class=HTMLResponse, responses=FORBIDDEN
)
async def rotate_token(request: Request, asker: SignedIn, asked: Chosen) -> HTMLResponse:
    """Revoke a token and make another like it, whose secret is shown this once."""
    made = await tokens.rotate_token(asker, asked.number)
    return await page(request, "people/token_made.html", made=made)


@router.post("/end", summary="Revoke a token by a form", status_code=303, responses=SENT)
async def revoke_token(request: Request, asker: SignedIn, asked: Chosen) -> RedirectResponse:
    """Let a token be good for nothing from now on."""
    await tokens.revoke_token(asker, asked.number)
    return go_to(request, "/tokens")
