"""How the channels of an image are called and shown: ``omero`` of OME-Zarr, alike in 0.1 to 0.6.

https://ngff.openmicroscopy.org/0.5/index.html#omero-md. It is no part of what places voxels, and
often wrong: what cannot be used is left out, and named as a fault.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LONGEST = 100
"""Letters of a label that are kept: it becomes the name of a layer."""
_WHITE = "FFFFFF"
_ENDS = ("start", "end", "min", "max")


@dataclass(frozen=True, slots=True)
class Window:
    """Values of voxels, in their own unit."""

    start: float
    """Drawn as black."""
    end: float
    """Drawn in the full colour."""
    min: float
    """The least and the most that `start` and `end` may be set to."""
    max: float


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel, as far as somebody described it."""

    label: str = ""
    color: str | None = None
    """Six hexadecimal digits in capitals: red, green, blue."""
    window: Window | None = None
    active: bool = True
    """Whether it is shown at first."""


@dataclass(frozen=True, slots=True)
class Channels:
    """What somebody says of all channels of an image."""

    described: tuple[Channel, ...] = ()
    """In their order; empty: nothing."""
    faults: tuple[str, ...] = ()
    """What of it cannot be used, in words."""

    def fitting(self, count: int) -> Channels:
        """Return it for an image of `count` channels: nothing, if others are described.

        Examples
        --------
        >>> Channels((Channel("DAPI"),)).fitting(2).faults
        ('1 channel is described, and there are 2',)
        """
        if len(self.described) in {0, count}:
            return self
        said = f"{len(self.described)} channel{'s are' if len(self.described) > 1 else ' is'}"
        return Channels((), (*self.faults, f"{said} described, and there are {count}"))


NOTHING_SAID = Channels()
"""Of an input that does not describe its channels."""


def read_channels(ome: Mapping[str, Any]) -> Channels:
    """Return what the OME-Zarr metadata of a group say of channels; never an error.

    Examples
    --------
    >>> window = {"start": 0, "end": 99, "min": 0, "max": 255}
    >>> read_channels({"omero": {"channels": [{"label": "GFP", "color": "00ff00"}]}}).described
    (Channel(label='GFP', color='00FF00', window=None, active=True),)
    >>> read_channels({"omero": {"channels": [{"window": window | {"end": "99"}}]}}).faults
    ("the window of channel 0 is {'start': 0, 'end': '99', 'min': 0, 'max': 255}",)
    """
    omero = ome.get("omero")
    if omero is None:
        return NOTHING_SAID
    listed = omero.get("channels") if isinstance(omero, dict) else None
    if not isinstance(listed, list):
        return Channels((), ("omero has no list of channels",))
    faults: list[str] = []
    described = tuple(_channel(each, number, faults) for number, each in enumerate(listed))
    if all(channel in {Channel(), Channel(active=False)} for channel in described):
        return Channels((), tuple(faults))
    if _is_grey(omero):
        described = tuple(replace(each, color=_WHITE) for each in described)
    return Channels(described, tuple(faults))


def color_of(said: object) -> str | None:
    """Return a colour in the form of `Channel.color`; None if `said` is none.

    Examples
    --------
    >>> color_of("ff00Ff"), color_of("red"), color_of(255)
    ('FF00FF', None, None)
    """
    if isinstance(said, str) and re.fullmatch("[0-9a-fA-F]{6}", said):
        return said.upper()
    return None


def label_of(said: object) -> str:
    r"""Return the label of a channel, of one line that can be printed; empty if `said` is none.

    Examples
    --------
    >>> label_of(" DAPI\n(405 nm)"), label_of(7)
    ('DAPI (405 nm)', '')
    """
    if not isinstance(said, str):
        return ""
    return " ".join("".join(c if c.isprintable() else " " for c in said).split())[:_LONGEST]


def window_of(
    start: object, end: object, least: object = None, most: object = None
) -> Window | None:
    """Return the window of those numbers; None if they make none.

    Where nothing bounds it (None), its ends do.

    Examples
    --------
    >>> window_of(10, 20, 0, 255)
    Window(start=10.0, end=20.0, min=0.0, max=255.0)
    >>> window_of(20, 10, 0, 255), window_of(float("nan"), 1, 0, 1), window_of("0", 1, 0, 1)
    (None, None, None)
    """
    bounds = (start if least is None else least, end if most is None else most)
    numbers = [_number(each) for each in (start, end, *bounds)]
    if any(number is None for number in numbers):
        return None
    low, high, lowest, highest = (number or 0.0 for number in numbers)
    return Window(low, high, lowest, highest) if low < high and lowest < highest else None


def _channel(said: object, number: int, faults: list[str]) -> Channel:
    """Return a channel of a list, and add what cannot be used of it to `faults`."""
    if not isinstance(said, dict):
        faults.append(f"channel {number} is {_shown(said)}")
        return Channel()
    window = said.get("window")
    bounds = [window.get(key) for key in _ENDS] if isinstance(window, dict) else [None] * len(_ENDS)
    found = Channel(
        label_of(said.get("label")),
        color_of(said.get("color")),
        window_of(*bounds),
        active=said.get("active") is not False,
    )
    faults.extend(_faults(said, found, number))
    return found


def _faults(said: dict[str, Any], found: Channel, number: int) -> Iterator[str]:
    used = {
        "label": isinstance(said.get("label"), str),
        "color": found.color is not None,
        "window": found.window is not None,
    }
    for key, is_used in used.items():
        if said.get(key) is not None and not is_used:
            yield f"the {key} of channel {number} is {_shown(said[key])}"


def _is_grey(omero: dict[str, Any]) -> bool:
    """Return whether channels are drawn in grey, whatever their colours are."""
    rdefs = omero.get("rdefs")
    return isinstance(rdefs, dict) and rdefs.get("model") == "greyscale"


def _number(said: object) -> float | None:
    if isinstance(said, bool) or not isinstance(said, int | float):
        return None
    try:
        number = float(said)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
