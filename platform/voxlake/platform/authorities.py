"""Whose certificates are believed, by what asks a server through Python's own TLS."""

from __future__ import annotations

import ssl

from voxlake.platform.errors import InvalidInputError
from voxlake.platform.settings import Settings


def trusted() -> ssl.SSLContext:
    """Return whose certificates are believed: those of ``VOXLAKE_CA_FILE``, or of the system.

    Without that setting, ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` say which the system has.

    Raises
    ------
    InvalidInputError
        If the file holds no certificates.
    """
    ca_file = Settings().ca_file
    try:
        return ssl.create_default_context(cafile=ca_file)
    except ssl.SSLError as error:
        raise InvalidInputError(
            f"VOXLAKE_CA_FILE names {ca_file}, which holds no certificates in PEM; name the file "
            "of the authorities that are to be believed"
        ) from error
