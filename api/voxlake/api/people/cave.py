"""Users and tokens as services of CAVE, and viewers that speak middleauth, ask for them."""

from __future__ import annotations

from datetime import timedelta

from voxlake.api.guards.askers import Asker
from voxlake.api.people import users
from voxlake.documents.viewer.middleauth import CaveTokenDocument, CaveUserDocument
from voxlake.platform.access import Permission
from voxlake.platform.catalog import Catalog
from voxlake.platform.catalog.data.node_records import Page
from voxlake.platform.catalog.identity.handed_on import handed_on, is_own
from voxlake.platform.catalog.rights.links import READS
from voxlake.platform.database import now
from voxlake.platform.errors import InvalidInputError

LASTS = timedelta(days=7)
"""How long a token of a viewer is good."""
MOST = 1000
"""Datasets that a service is told of."""


async def describe(asker: Asker) -> CaveUserDocument:
    """Return who asks."""
    who = asker.principal
    me = await users.describe(asker)

    def question(catalog: Catalog) -> tuple[str, dict[str, tuple[str, ...]]]:
        email = "" if who.user is None else catalog.people.get_user(who.name).email
        reads, writes = (
            [str(one.name) for one in catalog.list_allowed(who, each, page=Page(limit=MOST))]
            for each in (Permission.READ_VOLUMETRIC_DATA, Permission.ADD_VOLUMETRIC_DATA)
        )
        rights: dict[str, tuple[str, ...]] = dict.fromkeys(reads, ("view",))
        return email, rights | {name: ("view", "edit") for name in writes if name in rights}

    email, rights = await asker.of_catalog(question)
    return CaveUserDocument(
        id=who.user or 0,
        name=who.name,
        email=email,
        admin=who.administers,
        groups=me.groups,
        permissions={name: len(each) for name, each in rights.items()},
        permissions_v2=rights,
        permissions_v2_ignore_tos=rights,
    )


async def list_tokens(asker: Asker) -> list[CaveTokenDocument]:
    """Return the tokens of whoever asks that are good for no more than what they ask by."""
    who = asker.principal
    if who.user is None:
        return []
    found = await asker.of_catalog(lambda catalog: catalog.tokens.list_tokens(who.name))
    return [
        CaveTokenDocument(id=each.id, user_id=who.user, token=f"{each.start}...")
        for each in found
        if each.revoked_at is None and is_own(who, each)
    ]


async def make_token(asker: Asker, name: str) -> str:
    """Make a token of whoever asks that reads, for a while, what they may read.

    Raises
    ------
    InvalidInputError
        If they are no user.
    ForbiddenError
        If it would be good for more than what they ask by.
    """
    who = asker.principal
    if who.user is None:
        raise InvalidInputError(
            "the owner of a local server is no user, and has no tokens; add one with: voxlake user "
            "add, and give the viewer's source a token of theirs"
        )
    ends_at = min(now() + LASTS, who.ends_at or now() + LASTS)
    terms = handed_on(who, READS & who.permissions, (), ends_at)
    _, secret = await asker.of_catalog(lambda catalog: catalog.tokens.make(who.name, name, terms))
    return secret
