"""Patterns of file names with numbers in them, such as ``tiles/{z}/r{y}_c{x}.png``."""

from __future__ import annotations

import itertools
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from voxlake.ngff.grid.axes import AXIS_TYPES
from voxlake.platform.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_FIELD = re.compile(r"\{(\w+)(?::0?(\d+)d?)?\}")
"""``{z}`` or, of at least four digits, ``{z:04}``."""


@dataclass(frozen=True, slots=True)
class TilePattern:
    """The path of a tile as a function of its numbers."""

    text: str
    widths: tuple[int, ...] = ()
    """Digits of each field of `text`, in order: shorter numbers are padded with zeros.

    Without them, each field takes as many as it says itself.
    """

    @property
    def axes(self) -> tuple[str, ...]:
        """What the fields count, in the order of voxlake's axes, each once."""
        named = {name for name, _ in _FIELD.findall(self.text)}
        return tuple(axis for axis in AXIS_TYPES if axis in named)

    def path(self, numbers: Mapping[str, int]) -> Path:
        """Return the path of the tile with those numbers.

        Examples
        --------
        >>> TilePattern("{z}/r{y:02}_c{x}.png").path({"z": 7, "y": 1, "x": 0}).as_posix()
        '7/r01_c0.png'
        """
        widths = iter(self.widths or self._own_widths())
        return Path(_FIELD.sub(lambda field: f"{numbers[field[1]]:0{next(widths)}}", self.text))

    def listed(self) -> tuple[TilePattern, np.ndarray]:
        """List the files that there are.

        Only folders are listed, and only those that the pattern leads into: no file is looked at.

        Returns
        -------
        pattern, numbers
            The pattern with the widths that the names have; and the numbers of each tile, along
            `axes`: (tile, axis), int64, in no order.

        Raises
        ------
        SourceError
            If there is none, or one field is written both with and without leading zeros.
        """
        names = [name for name, _ in _FIELD.findall(self.text)]
        texts: list[set[str]] = [set() for _ in names]
        numbers = [np.empty((0, len(self.axes)), np.int64)]
        for columns in _folders(Path(), Path(self.text).expanduser().parts):
            counted, kept = _numbers(columns, [names.index(name) for name in names])
            numbers.append(counted[kept][:, [names.index(axis) for axis in self.axes]])
            for seen, column in zip(texts, columns, strict=True):
                seen.update(itertools.compress(column, kept))
        if not any(map(len, numbers)):
            raise SourceError(f"tile grid {self.text}: no file has such a name; check the pattern")
        fields = zip(texts, names, self._own_widths(), strict=True)
        widths = tuple(max(_width(seen, name, self.text), own) for seen, name, own in fields)
        return TilePattern(self.text, widths), np.concatenate(numbers)

    def _own_widths(self) -> tuple[int, ...]:
        return tuple(int(width or 1) for _, width in _FIELD.findall(self.text))


def parse_pattern(text: str) -> TilePattern | None:
    """Return `text` as a pattern; None if there is no field in it.

    Raises
    ------
    SourceError
        If a field is not one of t, c, z, y and x.

    Examples
    --------
    >>> parse_pattern("s{z:04}_{y}-{x}.tif").axes
    ('z', 'y', 'x')
    """
    names = [name for name, _ in _FIELD.findall(text)]
    if not names:
        return None
    unknown = [name for name in names if name not in AXIS_TYPES]
    if unknown:
        raise SourceError(
            f"tile grid {text} has the field {{{unknown[0]}}}; the fields are {{x}} and {{y}} for "
            "the column and row of a tile, {z} for its slice, {c} and {t}"
        )
    return TilePattern(text)


type _Columns = list[tuple[str, ...]]
"""The text of each field in the names of some files: a tuple a field, with an item a file."""


def _folders(
    folder: Path, parts: tuple[str, ...], above: tuple[str, ...] = ()
) -> Iterator[_Columns]:
    """Yield what is in each folder below `folder` that `parts` lead into.

    Parameters
    ----------
    folder, parts
        What is left of the pattern, from `folder` on.
    above
        The text of the fields in the names of the folders above.
    """
    at = next(n for n, part in enumerate(parts) if _FIELD.search(part))
    folder, part, rest = folder.joinpath(*parts[:at]), parts[at], parts[at + 1 :]
    matches = _matching(folder, part)
    if any(map(_FIELD.search, rest)):
        for name, texts in matches:
            yield from _folders(folder / name, rest, above + texts)
        return
    here = [texts for name, texts in matches if not rest or folder.joinpath(name, *rest).exists()]
    if here:
        yield [(text,) * len(here) for text in above] + list(zip(*here, strict=True))


def _numbers(columns: _Columns, firsts: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers of files: (file, field); and of which a field that stands twice has one.

    `firsts` are the places, among the fields, of the first of the same name.
    """
    numbers = np.array([[int(text) for text in column] for column in columns], np.int64).T
    kept: np.ndarray = (numbers == numbers[:, firsts]).all(axis=1)
    return numbers, kept


def _matching(folder: Path, part: str) -> list[tuple[str, tuple[str, ...]]]:
    literals = map(re.escape, _FIELD.sub("\0", part).split("\0"))
    digits = [rf"(\d{{{width or 1},18}})" for _, width in _FIELD.findall(part)]
    expression = "".join(a + b for a, b in itertools.zip_longest(literals, digits, fillvalue=""))
    matches = re.compile(expression, re.ASCII).fullmatch
    try:
        names = os.listdir(folder)  # noqa: PTH208  (names, not paths: there may be millions)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise SourceError(f"folder {folder} cannot be listed ({error}); check it") from error
    return [(name, match.groups()) for name in names if (match := matches(name))]


def _width(distinct: set[str], name: str, pattern: str) -> int:
    """Return how many digits the numbers of one field are padded to."""
    padded = {len(text) for text in distinct if text.startswith("0") and len(text) > 1}
    width = max(padded, default=1)
    if len(padded) > 1 or any(len(text) < width for text in distinct):
        short = min(distinct, key=lambda text: (len(text), text))
        long = next(text for text in distinct if text.startswith("0") and len(text) == width)
        raise SourceError(
            f"tile grid {pattern} has both {short} and {long} for {{{name}}}; "
            "write all numbers with the same digits, or give a pattern that selects one grid"
        )
    return width
