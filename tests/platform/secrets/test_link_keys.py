"""What signs links: nothing else is taken for one."""

from __future__ import annotations

import base64
import json
import stat
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import OctKey
from pydantic import SecretStr

from voxlake.platform.errors import InvalidInputError, UnauthenticatedError
from voxlake.platform.secrets.link_keys import FILE, LinkKeys
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

KEYS = LinkKeys.random()
LATER = datetime.now(UTC) + timedelta(hours=1)
CLAIMS = {"jti": "one", "exp": int(LATER.timestamp())}
HEADER = {"alg": "HS256", "typ": "voxlake-link"}


def coded(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def signed(header: dict[str, Any], key: str = KEYS.keys[0], claims: Any = CLAIMS) -> str:
    everything = ["HS256", "HS384", "HS512"]
    return jws.serialize_compact(header, json.dumps(claims), OctKey.import_key(key), everything)


def test_what_is_signed_is_read() -> None:
    token = KEYS.sign("one", LATER)
    assert KEYS.read(token) == "one"
    assert KEYS.read(signed(HEADER)) == "one"
    assert len(token) < 200


_head, _body, _signature = KEYS.sign("one", LATER).split(".")
_other = LinkKeys.random().sign("one", LATER).split(".")
FORGED = {
    "of another key": ".".join(_other),
    "with another signature": f"{_head}.{_body}.{_other[2]}",
    "without signature": f"{_head}.{_body}.",
    "of no algorithm": f"{coded({'alg': 'none', 'typ': 'voxlake-link'})}.{_body}.",
    "none, signed": f"{coded({'alg': 'none', 'typ': 'voxlake-link'})}.{_body}.{_signature}",
    "HS384": signed({**HEADER, "alg": "HS384"}),
    "HS512": signed({**HEADER, "alg": "HS512"}),
    "of another kind": signed({"alg": "HS256", "typ": "JWT"}),
    "of no kind": signed({"alg": "HS256"}),
    "with its key in it": signed(
        {**HEADER, "jwk": {"kty": "oct", "k": "c2VjcmV0"}}, "another key of 32 characters, or so"
    ),
    "with a url of keys": signed({**HEADER, "jku": "http://127.0.0.1:9/keys"}),
    "of another link": f"{_head}.{coded({**CLAIMS, 'jti': 'two'})}.{_signature}",
    "of a later end": f"{_head}.{coded({**CLAIMS, 'exp': 2**40})}.{_signature}",
    "cut off": f"{_head}.{_body}.{_signature[:-3]}",
    "in two parts": f"{_head}.{_body}",
    "in four parts": f"{_head}.{_body}.{_signature}.{_signature}",
    "padded": f"{_head}.{_body}.{_signature}=",
    "huge": f"{_head}.{'A' * 100_000}.{_signature}",
    "empty": "",
    "not of ASCII": "ä.ö.ü",
    "a number": "1",
}


@pytest.mark.parametrize("how", FORGED)
def test_what_is_forged_is_refused(how: str) -> None:
    with pytest.raises(UnauthenticatedError, match="none of this lake"):
        KEYS.read(FORGED[how])


@given(st.text(max_size=80))
def test_whatever_is_sent_is_refused_in_words(text: str) -> None:
    with pytest.raises(UnauthenticatedError):
        KEYS.read(text)


def test_it_ends() -> None:
    with pytest.raises(UnauthenticatedError, match="over"):
        KEYS.read(KEYS.sign("one", datetime.now(UTC)))


def test_keys_are_renewed_one_after_the_other() -> None:
    old, new = "o" * 32, "n" * 32
    before, after = LinkKeys.parse(old), LinkKeys.parse(f"{new}, {old}")
    assert after.read(before.sign("one", LATER)) == "one"
    assert LinkKeys.parse(new).read(after.sign("one", LATER)) == "one"
    with pytest.raises(UnauthenticatedError):
        LinkKeys.parse(new).read(before.sign("one", LATER))


def test_a_short_key_is_refused() -> None:
    for text in ("short", "", f"{'k' * 32} short"):
        with pytest.raises(InvalidInputError, match="shorter than 32"):
            LinkKeys.parse(text)


def test_where_none_is_set_one_is_made_and_kept(tmp_path: Path) -> None:
    made = LinkKeys.of(Settings(), tmp_path)
    assert LinkKeys.of(Settings(), tmp_path) == made
    file = tmp_path / FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert made.keys[0] not in repr(made)
    set_one = Settings(link_key=SecretStr("k" * 40))
    assert LinkKeys.of(set_one, tmp_path).keys == ("k" * 40,)
    assert "k" * 40 not in repr(set_one)


def test_a_key_that_others_can_read_is_replaced(tmp_path: Path) -> None:
    made = LinkKeys.of(Settings(), tmp_path)
    (tmp_path / FILE).chmod(0o644)
    assert LinkKeys.of(Settings(), tmp_path) != made
