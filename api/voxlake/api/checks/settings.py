"""Whether settings are known, and do not contradict one another."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from difflib import get_close_matches

from voxlake.api.checks.outcome import Outcome
from voxlake.platform.settings import Settings

PREFIX = "VOXLAKE_"
KNOWN = frozenset(f"{PREFIX}{name.upper()}" for name in Settings.model_fields)
_ELSEWHERE = ("s3://", "gs://", "az://")
_ALIKE = 0.8
"""Names that are less so were not meant: all begin alike."""


def look_at_settings(names: Iterable[str], settings: Settings) -> Outcome:
    """Look at the names in an environment, and at what they are set to.

    Examples
    --------
    >>> look_at_settings(["VOXLAKE_LAEK"], Settings())[1]
    'VOXLAKE_LAEK is no setting: VOXLAKE_LAKE is'
    """
    unknown = sorted(name for name in names if name.startswith(PREFIX) and name not in KNOWN)
    wrong = [*map(_unknown, unknown), *(text for text, is_so in CONTRADICTIONS if is_so(settings))]
    if wrong:
        return "warn", "; ".join(wrong), "correct or unset them: docs/reference/settings.md"
    return "ok", "all are known, and none contradicts another", None


def _unknown(name: str) -> str:
    close = get_close_matches(name, KNOWN, 1, _ALIKE)
    return f"{name} is no setting" + "".join(f": {each} is" for each in close)


def _no_way_to_sign_in(settings: Settings) -> bool:
    return bool(settings.oidc_issuer and settings.oidc_client_id and not settings.public_url)


def _all_seem_to_be_the_proxy(settings: Settings) -> bool:
    return (settings.public_url or "").startswith("https:") and not settings.trusted_proxies


def _half_a_key(settings: Settings) -> bool:
    return (settings.s3_access_key_id is None) != (settings.s3_secret_access_key is None)


def _keys_unused(settings: Settings) -> bool:
    return settings.s3_anonymous and settings.s3_access_key_id is not None


def _catalog_of_this_machine(settings: Settings) -> bool:
    return (settings.lake or "").startswith(_ELSEWHERE) and settings.database_url is None


def _uploads_without_keys(settings: Settings) -> bool:
    keys = (settings.upload_access_key_id, settings.upload_secret_access_key)
    return settings.upload_store is not None and None in keys


def _administrators_of_nobody(settings: Settings) -> bool:
    return bool(settings.oidc_administrators) and settings.oidc_issuer is None


CONTRADICTIONS: tuple[tuple[str, Callable[[Settings], bool]], ...] = (
    (
        "VOXLAKE_OIDC_CLIENT_ID without VOXLAKE_PUBLIC_URL: the issuer cannot send anybody back",
        _no_way_to_sign_in,
    ),
    (
        (
            "VOXLAKE_PUBLIC_URL is https, and VOXLAKE_TRUSTED_PROXIES names no proxy: all clients "
            "have its address, and share what one may ask for in a minute"
        ),
        _all_seem_to_be_the_proxy,
    ),
    ("one of VOXLAKE_S3_ACCESS_KEY_ID and VOXLAKE_S3_SECRET_ACCESS_KEY is missing", _half_a_key),
    ("VOXLAKE_S3_ANONYMOUS: the keys of S3 that are set are not used", _keys_unused),
    (
        (
            "VOXLAKE_LAKE is not of this machine, and its catalog is, without "
            "VOXLAKE_DATABASE_URL: other gateways and workers see another"
        ),
        _catalog_of_this_machine,
    ),
    (
        (
            "VOXLAKE_UPLOAD_STORE without VOXLAKE_UPLOAD_ACCESS_KEY_ID and "
            "VOXLAKE_UPLOAD_SECRET_ACCESS_KEY: clients cannot upload"
        ),
        _uploads_without_keys,
    ),
    (
        "VOXLAKE_OIDC_ADMINISTRATORS without VOXLAKE_OIDC_ISSUER: nobody has these groups",
        _administrators_of_nobody,
    ),
)
"""What is said of settings that contradict one another, and when it is so."""
