"""Which names and addresses are of this machine alone."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv6Address, ip_address


@lru_cache(1024)
def is_loopback(host: str) -> bool:
    """Return whether a name or address is one that only this machine answers to.

    Examples
    --------
    >>> is_loopback("localhost"), is_loopback("127.0.0.2"), is_loopback("127.0.0.1.example.org")
    (True, True, False)
    >>> is_loopback("localhost."), is_loopback("::ffff:127.0.0.1")  # As they are written in full.
    (True, True)
    """
    try:
        address = ip_address(host)
    except ValueError:
        return host in {"localhost", "localhost."}
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback
