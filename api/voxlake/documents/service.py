"""A gateway: whether it is up, and how to get in."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from voxlake.documents.document import Document


class Health(Document):
    """The server is up."""

    status: Literal["ok"] = "ok"


class Readiness(Document):
    """The server can do its work."""

    status: Literal["ok"] = "ok"
    issuer: Literal["ok", "stale"] | None = Field(
        None,
        description="Stale: it does not answer, and its keys that are known still hold; null: "
        "there is none.",
    )


class LoginLinkDocument(Document):
    """A login link of a gateway that runs."""

    login_link: str = Field(description="Logs a browser in, once, within a day.")


class ServingDocument(Document):
    """A gateway that answers."""

    url: str
    login_link: str = Field(
        description="Logs a browser in, once, and goes on to what there is to see."
    )
    token_file: str = Field(description="Holds the owner's bearer token.")
    viewer_built: bool = Field(description="Whether the gateway has a viewer of its own.")
