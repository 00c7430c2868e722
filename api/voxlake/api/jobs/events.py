"""A job is watched: server-sent events tell how far it is, until nobody works on it.

Each event is the whole document, so that one that was missed is no loss. Its id says what it told:
who comes back with the last of all is told that there is no more (204, upon which browsers end).
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from hashlib import sha256

import anyio

from voxlake.api.guards.jobs import GrantedJob, grant_job
from voxlake.api.jobs.watching import describe
from voxlake.documents.jobs.job import JobDocument
from voxlake.platform.access import Read
from voxlake.platform.errors import VoxlakeError

LOOK_S = 0.5
"""Seconds between two looks at a job that is watched."""
BEAT_S = 10.0
"""Seconds without news after which a sign of life is sent."""
AGAIN_MS = 2000
"""Milliseconds after which a browser whose connection broke comes back."""


async def is_over(granted: GrantedJob[Read], last: str | None) -> bool:
    """Return whether who comes back with the id of the last event was told all there is."""
    if last is None:
        return False
    document = await describe(granted)
    return document.at_rest and _id_of(document) == last


async def events(granted: GrantedJob[Read], last: str | None) -> AsyncIterator[bytes]:
    """Yield events of a job until nobody works on it, or the asker may not see it any more.

    Parameters
    ----------
    last
        Id of the last event that the asker has got; None: of none.
    """
    stopping, asker, job = granted.asker.gateway.stopping, granted.asker, granted.job.id
    sent, heard = last, time.monotonic()
    yield f"retry: {AGAIN_MS}\n\n".encode()
    while not stopping.is_set():
        document = await describe(granted)
        if (new := _id_of(document)) != sent:
            sent, heard = new, time.monotonic()
            yield _event("end" if document.at_rest else "progress", new, document)
        if document.at_rest:
            return
        if time.monotonic() - heard > BEAT_S:
            heard = time.monotonic()
            yield b": it goes on\n\n"
        await anyio.sleep(LOOK_S)
        try:
            granted = await grant_job(asker, job, Read)
        except VoxlakeError:
            return


def _id_of(document: JobDocument) -> str:
    # The signs of life of its runner are no news.
    told = document.model_dump_json(exclude={"updated_at"})
    return sha256(told.encode()).hexdigest()[:16]


def _event(name: str, number: str, document: JobDocument) -> bytes:
    return f"event: {name}\nid: {number}\ndata: {document.model_dump_json()}\n\n".encode()
