"""Links to datasets: made, listed and revoked by those who may share them."""

from __future__ import annotations

from anyio import to_thread

from voxlake.api.data.opened import opened_dataset, opened_level
from voxlake.api.guards.datasets import Granted
from voxlake.documents.people.links import LinkQuestion, NewLinkDocument, new_link_document
from voxlake.ngff.portions import check_portion
from voxlake.platform.access import AssignGroup, RemoveGroup
from voxlake.platform.catalog.rights.links import USUAL, Link, LinkTerms
from voxlake.platform.database import now
from voxlake.platform.errors import ForbiddenError


async def make_link(
    granted: Granted[AssignGroup], asked: LinkQuestion, server: str
) -> NewLinkDocument:
    """Make a link with the rights of whoever asks; `server` is the address of the gateway.

    Raises
    ------
    InvalidInputError
        If its end does not fit, or there is no such part of the dataset.
    ForbiddenError
        If it would outlive what the asker is known by, or the rights of the asker are not their
        own: of a group that their provider names, say.
    """
    who, name = granted.access.principal, granted.record.name
    ends_at = asked.ends_at or min(now() + USUAL, who.ends_at or now() + USUAL)
    if who.ends_at is not None and who.ends_at < ends_at:
        raise ForbiddenError(
            f"the link would end after the token that you make it with, at "
            f"{who.ends_at:%Y-%m-%d %H:%M}; give an earlier end"
        )
    dataset = await opened_dataset(granted)
    finest = await opened_level(granted, dataset, 0)
    check_portion(asked.portion, dataset, finest.shape)
    terms = LinkTerms(ends_at, asked.portion, asked.note, asked.title)
    links = granted.gateway.catalog.signed(granted.asker).links
    user = None if who.user is None else who.name
    link = await to_thread.run_sync(links.make, name, user, terms)
    token = granted.gateway.identity.links.keys.sign(link.serial, ends_at)
    return new_link_document(link, str(name), server, token)


async def list_links(granted: Granted[AssignGroup]) -> list[Link]:
    """Return all links to a dataset."""
    return await to_thread.run_sync(granted.gateway.catalog.links.list_links, granted.record.name)


async def revoke_link(granted: Granted[RemoveGroup], number: int) -> Link:
    """Let a link be good for nothing from now on."""
    links = granted.gateway.catalog.signed(granted.asker).links
    return await to_thread.run_sync(links.revoke, granted.record.name, number)
