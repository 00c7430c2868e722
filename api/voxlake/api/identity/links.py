"""Who holds a link: its maker, limited to what the link is good for."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

from anyio import to_thread

from voxlake.api.http.expiring import Expiring
from voxlake.platform.access import Principal
from voxlake.platform.catalog.rights.links import Links
from voxlake.platform.secrets.link_keys import LinkKeys

LINK_SECONDS = 1.0
"""How long a link is good after it was revoked, or its maker lost their rights."""


@dataclass(frozen=True, slots=True)
class LinkHolders:
    """Knows links by their tokens."""

    links: Links
    keys: LinkKeys = field(repr=False)
    _known: Expiring[str, Principal] = field(
        default_factory=lambda: Expiring(LINK_SECONDS), repr=False
    )

    async def of_token(self, token: str) -> Principal:
        """Return who holds a link.

        Raises
        ------
        UnauthenticatedError
            If nobody made it, it is over or revoked, or its maker could not make it any more.
        """
        serial = self.keys.read(token)
        return await self._known.get(serial, partial(self.links.principal_of, serial))

    async def title_of(self, token: str) -> str:
        """Return what a link is called to those who have it; empty if nothing."""
        return await to_thread.run_sync(self.links.title_of, self.keys.read(token))
