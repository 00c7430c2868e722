"""The plug-ins of a configuration, set up and called as boss-ingest does."""

from __future__ import annotations

import copy
import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from voxlake.compute.sources.boss_ingest.plugin_modules import load_plugin, plugin_digest
from voxlake.compute.sources.boss_ingest.stand_in import ORDERS
from voxlake.compute.sources.boss_ingest.tile_image import decode_tile
from voxlake.platform.errors import SourceError

if TYPE_CHECKING:
    from pathlib import Path

_setting_up = threading.Lock()

type Index = tuple[int, int, int, int]
"""Of a tile or chunk: x, y, z, t."""


class Plugins:
    """Makes tiles or chunks, in any thread.

    boss-ingest runs each plug-in in processes of one thread. So every thread that reads has
    instances of its own, made when it first reads: what they keep (an open file, a connection to a
    database, the pages of a TIFF) is never seen by another. A lock around one instance for all
    would leave one reader at a time, and would break what must stay in the thread that made it, as
    sqlite must. State that instances share, at the level of the module, is the plug-in's to guard.
    """

    def __init__(self, raw: dict[str, Any], kind: str, folder: Path) -> None:
        """Find the classes; `kind` is ``tile`` or ``chunk``.

        Raises
        ------
        SourceError
            If one cannot be imported.
        """
        self._raw, self._kind = raw, kind
        names = [raw["client"][f"{part}_processor"]["class"] for part in ("path", kind)]
        self._classes = tuple(load_plugin(name, folder) for name in names)
        self._of_thread = threading.local()

    @property
    def digests(self) -> tuple[str, ...]:
        """Of the files that the classes are in."""
        return tuple(plugin_digest(plugin) for plugin in self._classes)

    def path(self, index: Index) -> str:
        """Return the path that the path processor gives a tile or chunk.

        Raises
        ------
        SourceError
            If it fails.
        """
        paths, _ = self._instances()
        try:
            path = paths.process(*index)
        except Exception as error:  # whatever the code of users raises
            raise self._failed(0, index, error) from error
        return str(path)

    def piece(self, index: Index) -> np.ndarray:
        """Return a tile (1, y, x) or chunk (z, y, x).

        Raises
        ------
        SourceError
            If the plug-in fails, or what it returns is no such image or array.
        """
        path, (_, pieces) = self.path(index), self._instances()
        arguments = index if self._kind == "tile" else index[:3]
        try:
            made = pieces.process(path, *arguments)
            voxels = _tile(made) if self._kind == "tile" else _chunk(made)
        except Exception as error:  # whatever the code of users raises
            raise self._failed(1, index, error) from error
        return voxels

    def _instances(self) -> tuple[Any, Any]:
        """Return this thread's path processor, and its tile or chunk processor."""
        instances: tuple[Any, Any] | None = getattr(self._of_thread, "instances", None)
        if instances is None:
            with _setting_up:  # modules may load what they need on first use
                instances = (self._made(0, "path"), self._made(1, self._kind))
            self._of_thread.instances = instances
        return instances

    def _made(self, which: int, part: str) -> Any:
        params = copy.deepcopy(self._raw["client"][f"{part}_processor"]["params"])
        params["ingest_job"] = copy.deepcopy(self._raw["ingest_job"])
        try:
            instance = self._classes[which]()
            instance.setup(params)
        except Exception as error:  # whatever the code of users raises
            raise SourceError(
                f"plug-in {self._name(which)} cannot be set up: {type(error).__name__}: {error}; "
                "check its params in the configuration"
            ) from error
        return instance

    def _name(self, which: int) -> str:
        plugin = self._classes[which]
        return f"{plugin.__module__}.{plugin.__qualname__}"

    def _failed(self, which: int, index: Index, error: Exception) -> SourceError:
        place = ", ".join(f"{axis} {n}" for axis, n in zip("xyzt", index, strict=True))
        reason = (
            str(error) if isinstance(error, SourceError) else f"{type(error).__name__}: {error}"
        )
        return SourceError(
            f"plug-in {self._name(which)} gave no {self._kind} at index {place}: {reason}"
        )


def _tile(handle: Any) -> np.ndarray:
    handle.seek(0)
    # Not closed: boss-ingest does not, so plug-ins may return the same one again.
    return decode_tile(handle.read())[np.newaxis]


def _chunk(made: Any) -> np.ndarray:
    voxels, order = made
    voxels = np.asarray(voxels)
    if order not in ORDERS.values():
        raise SourceError(f"its order is {order!r}, but should be one of {ORDERS}")
    has_time = order in {ORDERS["XYZT_ORDER"], ORDERS["TZYX_ORDER"]}
    if order in {ORDERS["XYZ_ORDER"], ORDERS["XYZT_ORDER"]}:
        voxels = voxels.transpose()
    if voxels.ndim != 3 + has_time or (has_time and len(voxels) != 1):
        name = next(name for name, number in ORDERS.items() if number == order)
        raise SourceError(f"its array is of shape {np.shape(made[0])}, which does not fit {name}")
    chunk: np.ndarray = voxels[0] if has_time else voxels
    return chunk
