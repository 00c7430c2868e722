"""Where things lie in a lake (docs/explanation/format.md)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain, count
from typing import TYPE_CHECKING

from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.metadata.names import keep_name, kept_name
from voxlake.ngff.metadata.reading import read_multiscale
from voxlake.platform import store
from voxlake.platform.errors import (
    UNREADABLE,
    ConflictError,
    InvalidNameError,
    StoreLinkError,
    UnsupportedError,
)
from voxlake.platform.names import DatasetName, check_name
from voxlake.platform.store.allowed.stores import MARK, allowed_store

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from voxlake.platform.catalog import Catalog, DatasetRecord
    from voxlake.platform.settings import Settings
    from voxlake.platform.store import StoreURL

GROUP_SUFFIX = ".ome.zarr"
INDEX_SUFFIX = ".index"
REGISTERED = "registered"
"""Folder, in that of the lake's own files, of the label indexes of what is registered in place."""


@dataclass(frozen=True, slots=True)
class Place:
    """A dataset's name, its kind and, for labels, the image they belong to."""

    name: DatasetName
    kind: Kind
    of: str | None = None
    """Dataset part of the image's name; None for images and for labels without an image."""
    group: str | None = None
    """Path of the group below the lake, if it is not the one that the name says: one that was
    renamed stays where it is."""
    elsewhere: str | None = None
    """Full address of the group, if it is registered in place: outside of the lake, or at odds
    with its layout. It is read and never written; the label index is in the lake."""
    folder: str = ""
    """Folder of the group in which a job made, or makes, what replaces the dataset; empty: none."""

    def within(self, folder: str) -> Place:
        """Return the place in a folder of the dataset's group, if it is the lake's."""
        return self if self.elsewhere else replace(self, folder=folder)

    @property
    def key(self) -> str:
        """Path of the dataset's group below the lake.

        Examples
        --------
        >>> Place(DatasetName("lab", "brain", "cells"), Kind.LABELS, of="em").key
        'lab/brain/em.ome.zarr/labels/cells'
        """
        key = self.group
        if key is None:
            image = self.name.dataset if self.of is None else self.of
            key = f"{_experiment(self.name)}/{image}{GROUP_SUFFIX}"
            key += "" if self.of is None else f"/labels/{self.name.dataset}"
        return f"{key}/{self.folder}" if self.folder else key

    @property
    def index_key(self) -> str:
        """Path of the label index below the lake: beside the zarr group, never inside it.

        Examples
        --------
        >>> Place(DatasetName("lab", "brain", "cells"), Kind.LABELS, of="em").index_key
        'lab/brain/em.index/cells'
        """
        root, _, labels = self.within("").key.partition(f"{GROUP_SUFFIX}/labels/")
        root = root.removesuffix(GROUP_SUFFIX)
        key = f"{root}{INDEX_SUFFIX}/{labels or root.rpartition('/')[2]}"
        return f"{key}/{self.folder}" if self.folder else key


def place_of(record: DatasetRecord) -> Place:
    """Return where the dataset of a catalog record lies."""
    named = Place(record.name, Kind(record.kind), record.of)
    if lies_elsewhere(record):
        # Nothing lies there but the index, beside it, which stays where it is by any name.
        group = f"{MARK}/{REGISTERED}/{record.node}{GROUP_SUFFIX}"
        return replace(named, group=group, elsewhere=record.url)
    return named if record.url == named.key else replace(named, group=record.url)


def index_of(lake: StoreURL, place: Place) -> StoreURL:
    """Return the address of the label index of labels: what replaces labels has one of its own.

    Of labels that cannot be read it is that of the first.
    """
    if place.elsewhere:
        return lake / place.index_key
    try:
        folder = read_multiscale(lake / place.key).folder
    except UNREADABLE:
        folder = ""
    return lake / place.within(folder).index_key


def address_of(lake: StoreURL, record: DatasetRecord, settings: Settings) -> StoreURL:
    """Return the address of a cataloged dataset; as `group_of`."""
    if lies_elsewhere(record):
        return allowed_store(record.url, lake, settings)
    return lake / record.url


def group_of(lake: StoreURL, place: Place, settings: Settings) -> StoreURL:
    """Return the address of the group at a place, in the lake or registered in place.

    Raises
    ------
    StoreForbiddenError
        If it is registered in place, and its store is not on the list.
    """
    if place.elsewhere:
        return allowed_store(place.elsewhere, lake, settings)
    return lake / place.key


def lies_elsewhere(record: DatasetRecord) -> bool:
    """Return whether a dataset is registered in place, by its full address."""
    return "://" in record.url or record.url.startswith("/")


def keep_names(lake: StoreURL, records: Iterable[DatasetRecord]) -> None:
    """Let datasets that were renamed say what they are called, for a catalog to be made anew."""
    for record in records:
        if not lies_elsewhere(record):
            keep_name(lake, place_of(record).key, record.name)


def check_writable(place: Place, action: str) -> None:
    """Raise UnsupportedError if an action would write to a dataset that is registered in place."""
    if place.elsewhere:
        raise UnsupportedError(
            f"{place.name} is registered in place, at {place.elsewhere}, and never written to: "
            f"{action} is for datasets of the lake; ingest it to have one"
        )


