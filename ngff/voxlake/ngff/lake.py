"""Where things lie in a lake (docs/explanation/format.md)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxlake.ngff.layout import Kind
from voxlake.platform import store
from voxlake.platform.names import DatasetName

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxlake.platform.store import StoreURL

GROUP_SUFFIX = ".ome.zarr"
INDEX_SUFFIX = ".index"


@dataclass(frozen=True, slots=True)
class Place:
    """A dataset's name, its kind and, for labels, the image they belong to."""

    name: DatasetName
    kind: Kind
    of: str | None = None
    """Dataset part of the image's name; None for images and for labels without an image."""

    @property
    def key(self) -> str:
        """Path of the dataset's group below the lake."""
        if self.of is None:
            return f"{_experiment(self.name)}/{self.name.dataset}{GROUP_SUFFIX}"
        return f"{_experiment(self.name)}/{self.of}{GROUP_SUFFIX}/labels/{self.name.dataset}"

    @property
    def index_key(self) -> str:
        """Path of the label index below the lake: beside the zarr group, never inside it."""
        owner = self.of or self.name.dataset
        return f"{_experiment(self.name)}/{owner}{INDEX_SUFFIX}/{self.name.dataset}"


def dataset_url(lake: StoreURL, place: Place) -> StoreURL:
    """Return the address of the dataset's OME-Zarr group."""
    return lake / place.key


def index_url(lake: StoreURL, place: Place) -> StoreURL:
    """Return the address of the label index of labels."""
    return lake / place.index_key


def discover(lake: StoreURL) -> Iterator[Place]:
    """Yield every dataset that the store holds, found by listing: images, then their labels."""
    for collection in store.list_children(lake)[0]:
        if collection.startswith("."):
            continue
        for experiment in store.list_children(lake / collection)[0]:
            yield from _discover_experiment(lake, collection, experiment)


def _discover_experiment(lake: StoreURL, collection: str, experiment: str) -> Iterator[Place]:
    url = lake / collection / experiment
    for folder in store.list_children(url)[0]:
        if not folder.endswith(GROUP_SUFFIX):
            continue
        name = DatasetName(collection, experiment, folder.removesuffix(GROUP_SUFFIX))
        root = Place(name, Kind.IMAGE)
        yield root if not _is_labels(url / folder) else Place(name, Kind.LABELS)
        for labels in store.list_children(url / folder / "labels")[0]:
            yield Place(name.sibling(labels), Kind.LABELS, of=name.dataset)


def _is_labels(url: StoreURL) -> bool:
    from voxlake.ngff.metadata import read_multiscale

    return read_multiscale(url).is_labels


def _experiment(name: DatasetName) -> str:
    return f"{name.collection}/{name.experiment}"
