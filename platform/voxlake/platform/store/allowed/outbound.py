"""Connections to servers of others: to that very host, and to no address inside.

A server on a list may redirect to another, and its name may lead anywhere, another way each time.
obstore follows redirects and cannot be told not to, nor which addresses it may connect to; so it
is given a proxy in this process that connects to one host alone, at an address that was looked
at. TensorStore follows no redirects, and resolves names itself: they are looked at when it opens
an array.
"""

from __future__ import annotations

import asyncio
import socket
from functools import cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from voxlake.platform.errors import StoreForbiddenError, StoreUnavailableError
from voxlake.platform.loopback import is_loopback
from voxlake.platform.store.background import background_loop
from voxlake.platform.store.process import prepare_process

if TYPE_CHECKING:
    from voxlake.platform.store.url import StoreURL

_BLOCK = 1 << 16
_HEAD_SECONDS = 30
_PORTS = {"http": 80, "https": 443}
_NAT64 = IPv6Network("64:ff9b::/96")
_METADATA = [
    ip_network(each)
    for each in ("100.100.100.200/32", "192.0.0.192/32", "fd00:ec2::/32", "168.63.129.16/32")
]
"""Where clouds tell machines their secrets; others do it at a link-local address."""


def is_open(address: IPv4Address | IPv6Address, *, private: bool) -> bool:
    """Return whether an address may be connected to; of a private network only if `private`.

    What machines of a cloud ask for their secrets never is.

    Examples
    --------
    >>> is_open(ip_address("1.1.1.1"), private=False), is_open(ip_address("10.0.0.1"), private=True)
    (True, True)
    >>> is_open(ip_address("::ffff:169.254.169.254"), private=True)
    False
    """
    address = _inside(address)
    never = address.is_link_local or address.is_multicast or address.is_unspecified
    if never or any(address in each for each in _METADATA):
        return False
    return address.is_global or (private and (address.is_private or address.is_loopback))


def _inside(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 address that one of IPv6 stands for, if it does."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(address.packed[-4:])
    teredo = address.teredo[1] if address.teredo else None
    return address.ipv4_mapped or address.sixtofour or teredo or address


def check_host(url: StoreURL) -> None:
    """Raise StoreForbiddenError unless the host of a foreign store is at open addresses alone."""
    origin = url.endpoint if url.is_bucket else f"{url.scheme}://{url.root}"
    if not url.is_local and origin is not None:
        host, port = _host_of(origin)
        _open_addresses(host, _resolved(host, port))


@cache
def proxy_to(origin: str) -> str:
    """Return the address of an HTTP proxy of this process that connects to one origin alone."""
    serving = asyncio.run_coroutine_threadsafe(_serve(*_host_of(origin)), background_loop())
    return f"http://127.0.0.1:{serving.result()}"


def _host_of(origin: str) -> tuple[str, int]:
    parts = urlsplit(origin)
    return parts.hostname or "", parts.port or _PORTS[parts.scheme]


def _resolved(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise StoreUnavailableError(f"the name {host} leads nowhere ({error})") from error
    return [str(address[0]) for *_, address in found]


def _open_addresses(host: str, addresses: list[str]) -> list[str]:
    """Return the addresses of a host, all of which have to be open.

    Who lists an address, and no name, has said what it is.
    """
    private = prepare_process().private_stores or _is_literal(host) or is_loopback(host)
    for each in addresses:
        # What follows "%" is the interface of a link-local address.
        if not is_open(ip_address(each.partition("%")[0]), private=private):
            raise StoreForbiddenError(
                f"{host} is at {each}, which is not open to the world and is not connected to; if "
                "it is a store in your own network, set VOXLAKE_PRIVATE_STORES"
            )
    return addresses


def _is_literal(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


async def _serve(host: str, port: int) -> int:
    """Start the proxy; return its port."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_HEAD_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
            await _answer(head, (reader, writer), host, port)
        except* (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # The client sees a connection that was closed, and says so.
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    return int(server.sockets[0].getsockname()[1])


type _Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _answer(head: bytes, client: _Ends, host: str, port: int) -> None:
    """Answer one request to the proxy: for a tunnel, as of https, or for an object itself."""
    method, target, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)
    is_tunnel = method == "CONNECT"
    if _wanted(target, is_tunnel=is_tunnel) != (host, port):
        client[1].write(_REFUSED)
        return
    loop = asyncio.get_running_loop()
    try:
        found = await loop.run_in_executor(None, _resolved, host, port)
        addresses = _open_addresses(host, found)
    except (StoreForbiddenError, StoreUnavailableError):
        client[1].write(_REFUSED)
        return
    server = await asyncio.open_connection(addresses[0], port)
    if is_tunnel:
        client[1].write(b"HTTP/1.1 200 OK\r\n\r\n")
    else:
        server[1].write(_plain(head))
    async with asyncio.TaskGroup() as both:
        both.create_task(_relay(client[0], server[1]))
        both.create_task(_relay(server[0], client[1]))


_REASON = b"it leads to where this lake may not connect"
_REFUSED = b"HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (
    len(_REASON),
    _REASON,
)


def _wanted(target: str, *, is_tunnel: bool) -> tuple[str, int]:
    try:
        return _host_of(f"https://{target}" if is_tunnel else target)
    except (ValueError, KeyError):
        return "", 0


def _plain(head: bytes) -> bytes:
    """Return the head of a request as the server itself takes it, for one request."""
    first, _, rest = head.partition(b"\r\n")
    method, target, version = first.decode("latin-1").split(" ", 2)
    parts = urlsplit(target)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = [each for each in rest.split(b"\r\n") if each and not _is_of_proxy(each)]
    return b"\r\n".join(
        [f"{method} {path} {version}".encode("latin-1"), *lines, b"Connection: close", b"", b""]
    )


def _is_of_proxy(line: bytes) -> bool:
    return line.partition(b":")[0].lower() in {b"connection", b"proxy-connection"}


async def _relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on what comes until it ends; then the other side is told."""
    try:
        while block := await reader.read(_BLOCK):
            writer.write(block)
            await writer.drain()
    finally:
        writer.close()
