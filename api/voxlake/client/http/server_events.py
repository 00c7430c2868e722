"""Server-sent events, read to their end; a connection that breaks is made again.

As the HTML standard has it ("Server-sent events"): lines of fields, an event at each empty line,
and the id of the last one is sent when who reads comes back.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxlake.platform.errors import StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from voxlake.client.http.connection import Connection

END = "end"
"""Name of the event after which there are no more."""
BREAKS = 5
"""So often in a row a connection may break, with nothing told between."""
AGAIN_S = 1.0
"""Seconds before it is made again."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event."""

    name: str
    id: str
    data: str


def events_of(connection: Connection, path: str) -> Iterator[Event]:
    """Yield the events of an address, each once, until the last.

    Raises
    ------
    VoxlakeError
        What the server raised.
    StoreUnavailableError
        If the connection breaks `BREAKS` times in a row.
    """
    last, breaks = "", 0
    while True:
        try:
            with connection.stream(path, headers={"Last-Event-ID": last} if last else {}) as lines:
                for event in parsed(lines):
                    last, breaks = event.id, 0
                    yield event
                    if event.name == END:
                        return
            told_all = lines.status == 204
        except StoreUnavailableError:
            told_all = False
            if breaks >= BREAKS:
                raise
        if told_all:
            return
        breaks += 1
        if breaks > BREAKS:
            raise StoreUnavailableError(
                f"{connection.url}{path} ends before all is told; what runs goes on, ask later"
            )
        time.sleep(AGAIN_S)


def parsed(lines: Iterable[str]) -> Iterator[Event]:
    r"""Yield the events that lines hold; comments are left out, as is one that is cut off.

    Examples
    --------
    >>> text = ": hello\nevent: end\nid: 7\ndata: {}\n\ndata: cut"
    >>> list(parsed(text.split("\n")))
    [Event(name='end', id='7', data='{}')]
    """
    fields: dict[str, str] = {}
    for line in lines:
        if not line:
            if "data" in fields:
                yield Event(fields.get("event", ""), fields.get("id", ""), fields["data"])
            fields = {}
            continue
        name, _, value = line.partition(":")
        fields[name] = value.removeprefix(" ")
