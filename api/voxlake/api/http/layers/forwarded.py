"""What reverse proxies say of a request: who sent it, and which address was asked for.

`X-Forwarded-For`, `-Proto`, `-Host` and `-Prefix`, and `Forwarded` (RFC 7239) in their absence.
Anyone can send these: each hop is believed about the one before it, beginning with the peer of the
connection, for as long as the hops are proxies that are trusted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from starlette.datastructures import Headers

type Address = IPv4Address | IPv6Address
type Networks = Sequence[IPv4Network | IPv6Network]

_PAIR = re.compile(r'\s*(\w+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*))\s*([;,]|$)')
"""A parameter of `Forwarded`, and what ends it (RFC 7239, section 4)."""
_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~-]+)+")


@dataclass(frozen=True, slots=True)
class Hop:
    """What one proxy says of the request that reached it; empty: nothing."""

    sender: str = ""
    scheme: str = ""
    host: str = ""


@dataclass(frozen=True, slots=True)
class Forwarded:
    """A request as it was before trusted proxies passed it on; empty: as it came."""

    client: Address
    """The first hop, from here, that is no trusted proxy."""
    scheme: str = ""
    host: str = ""
    prefix: str = ""
    """Path below which a proxy shows the gateway, which it took off."""


def parse_address(text: str) -> Address | None:
    """Return the IP address of a node, which may have a port; None if it is hidden or malformed.

    Examples
    --------
    >>> parse_address("[2001:db8::1]:443"), parse_address("10.0.0.1:80"), parse_address("_hidden")
    (IPv6Address('2001:db8::1'), IPv4Address('10.0.0.1'), None)
    """
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def is_trusted(address: Address, proxies: Networks) -> bool:
    """Return whether an address is one of the proxies."""
    return any(address in network for network in proxies)


def unwrap(peer: Address, headers: Headers, proxies: Networks) -> Forwarded:
    """Return what trusted proxies say of a request that came from `peer`."""
    client, depth, hops = peer, 0, _hops(headers)
    while depth < len(hops) and is_trusted(client, proxies):
        depth += 1
        sender = parse_address(hops[-depth].sender)
        if sender is None:
            break
        client = sender
    if not depth:
        return Forwarded(client)
    scheme, host = hops[-depth].scheme.lower(), hops[-depth].host
    prefix = _at(_listed(headers, "x-forwarded-prefix"), depth).rstrip("/")
    return Forwarded(
        client,
        scheme if scheme in {"http", "https"} else "",
        host,
        prefix if _PREFIX.fullmatch(prefix) else "",
    )


def _hops(headers: Headers) -> list[Hop]:
    """Return what is said of each hop, the one nearest to the client first."""
    senders = _listed(headers, "x-forwarded-for")
    schemes = _listed(headers, "x-forwarded-proto")
    hosts = _listed(headers, "x-forwarded-host")
    if not (senders or schemes or hosts or "x-forwarded-prefix" in headers):
        return parse_forwarded(", ".join(headers.getlist("forwarded")))
    count = max(len(senders), 1)
    return [
        Hop(_at(senders, depth), _at(schemes, depth), _at(hosts, depth))
        for depth in range(count, 0, -1)
    ]


def _listed(headers: Headers, name: str) -> list[str]:
    return [each.strip() for line in headers.getlist(name) for each in line.split(",")]


def _at(values: Sequence[str], depth: int) -> str:
    """Return the value that is `depth` hops away; proxies may pass on the first one alone."""
    return values[max(len(values) - depth, 0)] if values else ""


def parse_forwarded(text: str) -> list[Hop]:
    """Return the hops of a `Forwarded` header; none if it is malformed.

    Examples
    --------
    >>> parse_forwarded('for="[2001:db8::1]:443";proto=https;host="lake.example.org"')
    [Hop(sender='[2001:db8::1]:443', scheme='https', host='lake.example.org')]
    """
    hops, pairs, place = list[Hop](), dict[str, str](), 0
    while place < len(text):
        found = _PAIR.match(text, place)
        if found is None:
            return []
        name, quoted, plain, end = found.groups()
        pairs[name.lower()] = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else plain
        if end != ";":
            hop = Hop(pairs.get("for", ""), pairs.get("proto", ""), pairs.get("host", ""))
            hops, pairs = [*hops, hop], {}
        place = found.end()
    return [] if pairs else hops
