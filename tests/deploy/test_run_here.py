"""What stands in the composition is what runs here: names, addresses and paths are put in place."""

from __future__ import annotations

import importlib
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.docs.pages import ROOT

if TYPE_CHECKING:
    from deploy.here.place import Place

NETWORK = "127.1.2"
SERVICES = (
    "gateway",
    "worker",
    "scheduler",
    "dask-worker",
    "store",
    "prometheus",
    "alertmanager",
    "proxy",
)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """The composition of a folder in which nothing runs."""
    monkeypatch.syspath_prepend(str(ROOT))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    settings = (ROOT / "deploy" / "compose" / "settings.env").read_text()
    env_file = tmp_path / "all.env"
    env_file.write_text(re.sub(r"=$", "=secret", settings, flags=re.MULTILINE))
    module = importlib.import_module("deploy.here.place")
    made: Place = module.Place(tmp_path, env_file, NETWORK)
    return made


@pytest.mark.parametrize("name", SERVICES)
def test_a_command_names_nothing_that_is_not_here(place: Place, name: str) -> None:
    service = place.services[name]
    told = [*service["command"], *(service.get("environment") or {}).values()]
    mounted = [
        Path(volume["source"]).read_text()
        for volume in service.get("volumes", [])
        if volume["type"] == "bind" and Path(volume["source"]).is_file()
    ]
    names = "|".join(place.services)
    for text in (place.here(name, str(each)) for each in (*told, *mounted)):
        code = re.sub(r"^\s*#.*$", "", text, flags=re.MULTILINE)
        assert not re.search(rf"[/=@\s\"\[]({names}):\d|=({names})$|0\.0\.0\.0|172\.30\.", code)


def test_services_have_addresses_of_their_own(place: Place) -> None:
    addresses = [place.address(name) for name in place.services]
    assert len(set(addresses)) == len(addresses)
    assert {each.rpartition(".")[0] for each in addresses} == {NETWORK, "127.0.0"}
    assert place.address("proxy") == "127.0.0.1"


def test_what_is_meant_is_replaced_and_nothing_else(place: Place) -> None:
    store, volumes = place.address("store"), place.folder / "store" / "volumes"
    for text, here in {
        "http://store:8333": f"http://{store}:8333",
        "-ip=store": f"-ip={store}",
        "-dir=/data": f"-dir={volumes / 'data'}",
        "s3://store/data": "s3://store/data",
        "store": "store",
        "bookstore:80": "bookstore:80",
        "/database": "/database",
    }.items():
        assert place.here("store", text) == here
