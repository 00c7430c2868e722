"""Choose the format of a cutout. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter

from voxlake.api.formats.cutout import Cutout
from voxlake.api.formats.format import Format, Offer
from voxlake.platform.errors import NotAcceptableError


def negotiate(
    name: str | None, accept: str | None, formats: Sequence[Format], cutout: Cutout
) -> Format:
    """Return the format that the client likes best and that can hold the cutout; see `choose`."""
    # Most formats look long at what they would make, so those are asked that the client would take.
    for each in _preferred(name, accept, formats):
        if each.accepts(cutout):
            return each
    possible = [each for each in formats if each.accepts(cutout)]
    axes = " ".join(f"{n} {extent}" for n, extent in zip(cutout.names, cutout.shape, strict=True))
    raise _refusal(name, accept, possible, f"{cutout.dtype} voxels, {axes},")


def choose[T: Offer](name: str | None, accept: str | None, offers: Sequence[T], what: str) -> T:
    """Return the offer that the client likes best.

    A media range with the higher quality wins, among equals the more specific one, then the order
    of `offers` (RFC 9110 12.5.1). No preference at all gives the first.

    Parameters
    ----------
    name
        ``?format=``; it wins over the header.
    accept
        The ``Accept`` header.
    what
        What is offered, for the message of the error.

    Raises
    ------
    NotAcceptableError
        If none satisfies the preference; its message lists those that could be had.
    """
    preferred = _preferred(name, accept, offers)
    if not preferred:
        raise _refusal(name, accept, offers, what)
    return preferred[0]


def _preferred[T: Offer](name: str | None, accept: str | None, offers: Sequence[T]) -> list[T]:
    """Return the offers that satisfy the client, the one that it likes best first."""
    if name is not None:
        return [each for each in offers if each.name == name]
    weights = weights_of(accept if accept and accept.strip() else "*/*")
    ranked = [(rank(weights, each.media_type), each) for each in offers]
    ranked.sort(key=itemgetter(0), reverse=True)
    return [each for (quality, _), each in ranked if quality > 0]


def _refusal(
    name: str | None, accept: str | None, offers: Sequence[Offer], what: str
) -> NotAcceptableError:
    asked = f"Accept: {accept}" if name is None else f"format={name}"
    possible = ", ".join(f"{each.name} ({each.media_type})" for each in offers)
    return NotAcceptableError(f"no format for {what} satisfies {asked!r}; choose one of {possible}")


def rank(weights: Mapping[str, float], media_type: str) -> tuple[float, int]:
    """Return how weights of media ranges rank `media_type`: quality 0 to 1, then specificity.

    Examples
    --------
    >>> rank({"application/x-npy": 1.0, "*/*": 0.1}, "application/octet-stream")
    (0.1, 1)
    >>> rank({"application/x-npy": 1.0, "*/*": 1.0}, "application/x-npy")
    (1.0, 3)
    """
    kind = media_type.partition("/")[0]
    for specificity, name in ((3, media_type), (2, f"{kind}/*"), (1, "*/*")):
        if name in weights:
            return weights[name], specificity
    return 0.0, 0


def weights_of(header: str) -> dict[str, float]:
    """Return the weight, 0 to 1, of each name in an ``Accept...`` header, in lower case.

    Examples
    --------
    >>> weights_of("gzip;q=0.5, BR, zstd;q=much")
    {'gzip': 0.5, 'br': 1.0, 'zstd': 0.0}
    """
    return dict(map(_weighed, header.split(",")))


def _weighed(text: str) -> tuple[str, float]:
    """Split one item into its name and its weight; a bad one counts 0."""
    name, *parameters = (part.strip() for part in text.split(";"))
    weights = [each[2:] for each in parameters if each.lower().startswith("q=")]
    try:
        weight = float(weights[0]) if weights else 1.0
    except ValueError:
        weight = 0.0
    return name.lower(), weight if 0 <= weight <= 1 else 0.0
