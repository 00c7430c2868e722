"""Put the gateway together."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Mount

from voxlake.api import openapi, v1
from voxlake.api.console import CONSOLE
from voxlake.api.console.pages.errors import ErrorPages
from voxlake.api.data.readiness import READY_SECONDS
from voxlake.api.formats.parsing import ENVELOPE_BYTES
from voxlake.api.gateway import OPENED_SECONDS, RECORD_SECONDS, Gateway, divide_memory
from voxlake.api.graphene import edits, info, log, nodes
from voxlake.api.http.answers.problems import (
    DOCUMENTED,
    on_http_exception,
    on_invalid_request,
    on_voxlake_error,
)
from voxlake.api.http.expiring import Expiring
from voxlake.api.http.layers.bodies import Bodies
from voxlake.api.http.layers.boss_paths import BossPaths
from voxlake.api.http.layers.envelope import Envelope
from voxlake.api.http.layers.field_lines import FieldLines
from voxlake.api.http.layers.head import HeadAsGet
from voxlake.api.http.layers.leaving import WhileWanted
from voxlake.api.http.layers.line_ends import LineEnds
from voxlake.api.http.layers.link_paths import LinkPaths
from voxlake.api.http.layers.observed import Observed, Routed
from voxlake.api.http.layers.origins import Cors, OriginCheck
from voxlake.api.http.layers.public_address import PublicAddress
from voxlake.api.http.limits.budget import Budget
from voxlake.api.http.limits.questions import QUESTION_BYTES, Questions
from voxlake.api.http.limits.throttle import Throttle
from voxlake.api.identity import login, middleauth
from voxlake.api.identity.identity import Identity
from voxlake.api.identity.links import LinkHolders
from voxlake.api.identity.local import LocalIdentity
from voxlake.api.v1.voxels import cutout as boss_cutout
from voxlake.api.v2.datasets import credentials, cutout, datasets, pictures, states
from voxlake.api.v2.jobs import jobs, uploads
from voxlake.api.v2.labels import label_voxels, labels, merges, objects
from voxlake.api.v2.people import groups, identity, links, shares, tokens, users
from voxlake.api.v2.places import collections, deleted, frames, metadata
from voxlake.api.v2.service import health, metrics, status, usage
from voxlake.api.views import above_datasets, flat, precomputed, zarr
from voxlake.api.views import neuroglancer_routes as neuroglancer
from voxlake.api.views.viewer import Viewer
from voxlake.api.views.viewer_folder import VIEWER_FOLDER
from voxlake.platform.catalog import Catalog
from voxlake.platform.errors import VoxlakeError
from voxlake.platform.secrets.link_keys import LinkKeys
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

CUTOUTS = (cutout, boss_cutout)
ROUTERS = (
    health,
    status,
    metrics,
    login,
    middleauth,
    identity,
    *CONSOLE,
    above_datasets,
    collections,
    frames,
    metadata,
    datasets,
    deleted,
    pictures,
    credentials,
    labels,
    label_voxels,
    objects,
    merges,
    jobs,
    uploads,
    users,
    groups,
    usage,
    tokens,
    shares,
    links,
    states,
    neuroglancer,
    info,
    nodes,
    edits,
    log,
    openapi,
)


def create_app(
    settings: Settings,
    lake: StoreURL,
    catalog: Catalog,
    local: LocalIdentity | None,
    viewer: Path = VIEWER_FOLDER,
    link_keys: LinkKeys | None = None,
) -> FastAPI:
    """Return the gateway of one lake as an ASGI application. The caller closes the catalog.

    `local` knows its owner, if it has one; others sign in at the issuer of the settings, or say who
    they are by tokens. `link_keys` sign links; without them a link is good at this application
    alone. `viewer` is the folder of the viewer's static files, which need not be there.
    """
    answers_bytes, chunks_bytes, _ = divide_memory(settings.gateway_memory_bytes)
    # Who allows but small cutouts does not want many of them held up in memory.
    answers = Budget(min(answers_bytes, max(2 * settings.cutout_limit_bytes, QUESTION_BYTES)))
    app = FastAPI(
        title="voxlake",
        version=version("voxlake"),
        description=openapi.DESCRIPTION,
        # The interactive pages load scripts from other servers, which the policy forbids.
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        # A redirect of a data key to "key/" would be taken for a folder listing.
        redirect_slashes=False,
        responses=DOCUMENTED,
    )
    app.state.gateway = Gateway(
        settings=settings,
        lake=lake,
        catalog=catalog,
        identity=_identity(
            settings, catalog, local, LinkHolders(catalog.links, link_keys or LinkKeys.random())
        ),
        answers=answers,
        questions=Questions(answers),
        records=Expiring(RECORD_SECONDS),
        datasets=Expiring(OPENED_SECONDS),
        volumes=Expiring(OPENED_SECONDS),
        value_ranges=Expiring(OPENED_SECONDS),
        frames=Expiring(RECORD_SECONDS),
        readiness=Expiring(READY_SECONDS),
        chunk_cache_bytes=chunks_bytes,
    )
    _add_routes(app, viewer)
    _add_layers(app, settings)
    openapi.install_openapi(app)
    return app


def _identity(
    settings: Settings, catalog: Catalog, local: LocalIdentity | None, links: LinkHolders
) -> Identity:
    if settings.oidc_issuer is None:
        return Identity(local, catalog.tokens, links)
    # It brings an HTTP client along, which a gateway without an issuer does not need.
    from voxlake.api.identity.ways import Ways

    ways = Ways.at(settings.oidc_issuer, settings, catalog)
    return Identity(local, catalog.tokens, links, ways.bearer, ways.oidc)


def _add_routes(app: FastAPI, viewer: Path) -> None:
    # Routes are tried in order, and these are those that are asked hundreds of times a second.
    app.router.routes[:0] = (*zarr.routes, *flat.routes, *precomputed.routes)
    for module in (*CUTOUTS, *ROUTERS, *v1.RESOURCES):
        app.include_router(module.router)
    # CAVE's client knows the same below a server that has others beside.
    app.include_router(middleauth.router, prefix="/auth")
    app.router.routes.append(Mount("/neuroglancer", Viewer(viewer)))


def _add_layers(app: FastAPI, settings: Settings) -> None:
    app.add_exception_handler(VoxlakeError, on_voxlake_error)
    app.add_exception_handler(RequestValidationError, on_invalid_request)
    app.add_exception_handler(HTTPException, on_http_exception)
    # The last one added is the outermost.
    app.add_middleware(Routed)
    app.add_middleware(LineEnds)
    app.add_middleware(HeadAsGet)
    app.add_middleware(
        Bodies,
        seconds=settings.gateway_body_timeout_s,
        voxels_bytes=settings.cutout_limit_bytes + ENVELOPE_BYTES,
    )
    app.add_middleware(Throttle, settings=settings)
    app.add_middleware(WhileWanted, seconds=settings.gateway_request_timeout_s)
    app.add_middleware(OriginCheck, public_url=settings.public_url)
    app.add_middleware(Envelope)
    app.add_middleware(ErrorPages)
    app.add_middleware(Cors)
    app.add_middleware(LinkPaths)
    app.add_middleware(BossPaths)
    app.add_middleware(
        PublicAddress, public_url=settings.public_url, trusted_proxies=settings.trusted_proxies
    )
    app.add_middleware(FieldLines)
    app.add_middleware(Observed, trusted_proxies=settings.trusted_proxies)
