"""``voxlake link``: what lets whoever holds it read one dataset without signing in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from voxlake.cli.lake import opened_catalog
from voxlake.cli.options import Answering, InLake, Name, Whole, in_utc, read_settings
from voxlake.cli.shown.output import answer
from voxlake.cli.shown.people import shown_links, shown_new_link
from voxlake.documents.links import LinkList, link_document, new_link_document
from voxlake.platform.catalog.links import USUAL, LinkTerms
from voxlake.platform.database import now
from voxlake.platform.names import DatasetName

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxlake.platform.catalog.links import Link

link = App(name="link", help="Links that let others read a dataset: make, list or revoke one.")


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Good:
    """What a link is good for."""

    until: Annotated[
        datetime | None, Parameter(help="When it is over, in UTC; by default in 30 days.")
    ] = None
    note: Annotated[str, Parameter(help="What you know it by.")] = ""
    user: Annotated[
        str | None,
        Parameter(help="Whose rights it carries; by default those of the lake's owner."),
    ] = None


@link.default
@link.command
def make(
    name: Name,
    /,
    *,
    lake: InLake = InLake(),
    answering: Answering = Answering(),
    good: Good = Good(),
    gateway: Annotated[
        str, Parameter(help="Where the gateway is.", env_var="GATEWAY")
    ] = "http://127.0.0.1:8080",
) -> None:
    """Make a link to a dataset. Whoever has its address can read it; it is shown once."""
    # What signs takes a while to load, and only this needs it.
    from voxlake.platform.link_keys import LinkKeys

    keys = LinkKeys.of(read_settings())
    terms = LinkTerms(in_utc(good.until) or now() + USUAL, note=good.note)
    with opened_catalog(lake) as catalog:
        made = catalog.links.make(DatasetName.parse(name), good.user, terms)
    document = new_link_document(made, name, gateway, keys.sign(made.serial, terms.ends_at))
    answer(document, shown_new_link(document), json=answering.json)


@link.command(name="ls")
def ls(name: Name, /, *, lake: InLake = InLake(), answering: Answering = Answering()) -> None:
    """List the links to a dataset, those that are over included."""
    with opened_catalog(lake) as catalog:
        _answer(catalog.links.list_links(DatasetName.parse(name)), answering)


@link.command
def revoke(
    name: Name,
    number: Annotated[Whole, Parameter(name="LINK", help="Its number.")],
    /,
    *,
    lake: InLake = InLake(),
    answering: Answering = Answering(),
) -> None:
    """Let a link be good for nothing within seconds."""
    with opened_catalog(lake) as catalog:
        _answer([catalog.links.revoke(DatasetName.parse(name), number)], answering)


def _answer(links: Sequence[Link], answering: Answering) -> None:
    document = LinkList(links=tuple(map(link_document, links)))
    answer(document, shown_links(document.links), json=answering.json)
