"""Find the reader of a location, here and in workers."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from threading import Lock
from typing import TYPE_CHECKING

from voxlake.compute.sources.location import (
    absolute_location,
    is_pattern,
    local_path,
    split_inner,
    without_file_scheme,
    without_options,
)
from voxlake.compute.sources.source import HasColours, NamesAxes
from voxlake.platform.errors import InvalidInputError, PlanChangedError, SourceError
from voxlake.platform.secrets.credentials import refuse_credentials

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxlake.compute.sources.source import OpenSource, Source

    type Known = tuple[str, Source]
    """The name of a reader, and what it opened."""

GROUP = "voxlake.sources"
"""The entry-point group that readers register in."""

_LAST = "bioio"
"""The reader that is asked after all others: it opens much of what they do, but more slowly."""

_KEPT_OPEN = 16
"""Sources a process keeps open for its tasks."""

_opening = Lock()
_opened: ContextVar[dict[str, Known] | None] = ContextVar("_opened", default=None)
"""By location, within `opening_once`."""


def openers() -> tuple[EntryPoint, ...]:
    """Return the registered readers in the order they are asked.

    Those of other distributions come first, by name, so that an installation can override a
    reader of voxlake's; then voxlake's own, by name, and bioio last of all.
    """

    def order(entry: EntryPoint) -> tuple[bool, bool, str, str]:
        is_ours = entry.module.startswith("voxlake.")
        return (is_ours, is_ours and entry.name == _LAST, entry.name, entry.value)

    return tuple(sorted(entry_points(group=GROUP), key=order))


def open_source(location: str, axes: str = "", *, colours: bool = False) -> Source:
    """Open the source at `location` with the first reader that knows it.

    Parameters
    ----------
    axes
        Letters for its axes as they are stored, such as ``zyxc``; empty: as the input says.
    colours
        Whether palettes give it their colours, as an image has them; else it has the indices.

    Raises
    ------
    SourceError
        If no reader knows it, the one that does cannot read it, or it is not known which axis is
        which.
    InvalidInputError
        If the location holds a password or another secret.

    Examples
    --------
    >>> open_source("phantom:32").shape
    (32, 32, 32)
    """
    location = without_file_scheme(location)
    return _as_asked(_known(location)[1], location, axes, colours=colours)


def open_known(location: str, axes: str = "") -> tuple[str, Source]:
    """Open the source at `location` as an image; return the name of its reader with it.

    Parameters and errors are those of `open_source`.

    Examples
    --------
    >>> open_known("phantom:32")[0]
    'phantom'
    """
    location = without_file_scheme(location)
    name, source = _known(location)
    return name, _as_asked(source, location, axes, colours=True)


def _known(location: str) -> Known:
    refuse_credentials(location)
    opened, place = _opened.get(), absolute_location(location)
    if opened is None:
        return _open(location)
    if place not in opened:
        opened[place] = _open(location)
    return opened[place]


def _as_asked(source: Source, location: str, axes: str, *, colours: bool) -> Source:
    if colours and isinstance(source, HasColours):
        source = source.in_colours()
    return _with_axes(source, location, axes)


def _with_axes(source: Source, location: str, axes: str) -> Source:
    if not isinstance(source, NamesAxes):
        if axes:
            raise InvalidInputError(
                f"axes {axes} were given for {location}, whose reader has axes of its own; leave "
                "them out"
            )
        return source
    if axes:
        return source.with_axes(axes)
    if source.doubt:
        raise SourceError(
            f"{source.doubt}; say which axis is which with --axes and a letter for each, such as "
            "--axes zyxc"
        )
    return source


@contextmanager
def opening_once() -> Iterator[None]:
    """Open each location once in a ``with`` block: a command takes its input for unchanging.

    Only what this thread opens counts; tasks have `cached_source`.
    """
    token = _opened.set({})
    try:
        yield
    finally:
        _opened.reset(token)


def _open(location: str) -> Known:
    asked = []
    for entry in openers():
        opener = _load(entry)
        if opener is None:
            asked.append(f"{entry.name} (cannot be imported)")
            continue
        source = opener(location)
        if source is not None:
            return entry.name, source
        asked.append(entry.name)
    raise SourceError(_nobody(location, asked))


def cached_source(
    location: str, fingerprint: str, axes: str = "", *, colours: bool = False
) -> Source:
    """Return the open source at `location`; a process opens it once for all its tasks.

    Raises
    ------
    PlanChangedError
        If the source is no longer the one that had `fingerprint`.
    SourceError
        As of `open_source`.
    """
    with _opening:
        lock = _lock(location)
    with lock:  # Threads that want the same source open it once; a slow one holds up no other.
        return _kept(location, fingerprint, axes, colours)


def close_cached_sources() -> None:
    """Let the next task open its source anew: since a job before it, files may have changed."""
    _kept.cache_clear()


@lru_cache(maxsize=_KEPT_OPEN)
def _lock(_location: str) -> Lock:
    return Lock()


@lru_cache(maxsize=_KEPT_OPEN)
def _kept(location: str, fingerprint: str, axes: str, colours: bool) -> Source:  # noqa: FBT001
    source = open_source(location, axes, colours=colours)
    if source.fingerprint != fingerprint:
        raise PlanChangedError(
            f"source {location} was planned with fingerprint {fingerprint}, but is now "
            f"{source.fingerprint}: its files have changed; put them back, or plan the job again"
        )
    return source


def _load(entry: EntryPoint) -> OpenSource | None:
    try:
        opener: OpenSource = entry.load()
    except (ImportError, AttributeError):
        return None
    return opener


def _nobody(location: str, asked: list[str]) -> str:
    path = local_path(split_inner(without_options(location))[0])
    if path is not None and not path.exists() and not is_pattern(location):
        return f"source {location} is not there; check the path"
    return (
        f"source {location} is of no kind that voxlake reads (asked: {', '.join(asked)}); "
        "convert it, or install a package that registers a reader for it in "
        f"the entry-point group {GROUP!r}"
    )
