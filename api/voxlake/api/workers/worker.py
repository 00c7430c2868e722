"""One of several processes of a gateway, and where they meet."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from voxlake.platform.errors import InvalidInputError
from voxlake.platform.settings import Settings

LEAST_BYTES = 64 << 20
"""Memory that a worker works with at least."""


@dataclass(frozen=True, slots=True)
class Worker:
    """Which of the processes this one is."""

    number: int
    """From 0."""
    count: int
    folder: Path
    """A folder of this gateway alone, for what its workers share while it runs."""
    listener: int
    """File descriptor of the socket that it takes connections from."""


def share_of(settings: Settings, count: int) -> Settings:
    """Return the settings of one of so many workers: they share the memory of the gateway.

    Raises
    ------
    InvalidInputError
        If there is too little for each.

    Examples
    --------
    >>> share_of(Settings(gateway_memory_bytes=1 << 30), 4).gateway_memory_bytes >> 20
    256
    """
    share = settings.gateway_memory_bytes // count
    if share < LEAST_BYTES:
        raise InvalidInputError(
            f"{count} workers share {settings.gateway_memory_bytes} bytes of memory, {share} each, "
            f"and one needs {LEAST_BYTES}; ask for fewer --workers, or raise "
            "VOXLAKE_GATEWAY_MEMORY_BYTES"
        )
    return settings.model_copy(update={"gateway_memory_bytes": share})
