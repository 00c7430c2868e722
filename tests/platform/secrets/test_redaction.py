"""What is secret is taken out of a text, however it is written there, and nothing else is."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import OctKey

from voxlake.platform.catalog.identity.token_text import SHOWN, new_token
from voxlake.platform.secrets.redaction import REDACTED, SHORTEST, redactor, secrets_of
from voxlake.platform.settings import Settings

FORMS = {
    "as it is": lambda secret: f"({secret})",
    "in an address": lambda secret: f"?once={quote(secret, safe='')}",
    "in JSON": lambda secret: json.dumps({"event": f"refused {secret}!"}),
}


@given(
    secret=st.text(min_size=SHORTEST, max_size=20).filter(str.isprintable),
    form=st.sampled_from(sorted(FORMS)),
)
def test_what_is_known_to_be_secret_is_found(secret: str, form: str) -> None:
    written = FORMS[form](secret)
    assert secret not in redactor([secret])(written).replace(REDACTED, "")
    assert REDACTED in redactor([secret])(written)


@given(st.text().filter(lambda text: "://" not in text))
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert redactor(["a secret of somebody"])(text) == text


def test_tokens_are_known_by_their_looks() -> None:
    token = new_token()
    signed = jwt.encode({"alg": "HS256"}, {"sub": "ada"}, OctKey.generate_key(256))
    unsigned = ".".join((*signed.split(".")[:2], ""))
    owner = f"voxlake_{'a-_Z' * 11}"
    for secret in (token, signed, unsigned, owner):
        assert redactor()(f"Bearer {secret}, {secret}") == f"Bearer {REDACTED}, {REDACTED}"
    shown = f"token laptop ({token[:SHOWN]}...) was revoked"
    assert redactor()(shown) == shown


@pytest.mark.parametrize("address", ["postgresql://lake:hush@db/lake", "https://hush@host/x?a=b@c"])
def test_users_and_passwords_of_addresses_are_taken_out(address: str) -> None:
    said = redactor()(f"cannot open {address}")
    assert "hush" not in said
    assert said.endswith(address.partition("@")[2])


def test_the_secrets_of_settings_are_those_that_their_types_say() -> None:
    settings = Settings(
        lake="s3://bucket/lake",
        database_url="postgresql://lake:p%40ssw0rds@db/lake",
        s3_secret_access_key="wJalrXUtnFEMI",
        link_key=f"{'a' * 32}, {'b' * 32}",
    )
    assert set(secrets_of(settings)) == {
        "postgresql://lake:p%40ssw0rds@db/lake",
        "p%40ssw0rds",
        "p@ssw0rds",
        "wJalrXUtnFEMI",
        f"{'a' * 32}, {'b' * 32}",
        "a" * 32,
        "b" * 32,
    }
