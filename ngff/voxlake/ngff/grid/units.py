"""Units of length and time: the names that NGFF has for them, what others write, what they are.

NGFF 0.5, "axes" metadata, lists the names. Values are decimals, so that 0.04 um is 40 nm, exactly.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from voxlake.platform.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Mapping

_PREFIXES = {
    "yotta": ("Y", 24), "zetta": ("Z", 21), "exa": ("E", 18), "peta": ("P", 15), "tera": ("T", 12),
    "giga": ("G", 9), "mega": ("M", 6), "kilo": ("k", 3), "hecto": ("h", 2), "": ("", 0),
    "deci": ("d", -1), "centi": ("c", -2), "milli": ("m", -3), "micro": ("u", -6),
    "nano": ("n", -9), "pico": ("p", -12), "femto": ("f", -15), "atto": ("a", -18),
    "zepto": ("z", -21), "yocto": ("y", -24),
}  # fmt: skip

METRES = {f"{prefix}meter": Decimal(1).scaleb(power) for prefix, (_, power) in _PREFIXES.items()}
METRES |= {
    "angstrom": Decimal("1e-10"),
    "inch": Decimal("0.0254"),
    "foot": Decimal("0.3048"),
    "yard": Decimal("0.9144"),
    "mile": Decimal("1609.344"),
    "parsec": Decimal(30856775814913673),
}
"""Units of length by their NGFF names, in metres."""

SECONDS = {f"{prefix}second": Decimal(1).scaleb(power) for prefix, (_, power) in _PREFIXES.items()}
SECONDS |= {"minute": Decimal(60), "hour": Decimal(3600), "day": Decimal(86400)}
"""Units of time by their NGFF names, in seconds."""

USUAL = ("angstrom", "nanometer", "micrometer", "millimeter", "centimeter", "meter")
"""Units of length, the finest first, that readers of all sorts know: what is ingested has one."""

_LENGTH_SYMBOLS = {f"{symbol}m": f"{prefix}meter" for prefix, (symbol, _) in _PREFIXES.items()}
_LENGTH_SYMBOLS |= {
    "Å": "angstrom", "A": "angstrom", "ang": "angstrom", "micron": "micrometer",
    "microns": "micrometer", "in": "inch", "inches": "inch", "ft": "foot", "feet": "foot",
    "yd": "yard", "mi": "mile", "pc": "parsec",
}  # fmt: skip
_TIME_SYMBOLS = {f"{symbol}s": f"{prefix}second" for prefix, (symbol, _) in _PREFIXES.items()}
_TIME_SYMBOLS |= {
    "sec": "second", "secs": "second", "msec": "millisecond", "usec": "microsecond",
    "nsec": "nanosecond", "min": "minute", "mins": "minute", "h": "hour", "hr": "hour", "d": "day",
}  # fmt: skip
_MICRO = str.maketrans({"\u00b5": "u", "\u03bc": "u", "\u212b": "Å"})
"""Two signs for micro, and the sign for angstrom that is no letter."""


def length_unit(text: str) -> str:
    """Return the NGFF name of a unit of length given by name or symbol.

    Raises
    ------
    InvalidInputError
        If it is none.

    Examples
    --------
    >>> length_unit("nm"), length_unit("micrometres"), length_unit("Mm"), length_unit("MM")
    ('nanometer', 'micrometer', 'megameter', 'millimeter')
    """
    name = _named(text, METRES, _LENGTH_SYMBOLS)
    if name is None:
        known = ", ".join([*USUAL, "nm", "um", "mm"])
        raise InvalidInputError(f"unit {text!r} is not a known unit of length; use one of {known}")
    return name


def time_unit(text: str) -> str | None:
    """Return the NGFF name of a unit of time given by name or symbol; None if it is none.

    Examples
    --------
    >>> time_unit("sec"), time_unit("ms"), time_unit("frames")
    ('second', 'millisecond', None)
    """
    return _named(text, SECONDS, _TIME_SYMBOLS)


def is_length(text: str) -> bool:
    """Return whether `length_unit` knows the unit."""
    return _named(text, METRES, _LENGTH_SYMBOLS) is not None


def converted(value: Decimal, unit: str, wanted: str) -> Decimal:
    """Return a length in the unit `wanted`; both units are NGFF names.

    Examples
    --------
    >>> converted(Decimal("0.04"), "micrometer", "nanometer")
    Decimal('40')
    """
    return plain(value * METRES[unit] / METRES[wanted])


def exact(value: object) -> Decimal:
    """Return the decimal that a number, or its text, is written as.

    A float of 32 bits is the shortest decimal that it is nearest to, not that float's 52 bits.

    Raises
    ------
    decimal.InvalidOperation
        If it is no number.

    Examples
    --------
    >>> import numpy as np
    >>> exact(np.float32(0.008)), exact(0.1)
    (Decimal('0.008'), Decimal('0.1'))
    """
    return Decimal(str(value).strip())


def plain(value: Decimal) -> Decimal:
    """Return `value` without an exponent, and without zeros at the end of its digits."""
    return value.quantize(Decimal(1)) if value == value.to_integral_value() else value.normalize()


def usual_unit(units: tuple[str, ...]) -> str:
    """Return the one of `USUAL` for lengths in `units`: the finest, or the next one finer.

    Examples
    --------
    >>> usual_unit(("micrometer", "nanometer")), usual_unit(("inch",)), usual_unit(("picometer",))
    ('nanometer', 'centimeter', 'angstrom')
    """
    finest = min(METRES[unit] for unit in units)
    return next((unit for unit in reversed(USUAL) if METRES[unit] <= finest), USUAL[0])


def symbol_of(unit: str) -> str:
    """Return the symbol of a unit of length or time; its name if it has none.

    Examples
    --------
    >>> symbol_of("nanometer"), symbol_of("angstrom"), symbol_of("millisecond"), symbol_of("day")
    ('nm', 'Å', 'ms', 'd')
    """
    both = _LENGTH_SYMBOLS | _TIME_SYMBOLS
    return next((symbol for symbol, name in both.items() if name == unit), unit)


def _named(text: str, names: Mapping[str, Decimal], symbols: Mapping[str, str]) -> str | None:
    """Return a name of a unit: by its symbol as it is written, else in lower case."""
    word = text.strip().translate(_MICRO)
    if word in symbols:
        return symbols[word]
    word = word.lower().replace("metre", "meter")
    lowered = {symbol.lower(): name for symbol, name in symbols.items() if symbol.lower() != symbol}
    for known in (word, word.removesuffix("s")):
        if known in names:
            return known
    return symbols.get(word) or lowered.get(word)
