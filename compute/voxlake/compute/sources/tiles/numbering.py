"""The order of slices by the numbers in their names, and the gaps in it. Pure."""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from typing import TYPE_CHECKING, NoReturn

from voxlake.compute.sources.listing import SHOWN, listed
from voxlake.platform.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_TO_DO = (
    "give a glob that selects one stack, rename the files so that one number counts the slices, or "
    "give a pattern that says what each number counts, such as 'z{z}_c{c}.png'"
)


def natural_key(name: str) -> tuple[tuple[str | int, ...], str]:
    """Return a key that sorts names by the numbers in them.

    Examples
    --------
    >>> sorted(["z10", "z9", "z1"], key=natural_key)
    ['z1', 'z9', 'z10']
    """
    return tuple(_parts(name)), name


def slice_order(names: Sequence[str]) -> list[int]:
    """Return the places of `names` in the order of the slices.

    That is the order of the number that counts them, where one does (see `check_numbering`), else
    the natural one.

    Examples
    --------
    >>> slice_order(["scan7_z2.png", "scan8_z1.png", "scan3_z3.png"])
    [1, 0, 2]
    """
    if len({len(_numbers(name)) for name in names}) == 1:
        counting = [column for column in _columns(names) if _counts(column)]
        if counting:
            return _order(counting[0])
    return sorted(range(len(names)), key=lambda place: natural_key(names[place]))


def stray_slices(slices: Sequence[str], names: Iterable[str]) -> list[str]:
    """Return those of `names` that are called as slices are, and belong to none of `slices`.

    Those begin like a slice up to its first number, and have another number there than all slices
    that they could be a companion of.

    Examples
    --------
    >>> stray_slices(["s1.png", "s2.png"], ["s1.xml", "s2_meta.txt", "s3.png.part", "stage.log"])
    ['s3.png.part']
    """
    stems = {_stem(name) for name in slices}
    begun = {_parts(stem)[0] for stem in stems if _numbers(f"{stem}.")}

    def is_companion(name: str) -> bool:
        return any(name[:n] in stems for n in range(len(name)) if not name[n].isdecimal())

    alike = (name for name in names if len(_parts(name)) > 1 and _parts(name)[0] in begun)
    return sorted(name for name in alike if not is_companion(name))


def check_numbering(names: Sequence[str], what: str) -> None:
    """Raise unless a number in the file `names` counts slices without a gap.

    What follows the last dot does not matter. Names may hold several numbers. One counts the slices
    if it is another in each name and leaves none out; the others may be numbers that slices have
    for another reason: increasing with it, or another in each name and with uneven gaps. Names
    without any number are in order by themselves.

    Raises
    ------
    SourceError
        If numbers are missing, occur twice or may be below 0, none counts or more than one does,
        or the names follow different patterns.

    Examples
    --------
    >>> check_numbering(["s8.png", "s9.png", "s10.png"], "em")
    >>> check_numbering(["s1.png", "s3.png"], "em")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    voxlake.platform.errors.SourceError: em lacks slices: 2 in s1.png to s3.png; restore them...
    """
    _check_same_pattern(names, what)
    _check_no_duplicates(names, what)
    columns = _columns(names)
    varying = [column for column in columns if len(set(column)) > 1]
    signs = zip(_signs(names[0]), columns, strict=True)  # alike in all names by now
    if any(is_signed and column in varying for is_signed, column in signs):
        raise SourceError(
            f"{what} has names with numbers that may be below 0, such as {names[0]}; {_TO_DO}"
        )
    distinct = [column for column in varying if len(set(column)) == len(column)]
    counting = [column for column in distinct if _counts(column)]
    if not varying:
        return
    if not distinct:
        raise SourceError(
            f"{what} has names in which no single number counts the slices, such as "
            f"{names[0]} and {names[-1]}; {_TO_DO}"
        )
    if not counting:
        _raise_gap(_tightest(distinct), names, what)
    others = [
        column
        for column in varying
        if column in counting or column not in distinct or _is_even(column)
    ]
    _check_agreement(counting[0], others, names, what)


def missing_slices(names: Sequence[str], most: int) -> tuple[tuple[int, ...], int]:
    """Return the numbers that slices lack, the first so many, and how many there are.

    They are those that `check_numbering` refuses a stack for.

    Examples
    --------
    >>> missing_slices(["s1.png", "s4.png", "s5.png"], 1), missing_slices(["a.png"], 1)
    (((2,), 2), ((), 0))
    """
    if len({len(_numbers(name)) for name in names}) != 1:
        return (), 0
    distinct = [column for column in _columns(names) if len(set(column)) == len(column) > 1]
    if not distinct or any(map(_counts, distinct)):
        return (), 0
    gaps = _gaps(_tightest(distinct))
    missing = itertools.chain.from_iterable(gaps)
    return tuple(itertools.islice(missing, most)), sum(map(len, gaps))


def _check_agreement(
    counting: list[int], others: list[list[int]], names: Sequence[str], what: str
) -> None:
    """Raise SourceError if one of the other numbers falls where the one that counts rises."""
    for before, after in itertools.pairwise(_order(counting)):
        if any(column[before] > column[after] for column in others):
            raise SourceError(
                f"{what} has names with two numbers that disagree on the order of the slices, "
                f"such as {names[before]} and {names[after]}; {_TO_DO}"
            )


def _counts(column: list[int]) -> bool:
    """Return whether numbers are all different, and none between them is left out."""
    return len(set(column)) == len(column) == max(column) - min(column) + 1 > 1


def _is_even(column: list[int]) -> bool:
    """Return whether numbers are equally far apart, as the places of slices are.

    Three of them may be so by chance.
    """
    steps = {after - before for before, after in itertools.pairwise(sorted(column))}
    return len(column) > 3 and len(steps) == 1


def _order(column: list[int]) -> list[int]:
    return sorted(range(len(column)), key=column.__getitem__)


def _columns(names: Sequence[str]) -> list[list[int]]:
    """Return each number of the names, in the order in which they stand there, over all names."""
    return [list(column) for column in zip(*map(_numbers, names), strict=True)]


def _tightest(columns: list[list[int]]) -> list[int]:
    """Return the numbers that leave out the fewest between them."""
    return min(columns, key=lambda column: max(column) - min(column))


def _gaps(numbers: list[int]) -> list[range]:
    return [range(a + 1, b) for a, b in itertools.pairwise(sorted(numbers)) if b > a + 1]


def _raise_gap(numbers: list[int], names: Sequence[str], what: str) -> NoReturn:
    gaps = _gaps(numbers)
    missing = itertools.chain.from_iterable(gaps)
    shown = listed(list(itertools.islice(missing, SHOWN)), sum(map(len, gaps)))
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
    split = re.split(r"(\d+)", name)
    return [int(part) if index % 2 else part for index, part in enumerate(split)]


def _numbers(name: str) -> list[int]:
    return [int(digits) for digits in re.findall(r"\d+", _stem(name))]


def _signs(name: str) -> list[bool]:
    """Return of each number whether a minus may stand before it, and no hyphen between words."""
    stem = _stem(name)
    return [
        re.search(r"(^|[\W_])-$", stem[: digits.start()]) is not None
        for digits in re.finditer(r"\d+", stem)
    ]


def _stem(name: str) -> str:
    return name.rpartition(".")[0]
