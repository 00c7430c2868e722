"""Headers that a client, or a proxy, sends in several lines: one list each (RFC 9110, 5.3)."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.types import Receive, Scope, Send

from voxlake.api.http.layers.layer import Layer

type Fields = Sequence[tuple[bytes, bytes]]

_BETWEEN = {b"cookie": b"; "}
"""What stands between the values, where that is no comma."""


class FieldLines(Layer):
    """Joins the lines of a header: whoever reads the first alone would miss what others say."""

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""
        fields = scope["headers"]
        if len({name for name, _ in fields}) < len(fields):
            scope["headers"] = joined(fields)
        await self.app(scope, receive, send)


def joined(fields: Fields) -> list[tuple[bytes, bytes]]:
    """Return headers with one line for each name; ``Host`` is no list, and two of it are refused.

    Examples
    --------
    >>> joined([(b"host", b"a"), (b"accept", b"text/html"), (b"accept", b"image/png")])
    [(b'host', b'a'), (b'accept', b'text/html, image/png')]
    """
    hosts, values = list[tuple[bytes, bytes]](), dict[bytes, list[bytes]]()
    for name, value in fields:
        if name == b"host":
            hosts.append((name, value))
        else:
            values.setdefault(name, []).append(value)
    return hosts + [(name, _BETWEEN.get(name, b", ").join(each)) for name, each in values.items()]
