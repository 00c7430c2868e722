"""Where things lie in a lake (docs/explanation/format.md)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.metadata.reading import read_multiscale
from voxlake.platform import store
from voxlake.platform.errors import InvalidNameError
from voxlake.platform.names import DatasetName, check_name
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxlake.platform.catalog import DatasetRecord

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


def place_of(record: DatasetRecord) -> Place:
    """Return where the dataset of a catalog record lies."""
    return Place(record.name, Kind(record.kind), record.of)


def address_of(lake: StoreURL, record: DatasetRecord) -> StoreURL:
    """Return the address of a cataloged dataset, in the lake or registered in place."""
    elsewhere = "://" in record.url or record.url.startswith("/")
    return StoreURL.parse(record.url) if elsewhere else lake / record.url


def discover(lake: StoreURL) -> Iterator[Place]:
    """Yield every dataset that the store holds, found by listing: images, then their labels.

    Folders whose names no dataset can have are someone else's, and passed over.
    """
    for collection in _named(lake):
        for experiment in _named(lake / collection):
            yield from _discover_experiment(lake, collection, experiment)


def _discover_experiment(lake: StoreURL, collection: str, experiment: str) -> Iterator[Place]:
    url = lake / collection / experiment
    for dataset in _named(url, GROUP_SUFFIX):
        name = DatasetName(collection, experiment, dataset)
        group = url / f"{dataset}{GROUP_SUFFIX}"
        yield Place(name, Kind.LABELS if read_multiscale(group).is_labels else Kind.IMAGE)
        for labels in _named(group / "labels"):
            yield Place(name.sibling(labels), Kind.LABELS, of=dataset)


def _named(url: StoreURL, suffix: str = "") -> list[str]:
    """Return the valid names among the folders below `url` that end in `suffix`, without it."""
    folders = store.list_children(url)[0]
    names = [folder.removesuffix(suffix) for folder in folders if folder.endswith(suffix)]
    return [name for name in names if _is_valid(name)]


def _is_valid(name: str) -> bool:
    try:
        check_name(name)
    except InvalidNameError:
        return False
    return True


def _experiment(name: DatasetName) -> str:
    return f"{name.collection}/{name.experiment}"
