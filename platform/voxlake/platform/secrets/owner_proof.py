"""How a local gateway proves to be its owner's, before their token is sent there.

Anybody may listen at a port of this machine, and what listens may lead to another (``ssh -L``). So
a client sends a number that it has never sent before, and a gateway answers with a MAC (RFC 2104)
of it that only who has the token can make. The address at which the gateway was reached is in it:
who asks another gateway for the answer gets one that is good there alone.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets


def new_nonce() -> str:
    """Return a number that was never sent before, as text."""
    return secrets.token_hex(32)


def key_of(token: str) -> bytes:
    """Return what proofs are made with, from which the token does not follow."""
    return hashlib.sha256(f"proof of the owner {token}".encode()).digest()


def proof_of(key: bytes, nonce: str, host: str, port: int) -> str:
    """Return the proof of who listens at an address of this machine, as its socket tells it."""
    return hmac.new(key, f"{nonce} {host} {port}".encode(), hashlib.sha256).hexdigest()
