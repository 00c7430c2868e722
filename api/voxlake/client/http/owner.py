"""The token of the owner of a gateway on this machine: it is sent to a gateway of theirs alone."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

import platformdirs

from voxlake.client.http.connection import Connection
from voxlake.client.http.loopback import PEER
from voxlake.documents.service.gateway import IdentityDocument
from voxlake.platform.errors import StoreUnavailableError, VoxlakeError
from voxlake.platform.secrets.owner_proof import key_of, new_nonce, proof_of

if TYPE_CHECKING:
    from pathlib import Path

TOKEN_FILE = "owner-token"  # noqa: S105  (a file name)


def owner_token(file: Path) -> str | None:
    """Return the token in a file that ``voxlake serve`` keeps for its owner; None if it has not."""
    try:
        return file.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return None


def owner_token_file() -> Path:
    """Return where ``voxlake serve`` keeps the token of its owner."""
    return platformdirs.user_state_path("voxlake") / TOKEN_FILE


def knows_owner(url: str, token: str) -> bool:
    """Return whether what listens at a URL of this machine proves that it has the owner's token.

    It is asked without the token. What is reached by https, or by way of a proxy or a tunnel, does
    not prove it.

    Raises
    ------
    StoreUnavailableError
        If nothing answers.
    """
    nonce, connection = new_nonce(), Connection(url)
    try:
        answer = connection.send("/v2/identity", params={"nonce": nonce})
        told = IdentityDocument.model_validate_json(answer.content)
    except StoreUnavailableError:
        raise
    except (VoxlakeError, ValueError):  # it is no gateway
        return False
    finally:
        connection.close()
    peer = answer.extensions.get(PEER)
    if told.proof is None or peer is None:
        return False
    return hmac.compare_digest(told.proof, proof_of(key_of(token), nonce, *peer))
