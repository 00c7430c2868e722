"""Patterns of file names with numbers in them, such as ``tiles/{z}/r{y}_c{x}.png``."""

from __future__ import annotations

import itertools
import os
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from voxlake.ngff.axes import AXIS_TYPES
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
        found = [numbers for _, numbers in _walk(Path(), Path(self.text).expanduser().parts)]
        if not found:
            raise SourceError(f"tile grid {self.text}: no file has such a name; check the pattern")
        names = [name for name, _ in _FIELD.findall(self.text)]
        fields = list(zip(*found, strict=True))
        widths = tuple(
            max(_width(texts, name, self.text), own)
            for texts, name, own in zip(fields, names, self._own_widths(), strict=True)
        )
        columns = [np.array(fields[names.index(axis)]).astype(np.int64) for axis in self.axes]
        return TilePattern(self.text, widths), np.stack(columns, axis=1)

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


def _walk(folder: Path, parts: tuple[str, ...]) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """Yield the paths below `folder` that follow `parts`, and the text of each field in them."""
    fixed = next((n for n, part in enumerate(parts) if _FIELD.search(part)), None)
    if fixed is None:
        path = folder.joinpath(*parts)
        if not parts or path.exists():
            yield path, ()
        return
    folder, rest = folder.joinpath(*parts[:fixed]), parts[fixed + 1 :]
    for name, texts in _matching(folder, parts[fixed]):
        if not rest:
            yield folder, texts
            continue
        for path, deeper in _walk(folder / name, rest):
            if _agree(parts[fixed:], texts + deeper):
                yield path, texts + deeper


def _matching(folder: Path, part: str) -> list[tuple[str, tuple[str, ...]]]:
    literals = map(re.escape, _FIELD.sub("\0", part).split("\0"))
    digits = [rf"(\d{{{width or 1},}})" for _, width in _FIELD.findall(part)]
    expression = "".join(a + b for a, b in itertools.zip_longest(literals, digits, fillvalue=""))
    matches = re.compile(expression, re.ASCII).fullmatch
    try:
        names = os.listdir(folder)  # noqa: PTH208  (names, not paths: there may be millions)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise SourceError(f"folder {folder} cannot be listed ({error}); check it") from error
    found = [(name, match.groups()) for name in names if (match := matches(name))]
    return [(name, texts) for name, texts in found if _agree((part,), texts)]


def _agree(parts: tuple[str, ...], texts: tuple[str, ...]) -> bool:
    """Return whether a field that stands twice has one number."""
    names = [name for part in parts for name, _ in _FIELD.findall(part)]
    if len(set(names)) == len(names):
        return True
    numbers = defaultdict(set)
    for name, text in zip(names, texts, strict=True):
        numbers[name].add(int(text))
    return all(len(found) == 1 for found in numbers.values())


def _width(texts: tuple[str, ...], name: str, pattern: str) -> int:
    """Return how many digits the numbers of one field are padded to."""
    distinct = set(texts)
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
