"""Look at all that is no shard: metadata, the list of labels, and objects that do not belong."""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxlake.compute.fsck.finding import Check, Finding, FsckResult
from voxlake.compute.passes.downsample import downsample_step
from voxlake.compute.verify.behind import Behind
from voxlake.ngff.dataset import open_dataset
from voxlake.ngff.labels.handle import Labels, labels_of
from voxlake.ngff.labels.sidecars.patch import patch_url
from voxlake.ngff.labels.sidecars.sidecar import sidecar_url
from voxlake.ngff.metadata.reading import is_ours, read_labels_names
from voxlake.ngff.metadata.seal import check_seal
from voxlake.ngff.metadata.writing import labels_document
from voxlake.ngff.storage.leftovers import leftovers, uploads
from voxlake.ngff.validate import Severity, validate_group
from voxlake.platform import store
from voxlake.platform.errors import UNREADABLE, CorruptDataError, StoreDeniedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxlake.compute.passes.downsample import Step
    from voxlake.compute.plan import Result
    from voxlake.ngff.dataset import Dataset
    from voxlake.ngff.grid.box import Cell
    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL

MOST = 1000
"""So many objects that do not belong are named; the others are counted."""

_DOCUMENTS = {"zarr.json", ".zarray", ".zattrs"}


@dataclass(frozen=True, slots=True)
class ObjectsTask:
    """Look at the metadata of a dataset and at the names of its objects; nothing is changed."""

    url: StoreURL
    index: StoreURL | None
    """The label index, of labels that have one."""
    image: StoreURL | None
    """The image that the labels belong to."""

    def __call__(self) -> Result:
        """Return what was found."""
        return FsckResult(findings=(*self._metadata(), *self._objects()))

    def _metadata(self) -> Iterator[Finding]:
        broken = list(_look_at_seals(self.url))
        yield from broken
        told = {finding.where for finding in broken}
        for breach in validate_group(self.url):
            if f"{breach.where}/zarr.json" not in told:
                is_advice = breach.severity is Severity.SHOULD
                check = Check.ADVICE if is_advice else Check.METADATA
                yield Finding(check, breach.where, breach.text)
        yield from _look_at_steps(self.url)
        if self.image is None:
            yield from _look_at_labels_list(self.url)
        elif self.url.name not in _listed(self.image):
            text = f"{self.url.name} is not in it"
            yield Finding(Check.LABELS_LIST, str(self.image / "labels" / "zarr.json"), text)

    def _objects(self) -> Iterator[Finding]:
        strays = itertools.chain(_strays_in_arrays(self.url), _strays_in_index(self))
        named = list(itertools.islice(strays, MOST))
        yield from named
        more = sum(1 for _ in strays)
        if more:
            yield Finding(Check.STRAY_OBJECT, str(self.url), f"and {more} more like these")
        for path in leftovers(self.url, self.index):
            yield Finding(Check.LEFTOVER, str(path), "of a writer that is gone")
        yield from _look_at_uploads(self.url, self.index)


def _look_at_uploads(url: StoreURL, index: StoreURL | None) -> Iterator[Finding]:
    try:
        for upload in uploads(url, index):
            text = f"parts of it were sent at {upload.begun:%Y-%m-%d %H:%M}, and it was not ended"
            yield Finding(Check.LEFTOVER, str(upload.url), text)
    except StoreDeniedError as error:
        yield Finding(Check.ADVICE, str(url), f"parts that were sent may lie there: {error}")


def labels_there(image: StoreURL) -> list[str]:
    """Return the names of the labels that lie in an image, listed or not."""
    folder = image / "labels"
    return [
        name for name in store.list_children(folder)[0] if store.exists(folder / name / "zarr.json")
    ]


def _look_at_steps(url: StoreURL) -> Iterator[Finding]:
    """Yield the levels that are no whole number of times as large as the one below."""
    try:
        dataset = open_dataset(url)
    except UNREADABLE:  # told by validate_group
        return
    for level in range(1, dataset.levels):
        try:
            dataset.step(level)
        except UNREADABLE as error:
            yield Finding(Check.METADATA, str(url), str(error))
    if dataset.levels > 1 and not is_ours(url):
        text = "another program made its levels: they are not compared, and never made anew"
        yield Finding(Check.ADVICE, str(url), text)


def _look_at_seals(url: StoreURL) -> Iterator[Finding]:
    """Yield the documents that are not as they were sealed; all are sealed, or none is."""
    urls = [url / "zarr.json", *(url / path / "zarr.json" for path in _level_paths(url))]
    seals = {each: _seal_of(each) for each in urls}
    for each, seal in seals.items():
        if seal is False:
            text = "it is not what voxlake wrote: damaged, or changed by another program"
            yield Finding(Check.METADATA, str(each), text)
        elif seal is None and any(seals.values()):
            yield Finding(Check.METADATA, str(each), "its seal is gone; others here have theirs")


