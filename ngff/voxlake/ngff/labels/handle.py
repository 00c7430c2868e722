"""The handle of labels: their voxels, their index, and the mapping that is applied to answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from voxlake.ngff.dataset import open_dataset
from voxlake.ngff.labels import state as index
from voxlake.ngff.labels.label_id import OneLabel, check_label
from voxlake.ngff.labels.mapping.mapping import (
    all_supervoxels_of,
    bodies_of,
    check_body,
    open_mapping,
    remap_box,
)
from voxlake.ngff.labels.queries.in_box import labels_in_box
from voxlake.ngff.labels.queries.points import labels_at
from voxlake.ngff.labels.times import check_axes, count_times, time_index
from voxlake.ngff.labels.view import View
from voxlake.ngff.time_point import TimePoint, at_time
from voxlake.platform.errors import OutOfBoundsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import numpy.typing as npt

    from voxlake.ngff.dataset import Dataset
    from voxlake.ngff.grid.box import Box
    from voxlake.ngff.labels.mapping.mapping import Mapping
    from voxlake.ngff.labels.queries.in_box import LabelsInBox
    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL


@dataclass(frozen=True, slots=True)
class Labels:
    """Labels of a dataset. Where they are is asked of a `view`; what is in a box, of themselves.

    With a mapping, ids are of bodies in every question and answer. Of labels in time each time
    point is asked by itself: see `at_time`.

    Raises
    ------
    UnsupportedError
        When they are asked, if the volume is none that can be indexed (see `check_labels`).
    """

    volume: Volume
    """Level 0: z, y, x, or t, z, y, x of labels in time, all of them."""
    index_url: StoreURL
    """The label index; what is missing or stale in it is made good from the voxels."""
    mapping: Mapping | None = None
    """From supervoxels to bodies; None: labels are taken as the voxels have them."""
    of: Labels | None = field(default=None, repr=False)
    """Those of all time points, if these are of one."""

    @property
    def mapping_number(self) -> int | None:
        """Number of the mapping that is applied; None: there is none."""
        return None if self.mapping is None else self.mapping.number

    @property
    def whole(self) -> Labels:
        """Those of all time points; mapping, objects and reserved ids lie at their index."""
        return self.of or self

    @property
    def times(self) -> int | None:
        """How many time points there are; None if time is no axis of them."""
        return count_times(self.volume)

    @property
    def time(self) -> tuple[int, ...]:
        """The time point that these are of; empty if they are of none, or of all."""
        return (self.volume.time,) if isinstance(self.volume, TimePoint) else ()

    def at_time(self, time: int | None = None) -> Labels:
        """Return the labels of a time point, z, y, x; by default the first, which may be the only.

        Raises
        ------
        OutOfBoundsError
            If there is no such time point. Without an axis of time there is 0.
        """
        number = time or 0
        if self.times is not None:
            point, index_url = at_time(self.volume, number), time_index(self.index_url, number)
            return Labels(point, index_url, self.mapping, self)
        if number:
            raise OutOfBoundsError(
                f"time point {number} of {self.volume.url} was asked for; it has 0 alone"
            )
        return self

    def each_time(self) -> Iterator[Labels]:
        """Yield the labels of each time point; these, if time is no axis of them."""
        times = self.times
        yield from [self] if times is None else map(self.at_time, range(times))

    def view(self) -> View:
        """Return the state of the index as it is: two listings, and what they name if it is new."""
        return View(self, index.in_force(self))

    def ask[T](self, question: Callable[[View], T]) -> T:
        """Return the answer to a question by a view of this moment.

        The question is put again, to another view, if meanwhile segments are swept or voxels
        written that it needs: several times, then OutdatedError is raised.

        Examples
        --------
        >>> def where_is(labels: Labels, label: int) -> Box:
        ...     return labels.ask(lambda view: view.extent(label)).box
        """
        return index.ask_in_force(self, lambda state: question(View(self, state)))

    def in_box(self, box: Box, *, counts: bool = False) -> LabelsInBox:
        """Return the labels that have a voxel in `box`, and with `counts` how many each.

        Exact and always the latest, whatever the state of the index. Raises as `labels_in_box`.
        """
        counted = labels_in_box(self.volume, self.index_url, box, counts=counts)
        return counted if self.mapping is None else remap_box(self.mapping, counted)

    def at(self, points: npt.ArrayLike) -> npt.NDArray[np.uint64]:
        """Return the label (n,) at each of (n, 3) voxels z, y, x; 0 where there is none.

        Always the latest. Raises as `labels_at`.
        """
        labels = labels_at(self.volume, points)
        return labels if self.mapping is None else bodies_of(self.mapping, labels)

    def one(self, label: int) -> OneLabel:
        """Return a label, or a body, with what voxels have of it.

        Raises
        ------
        InvalidInputError
            If no voxel can have it: 0 is the background, and ids end at 2^64 - 1.
        NotFoundError
            If there is a mapping, and it is no body.
        """
        check_label(label)
        if self.mapping is None:
            return OneLabel(label, (label,))
        return OneLabel(label, tuple(check_body(self.mapping, label).tolist()))

    def members(self, labels: Iterable[int] | npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
        """Return what voxels have of several labels, ascending, each once.

        Raises
        ------
        InvalidInputError
            If no voxel can have one of them.
        """
        wanted = _ascending(labels)
        return wanted if self.mapping is None else all_supervoxels_of(self.mapping, wanted)


def open_labels(url: StoreURL, index_url: StoreURL, *, bodies: bool = False) -> Labels:
    """Open labels.

    Parameters
    ----------
    url
        Their OME-Zarr group: in a lake, at the `key` of their `Place`.
    index_url
        Their index: in a lake, at the `index_key` of their `Place`.
    bodies
        Whether ids are of bodies: the mapping as it is now is applied.

    Raises
    ------
    NotFoundError
        If there is no dataset.
    UnsupportedError
        If it has axes beside time that labels have not: channels.
    """
    mapping = open_mapping(index_url) if bodies else None
    return labels_of(open_dataset(url), index_url, mapping)


def labels_of(dataset: Dataset, index_url: StoreURL, mapping: Mapping | None = None) -> Labels:
    """Return the labels of a dataset, all time points; raises as `check_axes`."""
    check_axes(dataset)
    return Labels(dataset.level(0), index_url, mapping)


def _ascending(labels: Iterable[int] | npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Return labels, checked, ascending and each once."""
    if not isinstance(labels, np.ndarray) or labels.dtype != np.uint64:
        wanted = sorted({int(label) for label in labels})
        for label in (*wanted[:1], *wanted[-1:]):
            check_label(label)
        return np.array(wanted, np.uint64)
    ascending = labels if (labels[1:] > labels[:-1]).all() else np.unique(labels)
    if len(ascending):
        check_label(int(ascending[0]))
    return ascending
