"""Links: what lets whoever holds it read one dataset."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

from pydantic import AwareDatetime, Field

from voxlake.documents.document import Document, Question
from voxlake.documents.people.asked import Line
from voxlake.platform.portion import Portion

if TYPE_CHECKING:
    from voxlake.platform.catalog.rights.links import Link


class LinkQuestion(Question):
    """A link that is to be made."""

    ends_at: AwareDatetime | None = Field(
        None, description="When it is over, within 366 days; by default in 30."
    )
    note: Annotated[Line, Field(max_length=200)] = Field("", description="What you know it by.")
    title: Annotated[Line, Field(max_length=200)] = Field(
        "", description="What the viewer calls it for those who open the link."
    )
    finest_level: int = Field(0, ge=0, le=1000, description="Nothing finer can be read with it.")
    box: dict[str, tuple[int, int]] = Field(
        default_factory=dict,
        max_length=5,
        description="Voxels [start, stop) of level 0 by axis, such as {'z': [0, 64]}, beside which "
        "nothing can be read with it; an axis that is left out is open whole.",
    )

    @property
    def portion(self) -> Portion:
        """The part of the dataset that is asked for."""
        return Portion(self.finest_level, tuple((axis, *ends) for axis, ends in self.box.items()))


class LinkDocument(Document):
    """A link to a dataset; nobody can see its token again."""

    id: int
    user: str | None = Field(
        None, description="Whose rights it carries; none: those of the lake's owner."
    )
    note: str = ""
    title: str = ""
    finest_level: int = Field(0, description="Nothing finer can be read with it.")
    box: dict[str, tuple[int, int]] = Field(
        default_factory=dict,
        description="Voxels [start, stop) of level 0 by axis, to which it is limited.",
    )
    created_at: datetime
    ends_at: datetime
    revoked_at: datetime | None = None


class LinkList(Document):
    """The links to a dataset, the oldest first."""

    links: tuple[LinkDocument, ...]


class NewLinkDocument(Document):
    """A link that was just made. Whoever has one of its addresses can read the dataset."""

    link: LinkDocument
    url: str = Field(description="Shown once: the start of each address that it opens.")
    zarr_url: str = Field(description="For zarr, xarray, TensorStore, Neuroglancer.")
    view_url: str = Field(description="Opens the viewer.")


def link_document(link: Link) -> LinkDocument:
    """Return a link."""
    return LinkDocument(
        id=link.id,
        user=link.user,
        note=link.terms.note,
        title=link.terms.title,
        finest_level=link.terms.portion.finest,
        box={axis: (start, stop) for axis, start, stop in link.terms.portion.box},
        created_at=link.created_at,
        ends_at=link.terms.ends_at,
        revoked_at=link.revoked_at,
    )


def new_link_document(link: Link, name: str, server: str, token: str) -> NewLinkDocument:
    """Return a link that was just made to the dataset `name` at the gateway `server`."""
    url = f"{server.rstrip('/')}/c/{token}/"
    return NewLinkDocument(
        link=link_document(link),
        url=url,
        zarr_url=f"{url}zarr/{name}/",
        view_url=f"{url}view/{name}",
    )
