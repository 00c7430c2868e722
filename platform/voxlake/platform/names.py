"""Names of collections, experiments and datasets."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from voxlake.platform.errors import InvalidNameError

NAME = r"[A-Za-z0-9][A-Za-z0-9_-]{0,254}"
"""Pattern of a name."""
_NAME = re.compile(NAME)


def check_name(text: str, what: str = "name") -> str:
    """Return `text` if it is a valid name.

    Raises
    ------
    InvalidNameError
        If it is not 1 to 255 letters, digits, ``_`` and ``-``, starting with a letter or digit.

    Examples
    --------
    >>> check_name("cortex-1")
    'cortex-1'
    """
    if not _NAME.fullmatch(text):
        raise InvalidNameError(
            f"{what} {text!r} is not valid; use 1 to 255 letters, digits, '_' and '-', "
            "starting with a letter or a digit"
        )
    return text


def names_of(place: str) -> tuple[str, ...]:
    """Return the names in a place as people write it, from the collection down; none: the lake.

    Raises
    ------
    InvalidNameError
        If it is no place.

    Examples
    --------
    >>> names_of("flyem/fib25"), names_of("/")
    (('flyem', 'fib25'), ())
    """
    parts = [] if place == "/" else place.split("/")
    if len(parts) > 3:
        raise InvalidNameError(
            f"{place[:200]!r} is no place; write COLLECTION, COLLECTION/EXPERIMENT, "
            "COLLECTION/EXPERIMENT/DATASET, or / for all of the lake"
        )
    return tuple(map(check_name, parts, ("collection", "experiment", "dataset")))


@dataclass(frozen=True, slots=True, order=True)
class DatasetName:
    """The full name of a dataset: ``collection/experiment/dataset``."""

    collection: str
    experiment: str
    dataset: str

    def __post_init__(self) -> None:
        check_name(self.collection, "collection")
        check_name(self.experiment, "experiment")
        check_name(self.dataset, "dataset")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse ``collection/experiment/dataset``.

        Raises
        ------
        InvalidNameError
            If there are not exactly three parts, or a part is not a valid name.

        Examples
        --------
        >>> DatasetName.parse("flyem/medulla/em").dataset
        'em'
        """
        parts = text.split("/")
        if len(parts) != 3:
            raise InvalidNameError(
                f"dataset {text!r} is not COLLECTION/EXPERIMENT/DATASET; "
                "give three names with '/' between them"
            )
        return cls(*parts)

    @property
    def parts(self) -> tuple[str, str, str]:
        """The names of the collection, the experiment and the dataset."""
        return self.collection, self.experiment, self.dataset

    def sibling(self, dataset: str) -> DatasetName:
        """Return the dataset of that name in the same experiment."""
        return DatasetName(self.collection, self.experiment, dataset)

    def __str__(self) -> str:
        return "/".join(self.parts)
