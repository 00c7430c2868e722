"""``voxlake link``: what lets whoever holds it read one dataset without signing in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter, validators

from voxlake.cli.opened.lake import opened_catalog
from voxlake.cli.options import Answering, InLake, Name, Whole, in_utc, read_settings
from voxlake.cli.shown.output import answer
from voxlake.cli.shown.people import shown_links, shown_new_link
from voxlake.documents.people.links import LinkList, link_document, new_link_document
from voxlake.ngff.dataset import open_dataset
from voxlake.ngff.grid.ranges import parse_box
from voxlake.ngff.lake import address_of
from voxlake.ngff.portions import check_portion
from voxlake.platform.catalog.rights.links import USUAL, LinkTerms
from voxlake.platform.database import now
from voxlake.platform.errors import InvalidInputError
from voxlake.platform.names import DatasetName
from voxlake.platform.portion import WHOLE, Portion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxlake.platform.catalog import DatasetRecord
    from voxlake.platform.catalog.rights.links import Link

link = App(name="link", help="Links that let others read a dataset: make, list or revoke one.")


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Good:
    """What a link is good for."""

    until: Annotated[
        datetime | None, Parameter(help="When it is over, in UTC; by default in 30 days.")
    ] = None
    note: Annotated[str, Parameter(help="What you know it by.")] = ""
    title: Annotated[str, Parameter(help="What the viewer calls it for those who open it.")] = ""
    box: Annotated[
        str | None,
        Parameter(
            metavar="Z0:Z1,Y0:Y1,X0:X1",
            help="Open these voxels of level 0 alone, [Z0, Z1) and so on; by default all.",
        ),
    ] = None
    level: Annotated[
        Whole,
        Parameter(
            metavar="N", help="Open nothing finer than it.", validator=validators.Number(gte=0)
        ),
    ] = 0
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
    from voxlake.platform.secrets.link_keys import LinkKeys

    keys = LinkKeys.of(read_settings())
    with opened_catalog(lake) as catalog:
        portion = _portion(lake, catalog.get_dataset(DatasetName.parse(name)), good)
        terms = LinkTerms(in_utc(good.until) or now() + USUAL, portion, good.note, good.title)
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


def _portion(lake: InLake, record: DatasetRecord, good: Good) -> Portion:
    """Return the part of a dataset that is asked for."""
    if good.box is None and good.level == 0:
        return WHOLE
    dataset = open_dataset(address_of(lake.url, record, read_settings()))
    ranges: tuple[tuple[str, int, int], ...] = ()
    if good.box is not None:
        box = parse_box(good.box)
        names = dataset.multiscale.axis_names[-box.ndim :]
        if len(names) < box.ndim:
            raise InvalidInputError(
                f"box {good.box!r} has {box.ndim} ranges; {record.name} has the axes "
                f"{', '.join(names)}"
            )
        ranges = tuple(zip(names, box.start, box.stop, strict=True))
    portion = Portion(good.level, ranges)
    check_portion(portion, dataset, dataset.level(0).shape)
    return portion


def _answer(links: Sequence[Link], answering: Answering) -> None:
    document = LinkList(links=tuple(map(link_document, links)))
    answer(document, shown_links(document.links), json=answering.json)
