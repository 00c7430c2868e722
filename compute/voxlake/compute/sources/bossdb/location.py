"""Addresses of channels of bossDB: ``bossdb://HOST/COLLECTION/EXPERIMENT/CHANNEL``. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

from voxlake.compute.sources.location import options_of
from voxlake.platform.errors import SourceError

_SCHEMES = {"bossdb": "https", "bossdb+https": "https", "bossdb+http": "http"}
"""Of addresses here, and how their server is asked."""

_HOST = re.compile(r"([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")
_OPTIONS = {"level": re.compile(r"\d{1,2}"), "t": re.compile(r"\d{1,9}:\d{1,9}")}
_FORM = (
    "write bossdb://HOST/COLLECTION/EXPERIMENT/CHANNEL, or bossdb+http://HOST:PORT/... of a server "
    "without TLS"
)


@dataclass(frozen=True, slots=True)
class BossLocation:
    """A channel, and what of it is read."""

    server: str
    """Its address: ``https://api.bossdb.io``."""
    names: tuple[str, str, str]
    """Collection, experiment, channel."""
    level: int | None = None
    """None: the finest that the channel has."""
    times: tuple[int, int] | None = None
    """Time points, half-open; None: all."""

    @property
    def resource(self) -> str:
        """Collection, experiment and channel as in paths of cutouts."""
        return "/".join(quote(name, safe="") for name in self.names)


def parse_location(location: str) -> BossLocation | None:
    """Return the channel that an address names; None if it is an address of another kind.

    Raises
    ------
    SourceError
        If it is malformed.

    Examples
    --------
    >>> parse_location("bossdb://api.bossdb.io/lab/brain/em?level=1")
    BossLocation(server='https://api.bossdb.io', names=('lab', 'brain', 'em'), level=1, times=None)
    >>> parse_location("https://api.bossdb.io/lab/brain/em") is None
    True
    """
    scheme, separator, rest = location.partition("://")
    protocol = _SCHEMES.get(scheme.lower())
    if not separator or protocol is None:
        return None
    path, _, query = rest.partition("?")
    host, *names = path.rstrip("/").split("/")
    if len(names) == 2 and _HOST.fullmatch(host):
        raise SourceError(
            f"source {location} has three names and no server; {_FORM}: that of bossdb.org is "
            "api.bossdb.io"
        )
    if len(names) != 3 or not all(names) or not _HOST.fullmatch(host):
        raise SourceError(f"source {location} names no channel of a bossDB; {_FORM}")
    collection, experiment, channel = map(unquote, names)
    options = _options(query, location)
    return BossLocation(
        f"{protocol}://{host.lower()}",
        (collection, experiment, channel),
        int(options["level"]) if "level" in options else None,
        _times(options["t"], location) if "t" in options else None,
    )


def _options(query: str, location: str) -> dict[str, str]:
    options = options_of(query, location)
    for name, value in options.items():
        if name not in _OPTIONS or not _OPTIONS[name].fullmatch(value):
            raise SourceError(
                f"source {location} has the option {name}={value}; there are level=NUMBER, and "
                "t=START:STOP of time points"
            )
    return options


def _times(text: str, location: str) -> tuple[int, int]:
    start, stop = map(int, text.split(":"))
    if start >= stop:
        raise SourceError(f"source {location} has no time point; give t=START:STOP, STOP beyond it")
    return start, stop
