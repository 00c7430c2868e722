"""What people said of a channel of bossDB, and of what it lies in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

from voxlake.compute.sources.bossdb.channel import read_said
from voxlake.compute.sources.bossdb.server import BossServer, RefusedError
from voxlake.compute.sources.parallel import map_parallel
from voxlake.documents.bossdb.said import (
    CollectionSaid,
    ExperimentSaid,
    FrameSaid,
    KeysSaid,
    ValueSaid,
    collection_path,
    experiment_path,
    frame_path,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voxlake.compute.sources.bossdb.location import BossLocation


@dataclass(frozen=True, slots=True)
class PlaceSaid:
    """What is said of a collection, an experiment or a channel."""

    description: str
    values: Mapping[str, str]
    """By key."""
    refused: str = ""
    """Why keys and values, and perhaps the description, are not known; empty if they are."""


@dataclass(frozen=True, slots=True)
class Said:
    """All that people said of a channel."""

    kind: Literal["image", "labels"]
    places: tuple[PlaceSaid, PlaceSaid, PlaceSaid]
    """Of the collection, the experiment and the channel."""
    frame: FrameSaid
    sources: tuple[str, ...]
    """Names of channels of the same experiment that it was made from."""
    related: tuple[str, ...]
    """Of others that it has to do with."""


def read_all_said(location: BossLocation) -> Said:
    """Ask for what people said of a channel.

    Keys and values need a right of their own, and so does the collection, even of what is public:
    where they are refused, that is said.

    Raises
    ------
    SourceError
        If the channel, its experiment or its frame cannot be read, or the server fails.
    """
    server = BossServer(location.server)
    channel = read_said(server, location)
    experiment = server.document(ExperimentSaid, experiment_path(location.names))
    frame = server.document(FrameSaid, frame_path(experiment))
    described = (None, experiment.description, channel.description)
    collection, above, own = (
        _place(server, location.names[: depth + 1], description)
        for depth, description in enumerate(described)
    )
    return Said(
        "image" if channel.type == "image" else "labels",
        (collection, above, own),
        frame,
        channel.sources,
        channel.related,
    )


def _place(server: BossServer, names: tuple[str, ...], description: str | None) -> PlaceSaid:
    """Ask for the keys and values of a place, and for its description if that is None."""
    path = "/".join(quote(name, safe="") for name in names)
    try:
        if description is None:
            said = server.document(CollectionSaid, collection_path(names))
            description = said.description
        keys = server.document(KeysSaid, f"/v1/meta/{path}/").keys
        values = map_parallel(partial(_value, server, path), keys)
    except RefusedError as error:
        return PlaceSaid(description or "", {}, str(error))
    return PlaceSaid(description, dict(zip(keys, values, strict=True)))


def _value(server: BossServer, path: str, key: str) -> str:
    return server.document(ValueSaid, f"/v1/meta/{path}/?key={quote(key, safe='')}").value
