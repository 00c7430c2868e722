"""Put together what knows people and programs by what an issuer says of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from voxlake.api.identity.bearer import Bearer
from voxlake.api.identity.cookies import Cookie
from voxlake.api.identity.oidc.claims import ClaimPlaces
from voxlake.api.identity.oidc.issuer import Issuer
from voxlake.api.identity.oidc.login import Client, OidcLogin
from voxlake.api.identity.signed_in import SignedIn
from voxlake.platform.catalog import Catalog
from voxlake.platform.settings import Settings


@dataclass(frozen=True, slots=True)
class Ways:
    """The ways in which people say who they are by an issuer; None: not in this one."""

    bearer: Bearer | None
    oidc: OidcLogin | None

    @classmethod
    def at(cls, issuer_url: str, settings: Settings, catalog: Catalog) -> Self:
        """Return those of an issuer that settings allow."""
        issuer = Issuer(issuer_url)
        places = ClaimPlaces(
            settings.oidc_name_claim,
            settings.oidc_groups_claims,
            frozenset(settings.oidc_administrators),
        )
        bearer = oidc = None
        if settings.audience is not None:
            bearer = Bearer(issuer, settings.audience, catalog.identities, places)
        if settings.oidc_client_id is not None and settings.public_url is not None:
            client = Client(
                settings.oidc_client_id,
                settings.oidc_client_secret,
                settings.oidc_scope,
                settings.public_url,
            )
            session, flow = (Cookie.of(each, client.public_url) for each in ("session", "login"))
            signed_in = SignedIn(catalog.sessions, catalog.identities, session)
            oidc = OidcLogin(issuer, client, signed_in, flow, places)
        return cls(bearer, oidc)
