"""Who is signed in with a browser: it shows the cookie of a session that the catalog has."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

from anyio import to_thread
from starlette.datastructures import Headers
from starlette.responses import Response

from voxlake.api.http.expiring import Expiring
from voxlake.api.identity.cookies import Cookie
from voxlake.platform.access import Principal
from voxlake.platform.catalog.identity.identities import Identities
from voxlake.platform.catalog.identity.person import Profile
from voxlake.platform.catalog.identity.sessions import LONGEST, SECRET, Sessions
from voxlake.platform.catalog.identity.token_text import digest_of

SEEN_SECONDS = 1.0
"""How long a session is good after it was ended elsewhere, and a user after they were disabled."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Knows people by the cookies of their sessions."""

    sessions: Sessions
    identities: Identities
    cookie: Cookie
    _known: Expiring[str, Principal | None] = field(
        default_factory=lambda: Expiring(SEEN_SECONDS), repr=False
    )

    async def of_session(self, headers: Headers) -> Principal | None:
        """Return whose session a request shows by its cookie; None if it shows none that holds."""
        secret = self._secret(headers)
        if secret is None:
            return None
        return await self._known.get(digest_of(secret), partial(self.sessions.principal_of, secret))

    async def begin(self, profile: Profile, answer: Response) -> None:
        """Let an answer sign somebody in, who is what the issuer says.

        Raises
        ------
        UnauthenticatedError
            If they are disabled.
        """
        secret = await to_thread.run_sync(self._begin, profile)
        self.cookie.put(answer, secret, int(LONGEST.total_seconds()))

    async def end(self, headers: Headers) -> None:
        """End the session that a request shows by its cookie; none is no error."""
        secret = self._secret(headers)
        if secret is not None:
            await to_thread.run_sync(self.sessions.sign_out, secret)
            self._known.forget(digest_of(secret))

    def _begin(self, profile: Profile) -> str:
        user = self.identities.user_of(profile).name
        return self.sessions.begin(user, profile.groups, administrator=profile.is_administrator)

    def _secret(self, headers: Headers) -> str | None:
        secret = self.cookie.read(headers)
        return secret if secret and SECRET.fullmatch(secret) else None
