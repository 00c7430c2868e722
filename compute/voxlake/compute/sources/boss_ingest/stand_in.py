"""The base classes that plug-ins inherit from, for where boss-ingest is not installed.

A plug-in begins with ``from ingestclient.plugins.path import PathProcessor`` and the like. These
names are all of boss-ingest that most plug-ins use. They are found only after everything that is
installed, so that the real package, once there, is what plug-ins get.
"""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType


class Processor(ABC):
    """What is set up with the parameters of a configuration."""

    def __init__(self) -> None:
        self.parameters: dict[str, Any] | None = None

    @abstractmethod
    def setup(self, parameters: dict[str, Any]) -> None:
        """Take the parameters, with the ``ingest_job`` of the configuration under that key."""

    @abstractmethod
    def process(self, *arguments: Any) -> Any:
        """Return what the subclass is for; the arguments are positional."""


class PathProcessor(Processor):
    """``process(x_index, y_index, z_index, t_index)`` returns the path of a tile or chunk."""


class TileProcessor(Processor):
    """``process(file_path, x_index, y_index, z_index, t_index)`` returns the image of a tile.

    Encoded, in a seekable binary file.
    """


class ChunkProcessor(Processor):
    """``process(file_path, x_index, y_index, z_index)`` returns an array, and one of `ORDERS`."""


ORDERS = {"XYZ_ORDER": 0, "ZYX_ORDER": 1, "XYZT_ORDER": 2, "TZYX_ORDER": 3}
"""What a chunk plug-in may say of its axes: their names in `ingestclient.plugins.chunk`."""

_CONTENTS: dict[str, dict[str, Any]] = {
    "ingestclient": {},
    "ingestclient.plugins": {},
    "ingestclient.plugins.path": {"PathProcessor": PathProcessor},
    "ingestclient.plugins.tile": {"TileProcessor": TileProcessor},
    "ingestclient.plugins.chunk": {"ChunkProcessor": ChunkProcessor, **ORDERS},
}


class StandIn(MetaPathFinder, Loader):
    """Finds the modules above where nothing else does."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return a spec for one of the modules, unless its package is a real one."""
        del target
        is_ours = fullname in _CONTENTS and not path
        if not is_ours:
            return None
        return ModuleSpec(fullname, self, is_package=not _CONTENTS[fullname])

    def exec_module(self, module: ModuleType) -> None:
        """Fill the module."""
        vars(module).update(_CONTENTS[module.__name__])


def offer_stand_in() -> None:
    """Let ``import ingestclient.plugins.path`` and its kin succeed without boss-ingest."""
    if not any(isinstance(finder, StandIn) for finder in sys.meta_path):
        sys.meta_path.append(StandIn())
