"""Where jobs work: a lake, its catalog, and the settings."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxlake.compute.passes.cut import Limits
from voxlake.compute.passes.threads import thread_count
from voxlake.ngff.dataset import Dataset, open_dataset
from voxlake.ngff.lake import Place, group_of, place_of
from voxlake.platform.catalog import Catalog, open_catalog

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxlake.platform.names import DatasetName
    from voxlake.platform.settings import Settings
    from voxlake.platform.store import StoreURL


@dataclass(frozen=True, slots=True)
class Workspace:
    """A lake with its catalog, open."""

    lake: StoreURL
    catalog: Catalog
    settings: Settings

    @classmethod
    @contextmanager
    def opened(cls, lake: StoreURL, settings: Settings) -> Iterator[Workspace]:
        """Open the catalog of `lake` for the length of a ``with`` block."""
        catalog = open_catalog(lake, settings)
        try:
            yield cls(lake, catalog, settings)
        finally:
            catalog.close()

    def place(self, name: DatasetName) -> Place:
        """Return where a dataset of the catalog lies; raise NotFoundError if it has none."""
        return place_of(self.catalog.get_dataset(name))

    def dataset(self, place: Place) -> Dataset:
        """Open a dataset of the lake."""
        return open_dataset(self.address(place))

    def address(self, place: Place) -> StoreURL:
        """Return the address of a dataset's group, in the lake or registered in place."""
        return group_of(self.lake, place, self.settings)


def task_limits(settings: Settings, task_bytes: int) -> Limits:
    """Return what a task of `task_bytes` of voxels, about, may take on this machine."""
    return Limits(task_bytes, settings.memory_limit_bytes, thread_count())
