"""Settings: documented, frozen, and read only when asked for."""

from __future__ import annotations

import pickle
import subprocess
import sys
from ipaddress import ip_network

import pytest
from pydantic import AliasChoices, ValidationError

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
        ("[]", ()),
    ],
)
def test_several_values_are_written_with_commas(
    monkeypatch: pytest.MonkeyPatch, written: str, meant: tuple[str, ...]
) -> None:
    monkeypatch.setenv("VOXLAKE_OIDC_GROUPS_CLAIMS", written)
    assert Settings().oidc_groups_claims == meant
    assert Settings.model_validate(Settings().model_dump()).oidc_groups_claims == meant


def test_one_that_is_empty_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, field in Settings.model_fields.items():
        alias = field.validation_alias
        for each in alias.choices if isinstance(alias, AliasChoices) else [f"VOXLAKE_{name}"]:
            monkeypatch.setenv(str(each).upper(), "")
    assert Settings() == Settings.model_construct()
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9000")
    assert Settings().s3_endpoint == "http://127.0.0.1:9000"


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


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("https://lake.example.org", "https://lake.example.org"),
        ("https://lake.example.org/", "https://lake.example.org"),
        ("HTTPS://Lake.Example.org:443/My/lake/", "https://lake.example.org/My/lake"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://[::1]:80", "http://[::1]"),
    ],
)
def test_a_public_url_is_kept_as_browsers_write_it(
    monkeypatch: pytest.MonkeyPatch, written: str, meant: str
) -> None:
    monkeypatch.setenv("VOXLAKE_PUBLIC_URL", written)
    assert Settings().public_url == meant


@pytest.mark.parametrize(
    "written",
    ["", "lake.example.org", "ftp://lake", "https://", "https://a@b", "https://a b", "https://a/?x",
     "https://a/#x", "https://a//b", "https://a/../b", "https://a:b", "https://a\\b"],
)  # fmt: skip
def test_what_is_no_address_of_a_gateway_is_refused(written: str) -> None:
    with pytest.raises(ValidationError, match="public_url"):
        Settings(public_url=written)


def test_proxies_are_addresses_and_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOXLAKE_TRUSTED_PROXIES", "10.0.0.1, fd00::/8")
    assert Settings().trusted_proxies == (ip_network("10.0.0.1"), ip_network("fd00::/8"))
    assert Settings.model_validate(Settings().model_dump()) == Settings()
    for wrong in ("proxy.example.org", "10.0.0.1/8", "*"):
        monkeypatch.setenv("VOXLAKE_TRUSTED_PROXIES", wrong)
        with pytest.raises(ValidationError, match="trusted_proxies"):
            Settings()


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
