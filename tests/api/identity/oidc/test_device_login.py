"""Somebody signs in from a terminal by the real command, with a browser somewhere else."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx2
import pytest
from tests.api.cli.conftest import run_command
from tests.api.identity.browser import Browser
from tests.api.identity.gateways import PUBLIC, SECRET, Issued

from voxlake.client import Gateway
from voxlake.client.http.credentials import find

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def _config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


@contextmanager
def logging_in(gateway: Issued) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the command, and yield it with the address that it shows."""
    command = [sys.executable, "-m", "voxlake.cli", "login", gateway.url, "--json"]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=os.environ.copy())
    try:
        assert process.stderr is not None
        told = re.fullmatch(r"open (\S+) and enter (\S+)\n", process.stderr.readline())
        assert told, process.communicate()
        yield process, f"{told[1]}?user_code={told[2]}"
    finally:
        process.kill()
        process.wait()


def approve(address: str, name: str, action: str = "authorize") -> None:
    with Browser() as browser:
        page = browser.get(address)
        while "<form" in page.text and 'name="user_code"' in page.text:
            page = browser.send_form(page, username=name, password=name, action=action)


def test_a_terminal_is_let_in_and_out(plain: Issued) -> None:
    with logging_in(plain) as (process, address):
        approve(address, "ada")
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert json.loads(out)["name"] == "ada"
    kept = find(plain.url)
    assert kept is not None
    assert kept.secret not in out + err
    [token] = plain.catalog.tokens.list_tokens("ada")
    assert token.id == kept.token
    assert token.terms.ends_at is not None
    assert json.loads(run_command("whoami", plain.url, "--json").out)["way"] == "token"
    with Gateway(plain.url) as gateway:
        # The other is shared with a group that stands for one of hers at the issuer.
        assert [each.name for each in gateway.datasets()] == ["lab/brain/em", "lab/brain/secret"]
    assert run_command("logout", plain.url).code == 0
    assert find(plain.url) is None
    assert plain.catalog.tokens.list_tokens("ada")[0].revoked_at is not None
    ended = run_command("whoami", plain.url, "--json")
    assert (ended.code, ended.kind) == (3, "unauthenticated")


def test_a_terminal_that_is_not_let_in_is_told_so(plain: Issued) -> None:
    with logging_in(plain) as (process, address):
        approve(address, "ada", action="deny")
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 3
    assert json.loads(out)["type"].endswith("forbidden")
    assert find(plain.url) is None


def test_who_has_a_token_keeps_it(plain: Issued) -> None:
    plain.catalog.people.add_user("tess")
    made, secret = plain.catalog.tokens.make("tess", "laptop")
    command = [sys.executable, "-m", "voxlake.cli", "login", plain.url, "--token", "--json"]
    done = subprocess.run(command, input=secret, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["name"] == "tess"
    assert secret not in done.stdout + done.stderr
    # It is not the command's to revoke.
    assert run_command("logout", plain.url).code == 0
    assert plain.catalog.tokens.get(made.id).revoked_at is None


def test_programs_are_told_where_people_sign_in(plain: Issued) -> None:
    answer = httpx2.get(f"{plain.url}/v2/identity").json()
    assert answer["issuer"] == plain.bearer.issuer.url
    assert answer["device_client_id"] == "voxlake-program"
    assert httpx2.get(f"{plain.url}{PUBLIC}").status_code == 200
    assert httpx2.get(f"{plain.url}{SECRET}").status_code == 401