def _level_paths(url: StoreURL) -> list[str]:
    try:
        return [level.path for level in open_dataset(url).multiscale.levels]
    except UNREADABLE:  # told by validate_group
        folders = [name for name in store.list_children(url)[0] if name != "labels"]
        return [name for name in folders if store.exists(url / name / "zarr.json")]


def _seal_of(url: StoreURL) -> bool | None:
    try:
        stored = store.read_if_there(url)
        document = None if stored is None else json.loads(stored.body)
    except CorruptDataError:
        return False
    except ValueError:
        return None
    return check_seal(document) if isinstance(document, dict) else None


def _look_at_labels_list(image: StoreURL) -> Iterator[Finding]:
    where, there = str(image / "labels" / "zarr.json"), set(labels_there(image))
    try:
        listed = set(read_labels_names(image))
    except CorruptDataError as error:
        yield Finding(Check.LABELS_LIST, where, str(error))
        return
    if listed != there:
        text = f"it names {sorted(listed)}; there are {sorted(there)}"
        yield Finding(Check.LABELS_LIST, where, text)
    elif there and not _is_labels_group(image):
        yield Finding(Check.LABELS_LIST, where, "it is no group of OME-Zarr 0.5")


def _is_labels_group(image: StoreURL) -> bool:
    stored = json.loads(store.read(image / "labels" / "zarr.json").body)
    wanted = labels_document([])
    ome = stored.get("attributes", {}).get("ome", {})
    return {**stored, "attributes": {}} == {**wanted, "attributes": {}} and "version" in ome


def _listed(image: StoreURL) -> list[str]:
    try:
        return read_labels_names(image)
    except CorruptDataError:
        return []


def _strays_in_arrays(url: StoreURL) -> Iterator[Finding]:
    for volume in _volumes(url):
        for info in store.walk(volume.url):
            key = info.url.key.removeprefix(f"{volume.url.key}/" if volume.url.key else "")
            belongs = key in _DOCUMENTS or volume.cell_of(key) is not None
            if not belongs and not store.is_leftover(info.url.name):
                yield Finding(Check.STRAY_OBJECT, str(info.url), "it is no shard of the array")


def _strays_in_index(task: ObjectsTask) -> Iterator[Finding]:
    volumes = _volumes(task.url)[:1]
    index = index_of_voxels(task.index, open_dataset(task.url)) if volumes else None
    if index is not None:
        for labels in Labels(volumes[0], index).each_time():
            yield from _strays_beside(labels)


def _strays_beside(labels: Labels) -> Iterator[Finding]:
    index = labels.index_url
    for info in itertools.chain(store.walk(index / "shards"), store.walk(index / "patches")):
        cell = _numbers(info.url.name)
        urls = sidecar_url(index, cell), patch_url(index, cell)
        belongs = labels.volume.has_shard(cell) and info.url.key in {url.key for url in urls}
        if not belongs and not store.is_leftover(info.url.name):
            yield Finding(Check.STRAY_OBJECT, str(info.url), "it is no sidecar of a shard")


def index_of_voxels(index: StoreURL | None, dataset: Dataset) -> StoreURL | None:
    """Return the label index of labels if they have axes that one describes; else None.

    So it is if they cannot be opened, which is found elsewhere.
    """
    if index is None:
        return None
    try:
        labels_of(dataset, index).at_time()
    except UNREADABLE:
        return None
    return index


def _volumes(url: StoreURL) -> list[Volume]:
    try:
        dataset = open_dataset(url)
    except UNREADABLE:
        return []
    return [volume for n in range(dataset.levels) if (volume := volume_of(dataset, n))]


def volume_of(dataset: Dataset, level: int) -> Volume | None:
    """Return a level of the dataset; None if it cannot be opened, which is found elsewhere."""
    try:
        return dataset.level(level)
    except UNREADABLE:
        return None


def step_to(dataset: Dataset, level: int) -> Step | None:
    """Return what leads to a level; None if its metadata have no such thing, which is found."""
    try:
        return downsample_step(dataset, level)
    except UNREADABLE:
        return None


def behind_of(dataset: Dataset, level: int) -> Behind | None:
    """Return what tells where a level is behind; None if metadata below it are at fault."""
    try:
        return Behind.of(dataset, level)
    except UNREADABLE:
        return None


def _numbers(text: str) -> Cell:
    return tuple(map(int, re.findall(r"\d{1,18}", text)))
