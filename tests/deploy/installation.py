"""An installation as deploy/README.md has it, started without containers by deploy/run-here."""

from __future__ import annotations

import json
import shutil
import ssl
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from tests.api.identity.browser import Browser
from tests.docs.pages import ROOT, blocks_of
from tests.servers.processes import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

PAGE = (ROOT / "deploy" / "README.md").read_text()
MOST_S = 600


@dataclass(frozen=True, slots=True)
class Installation:
    """What is installed in a folder of its own."""

    folder: Path
    """Of what the administrator has, and of what is stored."""

    @property
    def compose(self) -> Path:
        """Where the administrator works."""
        return self.folder / "deploy" / "compose"

    @property
    def stored(self) -> Path:
        """Where volumes and logs are."""
        return self.folder / "here"

    @property
    def settings(self) -> dict[str, str]:
        """What the administrator has set."""
        lines = (self.compose / ".env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line and line[0] != "#")

    @property
    def url(self) -> str:
        """The address of the gateway."""
        return self.settings["LAKE_URL"]

    def follow(self, heading: str) -> None:
        """Do what a section of the page says, line by line."""
        for line in lines_of(heading):
            self.do(line)

    def do(self, line: str) -> str:
        """Do what a line of the page says."""
        script = self.folder / "deploy" / "run-here"
        here = f"{sys.executable} {script} --folder {self.stored} --env-file .env"
        told = line.replace("docker compose", here).replace("cd deploy/compose", ":")
        ran = subprocess.run(
            ["bash", "-euc", told],
            cwd=self.compose,
            capture_output=True,
            check=False,
            text=True,
            timeout=MOST_S,
        )
        assert ran.returncode == 0, f"{line}\n{ran.stdout}{ran.stderr}"
        return ran.stdout

    def set(self, **settings: object) -> None:
        """Change settings, as with an editor."""
        changed = self.settings | {name: str(value) for name, value in settings.items()}
        lines = [f"{name}={value}\n" for name, value in changed.items()]
        (self.compose / ".env").write_text("".join(lines))

    def voxlake(self, words: str) -> Any:
        """Return what a command answers, as an administrator gives it inside."""
        return json.loads(self.do(f"docker compose exec worker voxlake {words} --json"))

    def address(self, service: str) -> str:
        """Return where a service listens."""
        lines = self.do("docker compose ps").splitlines()
        [address] = [line.split()[2] for line in lines if line.split()[0] == service]
        return address

    def tls(self) -> ssl.SSLContext:
        """Trust what Caddy made for `localhost`."""
        authority = "proxy/volumes/data/caddy/pki/authorities/local/root.crt"
        return ssl.create_default_context(cafile=str(self.stored / authority))

    def sign_in(self, browser: Browser, account: str, target: str = "/") -> httpx2.Response:
        """Sign in with an account of the issuer, and return the page that this ends on."""
        page = browser.get(f"{self.url}/login", params={"next": target})
        while not str(page.url).startswith(self.url):
            assert page.status_code == 200, page.text
            password = self.settings["ID_ADMIN_PASSWORD"]
            page = browser.send_form(page, username=account, password=password)
        return page

    @contextmanager
    def browser(self, account: str = "") -> Iterator[Browser]:
        """Return the browser of who is signed in with an account, or of anybody."""
        with Browser(verify=self.tls()) as browser:
            if account:
                assert self.sign_in(browser, account).status_code == 200
            yield browser

    @property
    def database_url(self) -> str:
        """The address of the catalog."""
        password, host = self.settings["DATABASE_PASSWORD"], self.address("database")
        return f"postgresql://voxlake:{password}@{host}:5432/voxlake"

    @contextmanager
    def database(self) -> Iterator[psycopg.Connection]:
        """Return a connection to the catalog."""
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            yield connection


def lines_of(heading: str) -> list[str]:
    """Return the lines of a section that are for a shell."""
    section = PAGE.split(f"\n## {heading}\n", 1)[1].split("\n## ")[0]
    blocks = [block.code for block in blocks_of(section) if block.language == "sh"]
    return [line for code in blocks for line in code.splitlines() if "docker tag" not in line]


@contextmanager
def installed() -> Iterator[Installation]:
    """Install all by the page, on ports that are free, and take it down at the end."""
    # Short, as PostgreSQL listens at a socket in it; its own user has to reach it.
    installation = Installation(Path(tempfile.mkdtemp(prefix="voxlake-")))
    try:
        installation.folder.chmod(0o755)
        shutil.copytree(ROOT / "deploy", installation.folder / "deploy")
        installation.follow("Settings")
        lake, identity, http = free_ports(3)
        installation.set(
            LAKE_URL=f"https://localhost:{lake}",
            ID_URL=f"https://localhost:{identity}",
            HTTP_PORT=http,
            SOURCES=installation.folder / "sources",
            GATEWAY_MEMORY_BYTES=512 << 20,
            DASK_THREADS=1,
            DASK_MEMORY="1GiB",
            TASK_MEMORY_BYTES=1 << 29,
        )
        (installation.folder / "sources").mkdir()
        yield installation
    finally:
        installation.do("docker compose down")
        shutil.rmtree(installation.folder)
