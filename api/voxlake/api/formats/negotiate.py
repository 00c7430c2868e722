"""Choose the format of a cutout. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from voxlake.api.formats.format import Format
from voxlake.platform.errors import NotAcceptableError


@dataclass(frozen=True, slots=True)
class Preference:
    """What a client says about formats."""

    name: str | None = None
    """``?format=``; it wins over the header."""
    accept: str | None = None
    """The ``Accept`` header."""


class Offer(Protocol):
    """One way to answer."""

    @property
    def name(self) -> str:
        """Value of ``?format=``."""
        ...

    @property
    def media_type(self) -> str:
        """Value of ``Accept``."""
        ...


def negotiate(
    preference: Preference, formats: Sequence[Format], dtype: np.dtype[Any], ndim: int
) -> Format:
    """Return the format that the client likes best and that can hold the voxels.

    A media range with the higher quality wins, among equals the more specific one, then the order
    of `formats` (RFC 9110 12.5.1). No preference at all gives the first format.

    Raises
    ------
    NotAcceptableError
        If no format satisfies the preference; its message lists those that could be had.
    """
    possible = [each for each in formats if each.accepts(dtype, ndim)]
    return choose(preference, possible, f"{ndim}-D {dtype} voxels")


def choose[T: Offer](preference: Preference, offers: Sequence[T], what: str) -> T:
    """Return the offer that the client likes best, as `negotiate` does.

    Parameters
    ----------
    what
        What is offered, for the message of the error.

    Raises
    ------
    NotAcceptableError
        If none satisfies the preference; its message lists those that could be had.
    """
    if preference.name is not None:
        chosen = [each for each in offers if each.name == preference.name]
    else:
        ranks = [rank(preference.accept, each.media_type) for each in offers]
        best = max(ranks, default=(0.0, 0))
        chosen = [
            each for each, own in zip(offers, ranks, strict=True) if own == best and best[0] > 0
        ]
    if not chosen:
        raise NotAcceptableError(_refusal(preference, offers, what))
    return chosen[0]


def rank(accept: str | None, media_type: str) -> tuple[float, int]:
    """Return how an ``Accept`` header ranks `media_type`: quality 0 to 1, then specificity.

    Examples
    --------
    >>> rank("application/x-npy, */*;q=0.1", "application/octet-stream")
    (0.1, 1)
    >>> rank("application/x-npy, */*", "application/x-npy")
    (1.0, 3)
    >>> rank(None, "application/octet-stream")
    (1.0, 0)
    """
    if accept is None or not accept.strip():
        return 1.0, 0
    kind = media_type.partition("/")[0]
    specificity = {media_type: 3, f"{kind}/*": 2, "*/*": 1}
    ranges = dict(map(_parse_range, accept.split(",")))
    fitting = [(specificity[name], q) for name, q in ranges.items() if name in specificity]
    most_specific, q = max(fitting, default=(0, 0.0))
    return q, most_specific


def _parse_range(text: str) -> tuple[str, float]:
    """Split one media range into its lower-case name and its quality; a bad weight counts 0."""
    name, *parameters = (part.strip() for part in text.split(";"))
    weights = [each[2:] for each in parameters if each.lower().startswith("q=")]
    try:
        weight = float(weights[0]) if weights else 1.0
    except ValueError:
        weight = 0.0
    return name.lower(), weight if 0 <= weight <= 1 else 0.0


def _refusal(preference: Preference, possible: Sequence[Offer], what: str) -> str:
    by_name = preference.name is not None
    asked = f"format={preference.name}" if by_name else f"Accept: {preference.accept}"
    offers = ", ".join(f"{each.name} ({each.media_type})" for each in possible)
    return f"no format for {what} satisfies {asked!r}; choose one of {offers}"
