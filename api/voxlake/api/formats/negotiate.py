"""Choose the format of a cutout. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from voxlake.api.formats.cutout import Cutout
from voxlake.api.formats.format import Format, Offer
from voxlake.platform.errors import NotAcceptableError


def negotiate(
    name: str | None, accept: str | None, formats: Sequence[Format], cutout: Cutout
) -> Format:
    """Return the format that the client likes best and that can hold the cutout; see `choose`."""
    possible = [each for each in formats if each.accepts(cutout)]
    axes = " ".join(f"{n} {extent}" for n, extent in zip(cutout.names, cutout.shape, strict=True))
    return choose(name, accept, possible, f"{cutout.dtype} voxels, {axes},")


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
    if name is not None:
        chosen = [each for each in offers if each.name == name]
    else:
        ranks = [rank(accept, each.media_type) for each in offers]
        best = max(ranks, default=(0.0, 0))
        chosen = [
            each for each, own in zip(offers, ranks, strict=True) if own == best and best[0] > 0
        ]
    if not chosen:
        asked = f"Accept: {accept}" if name is None else f"format={name}"
        possible = ", ".join(f"{each.name} ({each.media_type})" for each in offers)
        raise NotAcceptableError(
            f"no format for {what} satisfies {asked!r}; choose one of {possible}"
        )
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
    weights = weights_of(accept)
    fitting = [(specificity[name], q) for name, q in weights.items() if name in specificity]
    most_specific, q = max(fitting, default=(0, 0.0))
    return q, most_specific


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