def free_place(place: Place, image: Place | None, taken: Collection[str]) -> Place:
    """Return the place that a new dataset gets: by its name, unless another lies there already.

    Parameters
    ----------
    place
        What it is called.
    image
        Where the image is that the labels belong to.
    taken
        Paths of the groups that the lake has.

    Examples
    --------
    >>> em = Place(DatasetName("lab", "brain", "em"), Kind.IMAGE)
    >>> free_place(em, None, {"lab/brain/em.ome.zarr"}).key
    'lab/brain/em-2.ome.zarr'
    """
    above = _experiment(place.name) if image is None else f"{image.key}/labels"
    suffix = GROUP_SUFFIX if image is None else ""
    stems = chain([""], (f"-{number}" for number in count(2)))
    keys = (f"{above}/{place.name.dataset}{stem}{suffix}" for stem in stems)
    key = next(key for key in keys if key not in taken)
    return place if key == place.key else replace(place, group=key)


def free_place_in(catalog: Catalog, place: Place) -> Place:
    """Return where a new dataset of a lake lies: not where one does that had its name before."""
    image = None if place.of is None else catalog.get_dataset(place.name.sibling(place.of))
    return free_place(place, None if image is None else place_of(image), catalog.taken_urls())


def check_nothing_there(lake: StoreURL, place: Place) -> None:
    """Raise ConflictError if a dataset lies at a place, which the catalog does not know then."""
    url = lake / place.key
    if store.exists(url / "zarr.json"):
        raise ConflictError(
            f"{url} holds a dataset that the catalog does not know; choose another name, or take "
            "it into the catalog with: voxlake init"
        )


@dataclass(frozen=True, slots=True)
class Fault:
    """A group where a dataset should be, which is damaged, a symbolic link, or something else."""

    key: str
    """Path of the group below the lake."""
    text: str


def discover(lake: StoreURL) -> Iterator[Place]:
    """Yield every dataset that the store holds, as `survey` does, and no faults."""
    return (found for found in survey(lake) if isinstance(found, Place))


def survey(lake: StoreURL) -> Iterator[Place | Fault]:
    """Yield every dataset that the store holds, found by listing: images, then their labels.

    A group that is damaged, behind a symbolic link, or no image, is a fault, and stops nothing.
    Folders whose names no dataset can have are someone else's, and passed over. A dataset that was
    renamed has the name that its group keeps.

    Raises
    ------
    StoreError
        If the store fails: what it holds is not known then.
    """
    for collection in _named(lake):
        for experiment in _named(lake / collection):
            for dataset in _named(lake / collection / experiment, GROUP_SUFFIX):
                name = DatasetName(collection, experiment, dataset)
                key = f"{_experiment(name)}/{dataset}{GROUP_SUFFIX}"
                if is_group(lake / key):
                    yield from _survey_image(lake, key, name)


def _survey_image(lake: StoreURL, key: str, name: DatasetName) -> Iterator[Place | Fault]:
    image = _look_at(lake, key, Place(name, Kind.IMAGE))
    yield image
    owner = image.name if isinstance(image, Place) else name
    try:
        folders = labels_folders(lake / key)
    except StoreLinkError as error:
        yield Fault(f"{key}/labels", str(error))
        return
    for labels in folders:
        place = Place(owner.sibling(labels), Kind.LABELS, of=owner.dataset)
        yield _look_at(lake, f"{key}/labels/{labels}", place)


def _look_at(lake: StoreURL, key: str, expected: Place) -> Place | Fault:
    """Return what lies at `key`; its kind and its name are as it says itself."""
    try:
        is_labels = read_multiscale(lake / key).is_labels
        kept = kept_name(lake, key)
    except (*UNREADABLE, StoreLinkError) as error:
        return Fault(key, str(error))
    kind = Kind.LABELS if is_labels or expected.of else Kind.IMAGE
    name = expected.name.sibling(kept.dataset) if kept and expected.of else kept or expected.name
    place = Place(name, kind, expected.of)
    return place if place.key == key else replace(place, group=key)


def labels_folders(image: StoreURL) -> list[str]:
    """Return the names of the folders of labels that lie inside an image's group."""
    names = _named(image / "labels")
    return [name for name in names if is_group(image / "labels" / name)]


def is_group(url: StoreURL) -> bool:
    """Return whether there is a zarr group: a store may list folders whose objects are deleted.

    A symbolic link in its place counts as one: what reads it tells that it is not followed.
    """
    try:
        return any(store.exists(url / key) for key in ("zarr.json", ".zgroup", ".zattrs"))
    except StoreLinkError:
        return True


def _named(url: StoreURL, suffix: str = "") -> list[str]:
    """Return the valid names among the folders below `url` that end in `suffix`, without it.

    What ends in a suffix may be a symbolic link, which is listed as an object.
    """
    folders, objects = store.list_children(url)
    listed = [*folders, *objects] if suffix else folders
    names = [each.removesuffix(suffix) for each in listed if each.endswith(suffix)]
    return [name for name in names if _is_valid(name)]


def _is_valid(name: str) -> bool:
    try:
        check_name(name)
    except InvalidNameError:
        return False
    return True


def _experiment(name: DatasetName) -> str:
    return f"{name.collection}/{name.experiment}"
