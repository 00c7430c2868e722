"""``connect(address)``: the lake at an address, through its gateway or on its store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlake.client.gateway import Gateway
from voxlake.client.http.connection import is_on_this_machine
from voxlake.client.http.credentials import find
from voxlake.client.http.owner import knows_owner, owner_token, owner_token_file
from voxlake.client.lake import Lake
from voxlake.platform import store
from voxlake.platform.errors import InvalidInputError, NotFoundError, ObjectNotFoundError

if TYPE_CHECKING:
    from voxlake.platform.store import StoreURL

_WEB = ("http://", "https://")


def connect(address: str, token: str | None = None) -> Gateway | Lake:
    """Return the lake at an address; both kinds take the name of a dataset in brackets.

    What both can do is written in the same way (``lake["lab/brain/em"]``, `datasets`, `address`,
    `labels`, `label`, ``with``), so that a program goes on with another address. Where types are
    checked, and what only one of them can do is needed, it is `Gateway` or `Lake.at` itself.

    Parameters
    ----------
    address
        ``https://lake.example.org`` for a gateway; a folder, ``memory://NAME``,
        ``s3://BUCKET/PATH``, ``gs://`` or ``az://`` for a lake on its store, without a server in
        between.
    token
        Bearer token of a gateway. None: that of the environment (``VOXLAKE_TOKEN``, for the gateway
        in ``VOXLAKE_GATEWAY``) or the one that ``voxlake login`` keeps; else, of a gateway on this
        machine, that of its owner, if it proves that it has the same; else none. Empty: it is asked
        anonymously.

    Raises
    ------
    NotFoundError
        If nothing is stored there.
    InvalidInputError
        If the address is malformed, or a token is given for a store.
    UnsupportedError
        If its scheme is another.
    StoreUnavailableError
        If nothing answers on this machine that is to be asked by the owner's token.
    """
    if address.lower().startswith(_WEB):
        return gateway_at(address, token)
    if token is not None:
        raise InvalidInputError(
            f"a token was given for {address}, which is no gateway; stores take VOXLAKE_S3_* or "
            "AWS_* variables"
        )
    lake = Lake.at(address)
    _check_there(lake.url)
    return lake


def gateway_at(url: str, token: str | None = None) -> Gateway:
    """Return the gateway at a URL, asked as `connect` says."""
    if token is None and is_on_this_machine(url) and find(url) is None:
        own = owner_token(owner_token_file())
        token = own if own is not None and knows_owner(url, own) else None
    return Gateway(url, token)


def _check_there(url: StoreURL) -> None:
    """Raise NotFoundError unless something is stored at `url`: a name without ``https://``, say."""
    try:
        found = store.list_children(url)
    except ObjectNotFoundError:  # of a folder that is not there
        found = ([], [])
    if found == ([], []):
        raise NotFoundError(
            f"nothing is stored at {url}; check the address (that of a gateway begins with "
            f"https://), or make a lake there: voxlake init --lake {url}"
        )
