"""A gateway: whether it is up, and how to get in."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from voxlake.documents.document import Document

NONCE = "^[0-9a-f]{64}$"
"""What `platform.secrets.owner_proof.new_nonce` returns."""


class Health(Document):
    """The server is up."""

    status: Literal["ok"] = "ok"


class Readiness(Document):
    """The server can do its work."""

    status: Literal["ok"] = "ok"
    issuer: Literal["ok", "stale", "unavailable"] | None = Field(
        None,
        description="Stale: it does not answer, and its keys that are known still hold; "
        "unavailable: they are not known, or too old; null: there is none.",
    )


class IdentityDocument(Document):
    """How people sign in at a gateway."""

    issuer: str | None = Field(
        None,
        description="Issuer of OpenID Connect at which they do; none of a local server, which is "
        "its owner's alone.",
    )
    device_client_id: str | None = Field(
        None, description="What it knows programs by that people run; none: it knows none."
    )
    scope: str = Field("", description="What is asked of the issuer.")
    proof: str | None = Field(
        None,
        description="Of a local server, to a nonce: that it has its owner's token, which clients "
        "of the owner send to no other.",
    )


class LogoutDocument(Document):
    """A gateway for which no token is kept any more."""

    gateway: str


class LoginLinkDocument(Document):
    """A login link of a gateway that runs."""

    login_link: str = Field(description="Logs a browser in, once, within a day.")


class ServingDocument(Document):
    """A gateway that answers."""

    url: str
    issuer: str | None = Field(None, description="Where people sign in.")
    login_link: str | None = Field(
        None, description="Logs a browser in, once, and goes on to what there is to see."
    )
    token_file: str | None = Field(None, description="Holds the owner's bearer token.")
    viewer_built: bool = Field(description="Whether the gateway has a viewer of its own.")
