"""Pages from templates: what is put into them stays text."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from voxlake.api.gateway import gateway_of
from voxlake.api.http.layers.public_address import outer_path

FOLDER = Path(__file__).parent
_TEMPLATES = Environment(
    loader=FileSystemLoader(FOLDER / "templates"),
    autoescape=select_autoescape(default=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


async def page(request: Request, template: str, **values: object) -> HTMLResponse:
    """Return a page of the console for whoever asks.

    Parameters
    ----------
    template
        A file of the folder ``templates``, which extends ``base.html``.
    values
        What it shows.
    """
    identity = gateway_of(request.scope).identity
    principal = await identity.identify(request.scope)
    about = {
        "root": outer_path(request.scope, ""),
        "asker": None if principal.is_anonymous else principal.name,
        "signs_in": identity.oidc is not None,
    }
    text = _TEMPLATES.get_template(template).render(about | values)
    headers = {"Cache-Control": "no-store", "Content-Security-Policy": _policy(request)}
    return HTMLResponse(text, headers=headers)


def _policy(request: Request) -> str:
    """Return what a page may load; who signs out here is sent on to the issuer."""
    oidc, forms = gateway_of(request.scope).identity.oidc, "'self'"
    if oidc is not None:
        issuer = urlsplit(oidc.issuer.url)
        forms += f" {issuer.scheme}://{issuer.netloc}"
    return (
        "default-src 'none'; img-src 'self'; style-src 'self'; base-uri 'none'; "
        f"frame-ancestors 'none'; form-action {forms}"
    )
