"""Values of datasets by the names of their axes, of which bossDB knows t, z, y and x. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from voxlake.documents.datasets.dataset import DatasetDocument


def by_axis[T](dataset: DatasetDocument, values: Iterable[T]) -> dict[str, T]:
    """Return values, which are in the order of the axes of a dataset, by the names of these."""
    names = (axis.name for axis in dataset.axes)
    return dict(zip(names, values, strict=True))
