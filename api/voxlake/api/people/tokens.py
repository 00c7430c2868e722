"""Tokens: everybody makes and revokes their own, within what they ask by; administrators all."""

from __future__ import annotations

from voxlake.api.guards.askers import Asker, grant_place
from voxlake.documents.people.asked import TokenQuestion
from voxlake.documents.people.people import (
    NewTokenDocument,
    TokenDocument,
    TokenList,
    token_document,
)
from voxlake.platform.access import Read
from voxlake.platform.catalog import Catalog
from voxlake.platform.catalog.identity.handed_on import handed_on, is_own
from voxlake.platform.catalog.identity.people import no_user
from voxlake.platform.catalog.identity.tokens import Token, no_token
from voxlake.platform.errors import ForbiddenError, InvalidInputError


async def make_token(asker: Asker, asked: TokenQuestion) -> NewTokenDocument:
    """Make a token, of the asker or, for administrators, of any user.

    Raises
    ------
    ForbiddenError
        If it would be good for more than what the asker is known by, or is of somebody else.
    InvalidInputError
        If it would be good for nothing, or the asker is no user and named none.
    NotFoundError
        If there is no such place or user, or none that the asker may know of.
    """
    who = asker.principal
    user = asked.user or (who.name if who.user is not None else None)
    if user is None:
        raise InvalidInputError("the owner of a local server is no user; say whose it is: user")
    if user != who.name and not who.administers:
        raise ForbiddenError("only administrators make tokens for others; leave `user` out")
    path: tuple[int, ...] = ()
    if asked.place is not None:
        path = (await grant_place(asker, asked.place, Read)).place.path
    terms = handed_on(who, asked.wanted, path, asked.ends_at)
    made, secret = await asker.of_catalog(
        lambda catalog: catalog.tokens.make(user, asked.name, terms)
    )
    return NewTokenDocument(token=token_document(made), secret=secret)


async def list_tokens(asker: Asker, user: str | None, limit: int, after: int) -> TokenList:
    """Return the asker's own tokens; for administrators all, or those of a user.

    Raises
    ------
    NotFoundError
        If there is no such user, or none that the asker may know of.
    """
    who = asker.principal
    if not who.administers:
        if user not in {None, who.name}:
            raise no_user(user or "")
        user = who.name

    def question(catalog: Catalog) -> list[Token]:
        if user is not None:
            catalog.people.get_user(user)
        return catalog.tokens.list_tokens(user, limit=limit + 1, after=after)

    found = await asker.of_catalog(question)
    shown = [token_document(each) for each in found[:limit] if _is_seen(asker, each)]
    return TokenList(tokens=tuple(shown), next=found[limit - 1].id if len(found) > limit else None)


async def revoke_token(asker: Asker, number: int) -> TokenDocument:
    """Let a token be good for nothing from now on."""
    await _find(asker, number)
    return token_document(await asker.of_catalog(lambda catalog: catalog.tokens.revoke(number)))


async def rotate_token(asker: Asker, number: int) -> NewTokenDocument:
    """Revoke a token and make another like it."""
    await _find(asker, number)
    made, secret = await asker.of_catalog(lambda catalog: catalog.tokens.rotate(number))
    return NewTokenDocument(token=token_document(made), secret=secret)


async def _find(asker: Asker, number: int) -> Token:
    """Return a token that is the asker's to change; raise NotFoundError if there is none."""
    token = await asker.of_catalog(lambda catalog: catalog.tokens.get(number))
    if not _is_seen(asker, token):
        raise no_token(number)
    return token


def _is_seen(asker: Asker, token: Token) -> bool:
    return asker.principal.administers or is_own(asker.principal, token)
