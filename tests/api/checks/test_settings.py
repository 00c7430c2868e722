"""Settings that are not known, or contradict one another, are told of."""

from __future__ import annotations

from typing import Any

import pytest

from voxlake.api.checks.settings import CONTRADICTIONS, KNOWN, look_at_settings
from voxlake.platform.settings import Settings

CASES: list[dict[str, Any]] = [
    {"oidc_issuer": "https://id.example.org", "oidc_client_id": "lake"},
    {"public_url": "https://lake.example.org"},
    {"s3_access_key_id": "key"},
    {"s3_anonymous": True, "s3_access_key_id": "key", "s3_secret_access_key": "secret"},
    {"lake": "s3://lakes/lake"},
    {"upload_store": "s3://uploads/lake"},
    {"oidc_administrators": ("lake-admins",)},
]
"""Each contradicts itself in the way of the same place among `CONTRADICTIONS`."""


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in KNOWN:
        monkeypatch.delenv(name, raising=False)


def test_settings_of_an_installation_are_well() -> None:
    settings = Settings(
        lake="s3://lakes/lake",
        database_url="postgresql://u@h/d",
        public_url="https://lake.example.org",
        trusted_proxies="10.0.0.1",
        oidc_issuer="https://id.example.org",
        oidc_client_id="lake",
        oidc_administrators="lake-admins",
        s3_access_key_id="key",
        s3_secret_access_key="secret",
    )
    assert look_at_settings([*KNOWN, "PATH"], settings)[0] == "ok"


@pytest.mark.parametrize(("given", "number"), [(each, n) for n, each in enumerate(CASES)])
def test_each_contradiction_is_found_and_no_other(given: dict[str, Any], number: int) -> None:
    assert len(CASES) == len(CONTRADICTIONS)
    state, found, advice = look_at_settings([], Settings(**given))
    assert (state, found) == ("warn", CONTRADICTIONS[number][0])
    assert advice is not None


def test_a_name_that_is_no_setting_is_told_with_what_was_meant() -> None:
    _, found, _ = look_at_settings(["VOXLAKE_OIDC_ISUER", "VOXLAKE_QQQ", "OTHER"], Settings())
    assert found == (
        "VOXLAKE_OIDC_ISUER is no setting: VOXLAKE_OIDC_ISSUER is; VOXLAKE_QQQ is no setting"
    )
