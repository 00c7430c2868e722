"""What an issuer says of somebody, wherever it puts it: from claims to a profile."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from voxlake.platform.catalog.identity.person import Profile

type Claims = Mapping[str, Any]
"""Of JSON, so its values are of any kind."""


@dataclass(frozen=True, slots=True)
class ClaimPlaces:
    """Where an issuer puts what is known of people. Dots in the name of a claim lead inside."""

    name: str = "preferred_username"
    groups: Sequence[str] = ("groups", "roles", "realm_access.roles")
    administrators: frozenset[str] = frozenset()
    """Groups that make who has them administrators."""


def profile_of(places: ClaimPlaces, *documents: Claims) -> Profile:
    """Return what an issuer says of somebody.

    Parameters
    ----------
    places
        Where it puts what.
    documents
        Claims about one person that were checked: of a token, or of several and of what the issuer
        answers at its page about users. The first has ``iss`` and ``sub``. Groups of all of them
        count; of all else, what the first says that says it.

    Examples
    --------
    >>> claims = {"iss": "https://id", "sub": "7", "name": "Ada L.", "realm_access": {"roles": "x"}}
    >>> profile = profile_of(ClaimPlaces(), claims)
    >>> profile.name, profile.full_name, profile.groups
    ('Ada-L', 'Ada L.', frozenset({'x'}))
    """
    groups = frozenset(
        group for place in places.groups for each in documents for group in _texts_at(each, place)
    )
    subject = str(documents[0]["sub"])
    names = (places.name, "preferred_username", "name", "email")
    return Profile(
        issuer=str(documents[0]["iss"]),
        subject=subject,
        name=name_from(next(filter(None, (_line(documents, name) for name in names)), subject)),
        full_name=_line(documents, "name"),
        email=_line(documents, "email"),
        groups=groups,
        is_administrator=not groups.isdisjoint(places.administrators),
    )


def name_from(text: str) -> str:
    """Return the name that is most like a text: of what names are made of, and not too long.

    Examples
    --------
    >>> name_from("zoë@example.org"), name_from("__"), name_from("李")
    ('zoe-example-org', 'user', 'user')
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9_-]+", "-", plain).strip("-_")[:255] or "user"


def _line(documents: Sequence[Claims], place: str) -> str:
    """Return the first text that is said there, as one line that is not too long."""
    said = (value for each in documents for value in _values_at(each, place))
    first = next((text for text in said if isinstance(text, str) and text.strip()), "")
    return "".join(filter(str.isprintable, first)).strip()[:255]


def _texts_at(claims: Claims, place: str) -> Iterator[str]:
    """Yield the values there: of a list, or the words of a text."""
    for value in _values_at(claims, place):
        values = value.split() if isinstance(value, str) else value
        if isinstance(values, list):
            # What cannot be printed names no group, and PostgreSQL takes no NUL.
            yield from (text for text in values if isinstance(text, str) and text.isprintable())


def _values_at(claims: Claims, place: str) -> Iterator[object]:
    """Yield what a place leads to: names of claims may have dots themselves, as URLs do."""
    if place in claims:
        yield claims[place]
    for dot in re.finditer(r"\.", place):
        inside = claims.get(place[: dot.start()])
        if isinstance(inside, dict):
            yield from _values_at(inside, place[dot.end() :])
