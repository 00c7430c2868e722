"""States of the viewer that people share."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from pydantic import ConfigDict, Field, JsonValue, RootModel

from voxlake.documents.document import Document

if TYPE_CHECKING:
    from voxlake.platform.catalog.data.viewer_states import SharedState


MOST_TITLE = 200
"""Characters of a title."""


class ViewerState(RootModel[dict[str, JsonValue]]):
    """A state of Neuroglancer, any object of JSON."""

    model_config = ConfigDict(frozen=True)

    @property
    def title(self) -> str:
        """What the viewer is to call it, as far as that is listed."""
        said = self.root.get("title")
        printed = filter(str.isprintable, said) if isinstance(said, str) else ()
        return "".join(printed)[:MOST_TITLE]

    def titled(self, title: str) -> ViewerState:
        """Return it with a title, unless that is empty."""
        return ViewerState(self.root | {"title": title}) if title else self


class SharedStateDocument(Document):
    """A state that is shared."""

    id: str
    title: str = Field("", description="What the viewer calls it; empty: nothing.")
    number: int = Field(description="`after` for those that were made later.")
    url: str = Field(description="Where its JSON is.")
    short_link: str = Field(description="Opens the viewer with it.")
    for_users: bool = Field(description="Shown to those alone who say who they are.")
    characters: int = Field(description="Of its JSON.")
    created_at: datetime
    ends_at: datetime


class SharedStateList(Document):
    """A page of the states that somebody shares, the oldest first."""

    states: tuple[SharedStateDocument, ...]
    next: int | None = Field(description="`after` for the next page; null: this is the last.")


def state_url(server: str, serial: str) -> str:
    """Return the address of a state at the gateway `server`, a URL that ends in ``/``."""
    return f"{server}v2/states/{serial}"


def shared_state_document(state: SharedState, server: str) -> SharedStateDocument:
    """Return a state that is shared at the gateway `server`, a URL that ends in ``/``."""
    return SharedStateDocument(
        id=state.serial,
        title=state.title,
        number=state.id,
        url=state_url(server, state.serial),
        short_link=f"{server}s/{state.serial}",
        for_users=state.for_users,
        characters=state.characters,
        created_at=state.created_at,
        ends_at=state.ends_at,
    )
