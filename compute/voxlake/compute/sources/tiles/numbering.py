"""The order of slices by the numbers in their names, and the gaps in it. Pure."""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from typing import TYPE_CHECKING

from voxlake.compute.sources.listing import SHOWN, listed
from voxlake.platform.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Sequence


def natural_key(name: str) -> tuple[tuple[str | int, ...], str]:
    """Return a key that sorts names by the numbers in them.

    Examples
    --------
    >>> sorted(["z10", "z9", "z1"], key=natural_key)
    ['z1', 'z9', 'z10']
    """
    return tuple(_parts(name)), name


def check_numbering(names: Sequence[str], what: str) -> None:
    """Raise unless the numbers in the file `names` count slices without a gap.

    What follows the last dot does not matter. Names may hold several numbers: one of them has to
    count the slices. Names without any number are in order by themselves.

    Raises
    ------
    SourceError
        If numbers are missing or occur twice, or the names follow different patterns.

    Examples
    --------
    >>> check_numbering(["s8.png", "s9.png", "s10.png"], "em")
    >>> check_numbering(["s1.png", "s3.png"], "em")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    voxlake.platform.errors.SourceError: em lacks slices: 2 in s1.png to s3.png; restore them...
    """
    _check_same_pattern(names, what)
    columns = [list(column) for column in zip(*map(_numbers, names), strict=True)]
    varying = [column for column in columns if len(set(column)) > 1]
    _check_no_duplicates(names, what)
    if not varying:
        return
    counting = [column for column in varying if len(set(column)) == len(column)]
    if not counting:
        raise SourceError(
            f"{what} has names in which no single number counts the slices, such as "
            f"{names[0]} and {names[-1]}; give a glob that selects one stack"
        )
    _check_no_gap(min(counting, key=lambda column: max(column) - min(column)), names, what)


def _check_no_gap(numbers: list[int], names: Sequence[str], what: str) -> None:
    first, last = min(numbers), max(numbers)
    if last - first + 1 == len(numbers):
        return
    there = sorted(numbers)
    gaps = [(a + 1, b) for a, b in itertools.pairwise(there) if b > a + 1]
    count = sum(stop - start for start, stop in gaps)
    missing = itertools.chain.from_iterable(itertools.starmap(range, gaps))
    shown = listed(list(itertools.islice(missing, SHOWN)), count)
    raise SourceError(
        f"{what} lacks slices: {shown} in {names[0]} to {names[-1]}; restore "
        "them, or rename the files so that their numbers run without a gap"
    )


def _check_no_duplicates(names: Sequence[str], what: str) -> None:
    groups = defaultdict(list)
    for name in names:
        groups[tuple(_parts(_stem(name)))].append(name)
    doubled = [name for group in groups.values() if len(group) > 1 for name in group]
    if doubled:
        raise SourceError(
            f"{what} has more than one file for the same slice: {listed(doubled)}; "
            "keep one of each, or give a glob such as '*.png'"
        )


def _check_same_pattern(names: Sequence[str], what: str) -> None:
    groups = defaultdict(list)
    for name in names:
        groups[tuple(_parts(_stem(name))[::2])].append(name)
    if len(groups) < 2 or not any(_numbers(name) for name in names):
        return
    odd = min(groups.values(), key=len)
    raise SourceError(
        f"{what} has files whose names follow different patterns, such as {listed(odd)}; "
        "give a glob that selects one stack"
    )


def _parts(name: str) -> list[str | int]:
    """Split into text, number, text, ..., text."""
    split = re.split(r"([0-9]+)", name)
    return [int(part) if index % 2 else part for index, part in enumerate(split)]


def _numbers(name: str) -> list[int]:
    return [int(digits) for digits in re.findall(r"[0-9]+", _stem(name))]


def _stem(name: str) -> str:
    return name.rpartition(".")[0]
