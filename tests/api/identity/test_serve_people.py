"""The command serves the people of an issuer: it has no owner, and says where people sign in."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import IO, TYPE_CHECKING

from tests.api.identity.browser import Browser
from tests.servers.nanoidp import AUDIENCE, CLIENT, SECRET

from voxlake.cli.opened.lake import make_lake
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.nanoidp import NanoIdp

    from voxlake.platform.store import StoreURL


def _document(stream: IO[str]) -> str:
    """Return the lines up to the end of a JSON document."""
    lines = []
    for line in stream:
        lines.append(line)
        if line == "}\n":
            break
    return "".join(lines)


def test_people_sign_in_at_a_gateway_that_the_command_serves(
    nanoidp: NanoIdp, lake: StoreURL, tmp_path: Path
) -> None:
    make_lake(lake, Settings())
    state = tmp_path / "state"
    settings = {
        "XDG_STATE_HOME": str(state),
        "VOXLAKE_OIDC_ISSUER": nanoidp.issuer,
        "VOXLAKE_OIDC_CLIENT_ID": CLIENT,
        "VOXLAKE_OIDC_CLIENT_SECRET": SECRET,
        "VOXLAKE_OIDC_AUDIENCE": AUDIENCE,
    }
    words = ["serve", "--lake", str(lake), "--port", "0", "--json"]
    process = subprocess.Popen(
        [sys.executable, "-m", "voxlake.cli", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | settings,
    )
    try:
        assert process.stdout is not None
        serving = json.loads(_document(process.stdout))
        assert (serving["issuer"], serving["login_link"]) == (nanoidp.issuer, None)
        assert serving["token_file"] is None
        with Browser() as ada:
            assert "signed in as ada" in ada.sign_in(serving["url"], "ada").text
            assert ada.get(f"{serving['url']}/v2/me").json()["way"] == "session"
            answer = ada.ask("POST", f"{serving['url']}/login-links", serving["url"])
            assert answer.status_code == 401
    finally:
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert not (state / "voxlake" / "owner-token").exists(), "nobody owns it"
    assert SECRET not in err
