"""``voxlake session``: the browsers in which people are signed in."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from voxlake.cli.opened.lake import opened_catalog
from voxlake.cli.options import Answering, InLake, Whole
from voxlake.cli.shown.output import answer
from voxlake.cli.shown.people import shown_sessions
from voxlake.documents.people.people import SessionList, session_document
from voxlake.platform.catalog import Catalog

session = App(
    name="session",
    help="Sessions: list the browsers in which people are signed in, end one.",
)


@session.default
@session.command(name="ls")
def ls(
    user: Annotated[str | None, Parameter(name="USER", help="List only theirs.")] = None,
    /,
    *,
    lake: InLake = InLake(),
    answering: Answering = Answering(),
) -> None:
    """List the sessions of a lake's users, or of one."""
    with opened_catalog(lake) as catalog:
        if user is not None:
            catalog.people.get_user(user)
        _answer(catalog, user, answering)


@session.command
def end(
    number: Annotated[Whole, Parameter(name="SESSION", help="Its number.")],
    /,
    *,
    lake: InLake = InLake(),
    answering: Answering = Answering(),
) -> None:
    """Sign a user out of one browser, and list the sessions that are left."""
    with opened_catalog(lake) as catalog:
        catalog.sessions.end(number)
        _answer(catalog, None, answering)


def _answer(catalog: Catalog, user: str | None, answering: Answering) -> None:
    sessions = catalog.sessions.list_sessions(user)
    document = SessionList(sessions=tuple(map(session_document, sessions)))
    answer(document, shown_sessions(document.sessions), json=answering.json)
