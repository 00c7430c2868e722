"""Pages from templates: what is put into them stays text."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.datastructures import Headers
from starlette.types import Scope

from voxlake.api.gateway import gateway_of
from voxlake.api.guards.askers import GrantedPlace
from voxlake.api.http.answers.problems import FORBIDDEN, documented
from voxlake.api.http.layers.link_paths import TOKEN as LINK_TOKEN
from voxlake.api.http.layers.public_address import inner_path, outer_path
from voxlake.documents.forms import DeletionForm
from voxlake.platform.access import ANONYMOUS, Permission, Principal, Read, Update
from voxlake.platform.errors import InvalidInputError

SENT = FORBIDDEN | {303: {"description": "It is done: the page that shows it."}}
"""Answers to forms, in the documentation of operations."""
TAKEN = SENT | documented(409, "The name is taken.")
ON_A_PAGE = 100
"""Lines of a list."""
FOLDER = Path(__file__).parent
_TEMPLATES = Environment(
    loader=FileSystemLoader(FOLDER.parent / "templates"),
    autoescape=select_autoescape(default=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def console_router(prefix: str = "") -> APIRouter:
    """Return a router of pages and forms; what a form is answered by is another address."""
    return APIRouter(prefix=prefix, tags=["console"], default_response_class=RedirectResponse)


async def page(
    request: Request, template: str, *, scripted: bool = False, **values: object
) -> HTMLResponse:
    """Return a page of the console for whoever asks.

    Parameters
    ----------
    template
        A file of the folder ``templates``, which extends ``base.html``.
    scripted
        Whether the page may load scripts of this server.
    values
        What it shows.
    """
    principal = await gateway_of(request.scope).identity.identify(request.scope)
    text = render(request.scope, principal, template, **values)
    return HTMLResponse(text, headers=headers_of(request.scope, scripted=scripted))


def render(scope: Scope, principal: Principal, template: str, **values: object) -> str:
    """Return the text of a page for somebody."""
    identity = gateway_of(scope).identity
    about = {
        "root": _root(scope),
        "asker": None if principal.is_anonymous else principal.name,
        "is_user": principal.user is not None,
        "administers": principal.administers,
        "manages_users": principal.manages_users,
        "signs_in": identity.oidc is not None,
        "signs_out": "authorization" not in Headers(scope=scope),
        "sign_in": f"/login?next={quote(_address_of(scope), safe='/')}",
    }
    return _TEMPLATES.get_template(template).render(about | values)


def _root(scope: Scope) -> str:
    """Return the path below which pages are: a link, which opens a few addresses, opens none."""
    link = scope.get(LINK_TOKEN)
    root = outer_path(scope, "")
    return root if link is None else root.removesuffix(f"/c/{link}")


def known_principal(scope: Scope) -> Principal:
    """Return who sends a request, if that was found out; else nobody in particular."""
    known = scope.get("state", {}).get("principal")
    return known if isinstance(known, Principal) else ANONYMOUS


def go_to(request: Request, path: str) -> RedirectResponse:
    """Return the answer to a form that was sent: the page that shows what came of it."""
    return RedirectResponse(outer_path(request.scope, path), 303, {"Cache-Control": "no-store"})


def page_of(place: str) -> str:
    """Return the address of the page of a place.

    Examples
    --------
    >>> page_of("lab"), page_of("lab/brain"), page_of("lab/brain/em"), page_of("/")
    ('/collections/lab', '/collections/lab/experiments/brain', '/datasets/lab/brain/em', '/')
    """
    match place.strip("/").split("/"):
        case [collection, experiment]:
            return f"/collections/{collection}/experiments/{experiment}"
        case [_, _, _]:
            return f"/datasets/{place}"
        case [collection]:
            return f"/collections/{collection}" if collection else "/"
    raise AssertionError(place)


def held_at(granted: GrantedPlace[Read] | GrantedPlace[Update]) -> frozenset[Permission]:
    """Return all that the asker may do at a place: pages show forms for no more."""
    return frozenset(Permission) if granted.held is None else granted.held


def check_typed(asked: DeletionForm, name: str) -> None:
    """Raise InvalidInputError unless somebody typed the name of what is to be deleted."""
    if asked.typed.strip() != name:
        raise InvalidInputError(
            f"{asked.typed[:80]!r} was typed and this is {name}, of which nothing was deleted; "
            "type its name as it is"
        )


def headers_of(scope: Scope, *, scripted: bool = False) -> dict[str, str]:
    """Return the headers of a page.

    Browsers name the origin of a form to this server alone: with no referrer at all they would
    send `Origin: null`.
    """
    return {
        "Cache-Control": "no-store",
        "Content-Security-Policy": _policy(scope, scripted=scripted),
        "Referrer-Policy": "same-origin",
    }


def _policy(scope: Scope, *, scripted: bool) -> str:
    """Return what a page may load; who signs out here is sent on to the issuer."""
    oidc, forms = gateway_of(scope).identity.oidc, "'self'"
    if oidc is not None:
        issuer = urlsplit(oidc.issuer.url)
        forms += f" {issuer.scheme}://{issuer.netloc}"
    scripts = "script-src 'self'; connect-src 'self'; " if scripted else ""
    return (
        f"default-src 'none'; {scripts}img-src 'self'; style-src 'self'; base-uri 'none'; "
        f"frame-ancestors 'none'; form-action {forms}"
    )


def _address_of(scope: Scope) -> str:
    """Return the address of this server that is asked for, as a login may go on to it."""
    if scope["method"] != "GET" or inner_path(scope).startswith("/login"):
        return "/"
    path, query = quote(inner_path(scope)), scope["query_string"].decode("latin-1")
    return f"{path}?{query}" if query else path


def moment(at: datetime | None, otherwise: str = "") -> str:
    """Return a moment for people, in UTC; `otherwise` of none.

    Examples
    --------
    >>> moment(datetime(2026, 11, 28, 9, 5, 59)), moment(None, "never")
    ('2026-11-28 09:05', 'never')
    """
    return otherwise if at is None else f"{at:%Y-%m-%d %H:%M}"


def is_over(at: datetime) -> bool:
    """Return whether a moment lies behind; without a zone it is one in UTC."""
    return (at if at.tzinfo else at.replace(tzinfo=UTC)) <= datetime.now(UTC)


def duration(seconds: float) -> str:
    """Return how long something takes, for people.

    Examples
    --------
    >>> duration(0.4), duration(90), duration(5400), duration(200_000)
    ('1 s', '90 s', '90 min', '2 days')
    """
    for unit, size in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 1):.0f} s"


def last_name(place: str) -> str:
    """Return what a place is called below the one that it lies in.

    Examples
    --------
    >>> last_name("lab/brain/em"), last_name("lab")
    ('em', 'lab')
    """
    return place.rpartition("/")[2]


_TEMPLATES.filters |= {"duration": duration, "last_name": last_name} | {
    "page_of": page_of,
    "moment": moment,
    "is_over": is_over,
}
