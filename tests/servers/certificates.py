"""Certificates of servers on this machine: signed by themselves, or by an authority of a test."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from pathlib import Path

_HERE = "127.0.0.1"


def make_certificate(file: Path, days: int = 1) -> Path:
    """Write a key and its certificate for 127.0.0.1 to a file, as PEM, good for some days."""
    key = generate_private_key(SECP256R1())
    made = _unsigned(key, _HERE, _HERE, timedelta(days=days), is_authority=True).sign(key, SHA256())
    return _write(file, key, made)


class Authority:
    """An authority that nobody knows who was not told of it."""

    def __init__(self, name: str = "a laboratory") -> None:
        self._name, self._key = name, generate_private_key(SECP256R1())
        builder = _unsigned(self._key, name, name, timedelta(days=1), is_authority=True)
        self._certificate = builder.sign(self._key, SHA256())

    def write(self, file: Path) -> Path:
        """Write its certificate to a file, as PEM: who trusts that trusts whom it has signed."""
        file.write_bytes(self._certificate.public_bytes(Encoding.PEM))
        return file

    def sign(self, file: Path, good: timedelta = timedelta(days=1)) -> Path:
        """Write a key and its certificate for 127.0.0.1, by this authority, to a file, as PEM."""
        key = generate_private_key(SECP256R1())
        made = _unsigned(key, _HERE, self._name, good, is_authority=False)
        return _write(file, key, made.sign(self._key, SHA256()))


def _unsigned(
    key: EllipticCurvePrivateKey, name: str, issuer: str, good: timedelta, *, is_authority: bool
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    here = x509.SubjectAlternativeName([x509.IPAddress(ip_address(_HERE))])
    return (
        x509.CertificateBuilder()
        .subject_name(_named(name))
        .issuer_name(_named(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(min(now, now + good) - timedelta(hours=1))
        .not_valid_after(now + good)
        .add_extension(here, critical=False)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _write(file: Path, key: EllipticCurvePrivateKey, certificate: x509.Certificate) -> Path:
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(private + certificate.public_bytes(Encoding.PEM))
    return file
