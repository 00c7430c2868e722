"""Values of settings, as they are written in the environment."""

from __future__ import annotations

import json
import re
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator
from pydantic_settings import NoDecode


def _listed(value: object) -> object:
    """Return the values that are written with commas between them, or as a list in JSON."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        return json.loads(value)
    return [each.strip() for each in value.split(",") if each.strip()]


type Listed = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)]
"""Several values, with commas between them, or as a list in JSON where they hold commas."""

type Networks = Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(_listed)]
"""Addresses and networks, with commas between them."""

_PUBLIC_URL = re.compile(
    r"(https?)://([a-z0-9.-]+|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?((?:/[A-Za-z0-9._~-]+)*)/?"
)
_PORTS = {"http": "80", "https": "443"}


def _check_public_url(url: str) -> str:
    """Return a URL of a gateway as browsers write it, without a slash at its end."""
    scheme, _, rest = url.partition("://")
    address, slash, path = rest.partition("/")
    parts = _PUBLIC_URL.fullmatch(f"{scheme}://{address}".lower() + slash + path)
    if parts is None or {".", ".."} & set(path.split("/")):
        raise ValueError("this is no address of a gateway; write it as https://lake.example.org")
    scheme, host, port, path = parts.groups()
    return f"{scheme}://{host}{'' if port in {None, _PORTS[scheme]} else f':{port}'}{path}"


def _check_origin(url: str) -> str:
    """Return an origin as browsers write it."""
    origin = _check_public_url(url)
    if origin.count("/") > 2:
        raise ValueError("this is no origin; write it as https://viewer.example.org")
    return origin


type PublicURL = Annotated[str, AfterValidator(_check_public_url)]
"""Where people reach a gateway, without a slash at its end."""

type Origins = Annotated[
    tuple[Annotated[str, AfterValidator(_check_origin)], ...], NoDecode, BeforeValidator(_listed)
]
"""Schemes and hosts of web pages, with commas between them."""
