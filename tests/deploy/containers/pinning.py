"""`deploy/images/pin` pins what a registry tells: part of ``make containers``."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

from tests.deploy.containers.composition import machine as machine
from tests.deploy.containers.images import DEPLOY, NONE, SERVICES, import_base, tags

if TYPE_CHECKING:
    from tests.deploy.containers.machine import Machine

REGISTRY = "localhost:5000"
SERVE = """exec > /var/log/registry 2>&1 < /dev/null
sed --in-place '/^auth:/,/path:/d' /etc/docker/registry/config.yml  # anybody may push
docker-registry serve /etc/docker/registry/config.yml &
until wget -q -O /dev/null http://localhost:5000/v2/; do sleep 0.2; done"""


def test_images_are_pinned_as_a_registry_tells(machine: Machine) -> None:
    machine.run("bash", "-c", SERVE)
    shutil.rmtree(machine.root / "pinned", ignore_errors=True)
    shutil.copytree(DEPLOY, machine.root / "pinned")
    import_base(machine)
    files = [
        machine.root / "pinned" / name for name in ("images/Dockerfile", "compose/compose.yaml")
    ]
    images = {*tags().values(), *(SERVICES[name]["image"] for name in NONE)}
    told = "".join(file.read_text() for file in files)
    for image in images:
        copy = f"{REGISTRY}/{image}"
        machine.run("docker", "tag", "base", copy)
        machine.run("docker", "push", "--quiet", copy)
        form = "{{range .RepoDigests}}{{.}} {{end}}"
        digests = machine.run("docker", "inspect", "--format", form, copy).split()
        [digest] = {
            each.split("@")[1] for each in digests if each.startswith(copy.rpartition(":")[0] + "@")
        }
        told = re.sub(
            rf"(?<=[= ]){re.escape(image)}$", f"{copy}@{digest}", told, flags=re.MULTILINE
        )
    for _ in range(2):
        machine.run("/pinned/images/pin", REGISTRY)
        assert "".join(file.read_text() for file in files) == told
    assert told.count("@sha256:") == len(images) + 1  # one is that of two services
    # A tag that leads to another image is pinned anew.
    moved = f"{REGISTRY}/{SERVICES['proxy']['image']}"
    import_base(machine)
    machine.run("docker", "tag", "base", moved)
    machine.run("docker", "push", "--quiet", moved)
    machine.run("/pinned/images/pin", REGISTRY)
    [line] = [each for each in files[1].read_text().splitlines() if moved in each]
    assert line.startswith(f"    image: {moved}@sha256:")
    assert line not in told
    machine.run("docker", "pull", "--quiet", line.split()[1])
