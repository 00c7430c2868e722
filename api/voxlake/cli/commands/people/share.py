"""``voxlake share`` and ``voxlake unshare``: who may do what, and where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from cyclopts import Parameter

from voxlake.cli.commands.people.group import GroupName
from voxlake.cli.opened.lake import opened_catalog
from voxlake.cli.options import Answering, InLake, Place, in_utc
from voxlake.cli.shown.output import answer
from voxlake.cli.shown.people import shown_shares
from voxlake.documents.people.people import ShareList, share_document
from voxlake.platform.access import Role
from voxlake.platform.catalog.rights.shares import Share
from voxlake.platform.errors import InvalidInputError
from voxlake.platform.names import names_of


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Lasting:
    """How long a group may."""

    since: Annotated[
        datetime | None, Parameter(help="When it begins, in UTC; by default at once.")
    ] = None
    until: Annotated[
        datetime | None, Parameter(help="When it is over, in UTC; by default never.")
    ] = None


def share(
    place: Place,
    group: Annotated[
        str | None, Parameter(name="GROUP", help="Whom it is shared with; a user's name, too.")
    ] = None,
    role: Annotated[
        Literal["viewer", "annotator", "editor", "owner"] | None,
        Parameter(name="ROLE", help="viewer, annotator, editor or owner."),
    ] = None,
    /,
    *,
    lake: InLake = InLake(),
    answering: Answering = Answering(),
    lasting: Lasting = Lasting(),
) -> None:
    """Let a group do what a role may at a place and below it; or list what is shared there."""
    names = names_of(place)
    with opened_catalog(lake) as catalog:
        if group is not None:
            if role is None:
                raise InvalidInputError(
                    "no role was given; say viewer, annotator, editor or owner after the group"
                )
            starts_at, ends_at = in_utc(lasting.since), in_utc(lasting.until)
            catalog.shares.share(names, group, Role(role), starts_at=starts_at, ends_at=ends_at)
        shares = catalog.shares.list_shares(names)
    _answer(shares, answering)


def unshare(
    place: Place,
    group: GroupName,
    /,
    *,
    lake: InLake = InLake(),
    answering: Answering = Answering(),
) -> None:
    """Take back what a group was granted at a place; what it has from above stays."""
    names = names_of(place)
    with opened_catalog(lake) as catalog:
        catalog.shares.unshare(names, group)
        shares = catalog.shares.list_shares(names)
    _answer(shares, answering)


def _answer(shares: Sequence[Share], answering: Answering) -> None:
    document = ShareList(shares=tuple(map(share_document, shares)))
    answer(document, shown_shares(document.shares), json=answering.json)
