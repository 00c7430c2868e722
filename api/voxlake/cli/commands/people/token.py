"""``voxlake token``: what programs carry in the place of a user."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from cyclopts import App, Parameter

from voxlake.cli.commands.people.user import UserName
from voxlake.cli.opened.lake import opened_catalog
from voxlake.cli.options import Answering, InLake, Whole, in_utc
from voxlake.cli.shown.output import answer
from voxlake.cli.shown.people import shown_new_token, shown_tokens
from voxlake.documents.people.people import NewTokenDocument, TokenList, token_document
from voxlake.platform.access import Permission, Role
from voxlake.platform.catalog.identity.tokens import Token, TokenTerms

token = App(name="token", help="Tokens of users: list them, make, revoke or rotate one.")

type TokenId = Annotated[Whole, Parameter(name="TOKEN", help="Its number.")]


@token.default
@token.command(name="ls")
def ls(
    user: Annotated[str | None, Parameter(name="USER", help="List only theirs.")] = None,
    /,
    *,
    lake: InLake = InLake(),
    answering: Answering = Answering(),
) -> None:
    """List the tokens of a lake's users, or of one."""
    with opened_catalog(lake) as catalog:
        if user is not None:
            catalog.people.get_user(user)
        tokens = catalog.tokens.list_tokens(user)
    document = TokenList(tokens=tuple(map(token_document, tokens)))
    answer(document, shown_tokens(document.tokens), json=answering.json)


@token.command
def make(
    user: UserName,
    name: Annotated[str, Parameter(name="NAME", help="What its user knows it by.")],
    /,
    *,
    lake: InLake = InLake(),
    answering: Answering = Answering(),
    role: Annotated[
        Literal["viewer", "annotator", "editor", "owner"] | None,
        Parameter(help="What may be done with it at most; by default all that its user may."),
    ] = None,
    until: Annotated[
        datetime | None, Parameter(help="When it is over, in UTC; by default never.")
    ] = None,
) -> None:
    """Make a token of a user. Its secret is shown once."""
    permissions = Role(role).permissions if role else frozenset(Permission)
    terms = TokenTerms(permissions, ends_at=in_utc(until))
    with opened_catalog(lake) as catalog:
        made, secret = catalog.tokens.make(user, name, terms)
    _answer_new(made, secret, answering)


@token.command
def revoke(
    number: TokenId, /, *, lake: InLake = InLake(), answering: Answering = Answering()
) -> None:
    """Let a token be good for nothing from now on."""
    with opened_catalog(lake) as catalog:
        document = token_document(catalog.tokens.revoke(number))
    answer(document, shown_tokens([document]), json=answering.json)


@token.command
def rotate(
    number: TokenId, /, *, lake: InLake = InLake(), answering: Answering = Answering()
) -> None:
    """Revoke a token, and make another like it. Its secret is shown once."""
    with opened_catalog(lake) as catalog:
        made, secret = catalog.tokens.rotate(number)
    _answer_new(made, secret, answering)


def _answer_new(made: Token, secret: str, answering: Answering) -> None:
    document = NewTokenDocument(token=token_document(made), secret=secret)
    answer(document, shown_new_token(document), json=answering.json)
