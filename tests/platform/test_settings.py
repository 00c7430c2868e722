"""Settings: documented, frozen, and read only when asked for."""

from __future__ import annotations

import pickle
import subprocess
import sys

import pytest
from pydantic import ValidationError

from voxlake.platform.settings import Settings


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_field_is_described(name: str) -> None:
    assert (Settings.model_fields[name].description or "").endswith(".")


def test_they_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOXLAKE_LAKE", "/data/lake")
    monkeypatch.setenv("VOXLAKE_STORE_RETRIES", "7")
    assert (Settings().lake, Settings().store_retries) == ("/data/lake", 7)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("groups", ("groups",)),
        (" groups , realm_access.roles,", ("groups", "realm_access.roles")),
        ('["cn=lab,ou=org", "b"]', ("cn=lab,ou=org", "b")),
        ("", ()),
    ],
)
def test_several_values_are_written_with_commas(
    monkeypatch: pytest.MonkeyPatch, written: str, meant: tuple[str, ...]
) -> None:
    monkeypatch.setenv("VOXLAKE_OIDC_GROUPS_CLAIMS", written)
    assert Settings().oidc_groups_claims == meant
    assert Settings.model_validate(Settings().model_dump()).oidc_groups_claims == meant


@pytest.mark.parametrize("written", ["[", "[1]", "[[]]"])
def test_values_that_are_no_texts_are_refused(
    monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    monkeypatch.setenv("VOXLAKE_OIDC_ADMINISTRATORS", written)
    with pytest.raises(ValidationError, match="oidc_administrators"):
        Settings()


def test_an_issuer_needs_an_audience() -> None:
    issuer = "https://id.example.org"
    with pytest.raises(ValidationError, match="VOXLAKE_OIDC_CLIENT_ID"):
        Settings(oidc_issuer=issuer)
    assert Settings(oidc_issuer=issuer, oidc_client_id="lake").audience == "lake"
    both = Settings(oidc_issuer=issuer, oidc_client_id="lake", oidc_audience="data")
    assert both.audience == "data"


def test_they_do_not_change() -> None:
    with pytest.raises(ValidationError):
        Settings().lake = "elsewhere"  # type: ignore[misc]  # that it is refused is the point


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("VOXLAKE_S3_SECRET_ACCESS_KEY", "hush"),
        ("VOXLAKE_OIDC_CLIENT_SECRET", "hush"),
        ("VOXLAKE_DATABASE_URL", "postgresql://lake:hush@database/lake"),
    ],
)
def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    settings = Settings()
    assert "hush" not in f"{settings!r} {settings} {settings.model_dump()}"
    assert "hush" not in settings.model_dump_json()


def test_they_are_not_pickled() -> None:
    with pytest.raises(TypeError, match="read them anew"):
        pickle.dumps(Settings())


def test_nothing_is_read_at_import() -> None:
    # Values that would be refused if any of it were read.
    code = (
        "import os; os.environ['VOXLAKE_STORE_RETRIES'] = 'many'; before = dict(os.environ);"
        "import voxlake.platform.store.selftest, voxlake.platform.catalog, voxlake.platform.access;"
        "assert dict(os.environ) == before"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
