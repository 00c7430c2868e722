"""Gateways whose people sign in at an issuer."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx2
from tests.api.conftest import SHAPE, run_app
from tests.api.lakes import Sample, add_sample, image_voxels, label_voxels
from tests.servers.nanoidp import AUDIENCE, CLIENT
from tests.servers.processes import free_ports

from voxlake.api.app import create_app
from voxlake.api.identity.bearer import Bearer
from voxlake.ngff.grid.layout import Kind
from voxlake.platform.catalog import Catalog, open_catalog
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import FastAPI

    from voxlake.platform.store import StoreURL

SECRET = "/v2/datasets/lab/brain/secret"
PUBLIC = "/v2/datasets/lab/brain/em"
SAMPLES = (
    Sample("lab/brain/em", image_voxels(SHAPE), public=True),
    Sample("lab/brain/secret", image_voxels(SHAPE, 9, "uint16")),
    Sample("lab/brain/alone", label_voxels(SHAPE, 7), Kind.LABELS),
)


@dataclass(frozen=True, slots=True)
class Issued:
    """A gateway that runs, whose people sign in at an issuer."""

    url: str
    catalog: Catalog
    app: FastAPI
    bearer: Bearer

    def client(self, token: str | None = None, **options: Any) -> httpx2.Client:
        """Return a client that carries a token."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        return httpx2.Client(base_url=self.url, headers=headers, timeout=30, **options)

    def status(self, token: str | None, path: str = SECRET) -> int:
        """Return what a gateway answers who carries a token."""
        with self.client(token) as client:
            return client.get(path).status_code


def free_url() -> str:
    """Return an address at which a gateway may be run."""
    return f"http://127.0.0.1:{free_ports(1)[0]}"


@contextmanager
def run_gateway(lake: StoreURL, issuer: str, **others: Any) -> Iterator[Issued]:
    """Serve a lake of samples to the people of an issuer until the end of the block."""
    client = {"oidc_client_id": CLIENT, "oidc_audience": AUDIENCE, "public_url": free_url()}
    # Forged tokens are sent by the hundred.
    settings = Settings(oidc_issuer=issuer, failed_logins_per_minute=0, **(client | others))
    with open_catalog(lake, settings) as catalog:
        for sample in SAMPLES:
            add_sample(lake, catalog, sample)
        app = create_app(settings, lake, catalog, None)
        bearer = app.state.gateway.identity.bearer
        assert isinstance(bearer, Bearer)
        with run_app(app, urlsplit(settings.public_url or "").port or 0) as url:
            yield Issued(url, catalog, app, bearer)
