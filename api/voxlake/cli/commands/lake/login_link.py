"""``voxlake login-link``: a new link into a gateway that runs on this machine."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from voxlake.cli.options import Answering
from voxlake.cli.shown.output import answer, facts
from voxlake.client.gateway import Gateway
from voxlake.documents.service.gateway import LoginLinkDocument


def login_link(
    gateway: Annotated[
        str,
        Parameter(name="GATEWAY", help="Where it is.", env_var="GATEWAY"),
    ] = "http://127.0.0.1:8080",
    /,
    *,
    answering: Answering = Answering(),
) -> None:
    """Make a new one-time login link of a gateway that you run."""
    with Gateway.local(gateway) as owner:
        document = LoginLinkDocument(login_link=owner.login_link())
    answer(document, [facts([("open", document.login_link)])], json=answering.json)
