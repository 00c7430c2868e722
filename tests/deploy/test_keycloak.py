"""The realm for Keycloak, which no test can run, has what the gateway needs of it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from tests.docs.pages import ROOT, blocks_of

from voxlake.api.identity.oidc.flow import CALLBACK
from voxlake.api.identity.oidc.issuer import Issuer
from voxlake.platform.settings import Settings

PAGE = ROOT / "docs" / "how-to" / "administer.md"
SET = {"LAKE_URL": "https://lake.example.org", "OIDC_CLIENT_SECRET": "a secret"}
"""What Keycloak reads in the place of ``${NAME}``, from its environment."""
TEXT = (ROOT / "deploy" / "keycloak" / "realm.json").read_text()
REALM: dict[str, Any] = json.loads(re.sub(r"\$\{(\w+)\}", lambda found: SET[found[1]], TEXT))
CLIENTS: dict[str, dict[str, Any]] = {each["clientId"]: each for each in REALM["clients"]}
DEVICE = "oauth2.device.authorization.grant.enabled"


def settings_of(issuer: str) -> Settings:
    """Return the settings that the page tells for an issuer."""
    for block in blocks_of(PAGE.read_text()):
        if block.language == "ini" and issuer in block.code:
            pairs = [line.split("=", 1) for line in block.code.splitlines()]
            said = {name.removeprefix("VOXLAKE_").lower(): value for name, value in pairs}
            assert said.keys() <= Settings.model_fields.keys()
            return Settings.model_validate(said)
    raise AssertionError(issuer)


def mappers(client: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Return what the mappers of a client are told, by their kind."""
    return {each["protocolMapper"]: each["config"] for each in client["protocolMappers"]}


def group_paths(groups: list[dict[str, Any]], above: str = "") -> set[str]:
    found = set()
    for group in groups:
        path = f"{above}/{group['name']}"
        found |= {path, *group_paths(group.get("subGroups", []), path)}
    return found


@pytest.mark.parametrize("issuer", ["https://id.example.org/realms/voxlake", "https://orcid.org"])
def test_the_settings_of_the_page_are_settings(issuer: str) -> None:
    settings = settings_of(issuer)
    assert Issuer(settings.oidc_issuer or "").url == issuer


def test_the_realm_is_what_the_settings_say() -> None:
    settings = settings_of("realms/voxlake")
    assert str(settings.oidc_issuer).endswith(f"/realms/{REALM['realm']}")
    assert REALM["enabled"]
    assert not REALM["registrationAllowed"]
    assert settings.oidc_client_id in CLIENTS
    assert set(settings.oidc_administrators) <= group_paths(REALM["groups"])


@pytest.mark.parametrize("name", CLIENTS)
def test_access_tokens_say_for_whom_they_are_and_which_groups(name: str) -> None:
    settings, told = settings_of("realms/voxlake"), mappers(CLIENTS[name])
    audience, groups = told["oidc-audience-mapper"], told["oidc-group-membership-mapper"]
    assert audience["included.custom.audience"] == settings.audience
    assert (audience["access.token.claim"], audience["id.token.claim"]) == ("true", "false")
    assert (groups["claim.name"],) == settings.oidc_groups_claims
    assert groups["full.path"] == "true"
    for where in ("access.token.claim", "id.token.claim", "userinfo.token.claim"):
        assert groups[where] == "true"
    # `basic` has the subject, `profile` the name.
    assert {"basic", "profile", "email"} <= set(CLIENTS[name]["defaultClientScopes"])


def test_browsers_sign_in_with_a_code_and_pkce() -> None:
    client = CLIENTS["voxlake"]
    assert client["standardFlowEnabled"]
    assert not client["publicClient"]
    assert client["secret"] == "a secret"
    assert client["attributes"]["pkce.code.challenge.method"] == "S256"
    # Exact addresses: a pattern would send codes to whoever finds a page that matches.
    assert client["redirectUris"] == [f"https://lake.example.org{CALLBACK}"]
    assert client["attributes"]["post.logout.redirect.uris"] == "https://lake.example.org/"


def test_the_realm_names_no_host_and_no_secret() -> None:
    assert "example.org" not in TEXT
    assert '"secret": "${OIDC_CLIENT_SECRET}"' in TEXT
    composition = (ROOT / "deploy" / "compose" / "compose.yaml").read_text()
    for name in SET:
        assert f"{name}: ${{{name}:?}}" in composition


def test_terminals_sign_in_by_a_device() -> None:
    client = CLIENTS[str(settings_of("realms/voxlake").device_client_id)]
    assert client["publicClient"]
    assert client["attributes"][DEVICE] == "true"
    assert not client["standardFlowEnabled"]
    assert client["redirectUris"] == []


@pytest.mark.parametrize("name", CLIENTS)
def test_nobody_gives_their_password_to_a_client(name: str) -> None:
    for flow in ("directAccessGrantsEnabled", "implicitFlowEnabled", "serviceAccountsEnabled"):
        assert CLIENTS[name][flow] is False
