"""Find datasets and labels on the store itself, without a server or a catalog."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from voxlake.client.arrays.dataset_array import DatasetArray
from voxlake.client.arrays.whole import warn_unless_whole
from voxlake.ngff.dataset import open_dataset
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.grid.ranges import Region, box_of
from voxlake.ngff.labels.handle import open_labels
from voxlake.ngff.lake import GROUP_SUFFIX, Fault, Place, discover, index_of, survey
from voxlake.ngff.making.unfinished import is_whole
from voxlake.ngff.metadata.names import kept_name
from voxlake.platform import store
from voxlake.platform.errors import NotFoundError
from voxlake.platform.names import DatasetName
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from voxlake.ngff.labels.handle import Labels
    from voxlake.ngff.labels.table import LabelExtent


@dataclass(frozen=True, slots=True)
class Lake:
    """A lake as its store has it. Datasets that are registered in place lie elsewhere.

    Examples
    --------
    >>> str(Lake.at("s3://lab/lake?region=eu-1").url)
    's3://lab/lake?region=eu-1'
    """

    url: StoreURL

    @classmethod
    def at(cls, address: str) -> Self:
        """Return the lake at a folder, or a URL of ``memory://`` or of a bucket."""
        return cls(StoreURL.parse(address))

    def __enter__(self) -> Self:
        """Return the lake, of which nothing is held open: as a `Gateway` is used, so is this."""
        return self

    def __exit__(self, *failure: object) -> None: ...

    def datasets(self) -> tuple[Place, ...]:
        """Return all datasets, sorted by name: found by listing, so slowly in a large lake.

        Warns of groups that are damaged, or no datasets.
        """
        found = list(survey(self.url))
        for fault in found:
            if isinstance(fault, Fault):
                warnings.warn(f"{fault.key} is left out: {fault.text}", stacklevel=2)
        places = (place for place in found if isinstance(place, Place))
        return tuple(sorted(places, key=lambda place: place.name))

    def address(self, name: str) -> str:
        """Return the store address of the dataset ``collection/experiment/dataset``.

        Raises
        ------
        NotFoundError
            If there is none.
        """
        return str(self.url / self._place(name).key)

    def __getitem__(self, name: str) -> DatasetArray:
        """Return the dataset ``collection/experiment/dataset``, to be sliced like an array.

        It is read from the store, and written through a gateway alone, which knows who may. Warns
        (`UserWarning`) of a dataset whose ingest has not ended.

        Raises
        ------
        NotFoundError
            If there is none.
        """
        url = self.url / self._place(name).key
        warn_unless_whole(str(url), whole=is_whole(url))
        dataset = open_dataset(url)
        levels = tuple(map(dataset.level, range(dataset.levels)))

        return DatasetArray(
            name,
            str(url),
            dataset.multiscale,
            tuple(level.shape for level in levels),
            levels[0].dtype,
            lambda level, box: levels[level].read(box).result(),
        )

    def open_labels(self, name: str, *, bodies: bool = False, time: int | None = None) -> Labels:
        """Return the labels ``collection/experiment/dataset``, to ask more about them.

        Parameters
        ----------
        bodies
            Whether ids are those of bodies: the mapping, as it is, is applied to all that is asked.
        time
            Which time point of labels in time; by default the first.

        Raises
        ------
        NotFoundError
            If there are none.
        OutOfBoundsError
            If there is no such time point.
        """
        place = self._place(name)
        url, index = self.url / place.key, index_of(self.url, place)
        return open_labels(url, index, bodies=bodies).at_time(time)

    def labels(self, name: str, region: Region | None = None) -> npt.NDArray[np.uint64]:
        """Return the labels with voxels in `region` of level 0, ascending, background left out.

        Exact in every state of the label index; fast where that is current.
        """
        labels = self.open_labels(name)
        return labels.in_box(box_of(region, labels.volume.shape)).labels

    def label(self, name: str, label: int) -> LabelExtent:
        """Return the tightest box of one label, and how many voxels, chunks and shards it has.

        Raises
        ------
        NotFoundError
            If no voxel has it.
        """
        return self.open_labels(name).ask(lambda view: view.extent(label))

    def _place(self, name: str) -> Place:
        """Find an image, or labels without one, by one look; labels among those of the images."""
        wanted = DatasetName.parse(name)
        root = Place(wanted, Kind.IMAGE)
        if self._holds(root):
            return root
        experiment = self.url / wanted.collection / wanted.experiment
        for folder in store.list_children(experiment)[0]:
            place = Place(wanted, Kind.LABELS, of=folder.removesuffix(GROUP_SUFFIX))
            if folder.endswith(GROUP_SUFFIX) and self._holds(place):
                return place
        for place in discover(self.url):
            if place.name == wanted:  # One that was renamed.
                return place
        raise NotFoundError(f"{self.url} holds no dataset {wanted}; Lake.datasets() lists them")

    def _holds(self, place: Place) -> bool:
        there = store.exists(self.url / place.key / "zarr.json")
        return there and kept_name(self.url, place.key) in {None, place.name}
