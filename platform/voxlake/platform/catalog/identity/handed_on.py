"""What somebody hands on by a token: never more than what they are known by is good for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlake.platform.catalog.identity.tokens import TokenTerms
from voxlake.platform.errors import ForbiddenError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from voxlake.platform.access import Permission, Principal
    from voxlake.platform.catalog.identity.tokens import Token


def handed_on(
    principal: Principal,
    permissions: Collection[Permission] | None,
    path: Sequence[int],
    ends_at: datetime | None,
) -> TokenTerms:
    """Return the terms of a token that somebody asks for; what they do not say is as their own.

    Parameters
    ----------
    principal
        Who asks.
    permissions
        What is to be used with it at most; None: all that may be.
    path
        The ids of the nodes from the lake down to the one that it is to be good for; empty: all.
    ends_at
        When it is to be over; None: as late as may be.

    Raises
    ------
    ForbiddenError
        If it would be good for more than what they are known by.
    """
    wanted = principal.permissions if permissions is None else frozenset(permissions)
    if more := wanted - principal.permissions:
        raise _too_much(f"not for {', '.join(sorted(more))}")
    if path and not principal.is_within(path):
        raise _too_much("for another place")
    end = principal.ends_at if ends_at is None else ends_at
    if not _ends_in_time(principal, end):
        raise _too_much(f"until {principal.ends_at:%Y-%m-%d %H:%M}")
    return TokenTerms(wanted, path[-1] if path else principal.within, end)


def is_own(principal: Principal, token: Token) -> bool:
    """Return whether a token is of whoever asks, and good for no more than what they ask by."""
    return (
        principal.user is not None
        and token.user == principal.name
        and token.terms.permissions <= principal.permissions
        and (principal.within is None or principal.within in token.path)
        and _ends_in_time(principal, token.terms.ends_at)
    )


def _ends_in_time(principal: Principal, ends_at: datetime | None) -> bool:
    last = principal.ends_at
    return last is None or (ends_at is not None and ends_at <= last)


def _too_much(what: str) -> ForbiddenError:
    return ForbiddenError(
        f"the credential that you asked with is good {what}, and a token cannot be good for more; "
        "ask with another, or for less"
    )
