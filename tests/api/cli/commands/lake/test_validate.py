"""Anybody's OME-Zarr is validated, wherever it lies: right, unsupported and broken are three."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.servers.web import run_web

from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.api.cli.conftest import Answer, Command

type Change = Callable[[dict[str, Any]], object]


@pytest.fixture
def foreign(shared_lake: str, tmp_path: Path) -> Path:
    """An OME-Zarr with labels in it, as of another program."""
    group = tmp_path / "their.zarr"
    shutil.copytree(Path(shared_lake, "lab/cube/em.ome.zarr"), group)
    return group


def edit(node: Path, change: Change) -> None:
    """Change a ``zarr.json``, as another program does: it has no seal."""
    document = json.loads((node / "zarr.json").read_text())
    document.get("attributes", {}).pop("voxlake", None)
    change(document)
    (node / "zarr.json").write_text(json.dumps(document))


def told(answer: Answer) -> tuple[int, str, set[str]]:
    """Return how a command ended, the verdict, and severities with their rules."""
    document = answer.document
    findings = {f"{each['severity']} {each['rule']}" for each in document["findings"]}
    return answer.code, document["verdict"], findings


@pytest.mark.parametrize("name", ["lab/cube/em", "lab/cube/cells"])
def test_what_voxlake_wrote_is_right(shared: Command, name: str) -> None:
    assert told(shared("validate", name)) == (0, "right", set())
    assert "right" in shared.plain("validate", name).out
    folder = shared("info", name).ok()["store_url"]
    assert told(shared("validate", folder)) == (0, "right", set())


def plate(document: dict[str, Any]) -> None:
    document["attributes"]["ome"] = {"version": "0.5", "plate": {"columns": [], "wells": []}}


def first_level(document: dict[str, Any]) -> dict[str, Any]:
    level: dict[str, Any] = document["attributes"]["ome"]["multiscales"][0]["datasets"][0]
    return level


def rotate(document: dict[str, Any]) -> None:
    rotation = {"type": "rotation", "rotation": [[1, 0, 0], [0, 0, 1], [0, 1, 0]]}
    document["attributes"]["ome"]["version"] = "0.7"
    first_level(document)["coordinateTransformations"].append(rotation)


CASES: list[tuple[str, Change, str, str]] = [
    ("", plate, "unsupported", "UNSUPPORTED kind"),
    ("", rotate, "unsupported", "UNSUPPORTED kind"),
    ("", lambda d: first_level(d).pop("path"), "broken", "MUST metadata"),
    ("", lambda d: first_level(d).update(path="../x"), "broken", "MUST metadata"),
    ("0", lambda d: d.pop("dimension_names"), "broken", "MUST dimension-names"),
    ("0", lambda d: d["codecs"].append({"name": "x-9"}), "unsupported", "UNSUPPORTED array"),
    ("0", lambda d: d.update(shape=[23, 37]), "broken", "MUST array"),
    (
        "labels",
        lambda d: d["attributes"]["ome"].update(labels=[]),
        "right",
        "SHOULD labels-list",
    ),
    ("labels/cells/0", lambda d: d.update(data_type="float64"), "broken", "MUST data-type"),
]


@pytest.mark.parametrize(("node", "change", "verdict", "finding"), CASES)
def test_right_unsupported_and_broken_are_three(
    voxlake: Command,
    foreign: Path,
    node: str,
    change: Change,
    verdict: str,
    finding: str,
) -> None:
    edit(foreign / node, change)
    answer, code = voxlake("validate", foreign), int(verdict == "broken")
    assert told(answer)[:2] == (code, verdict)
    assert finding in told(answer)[2]
    assert str(foreign) in answer.document["findings"][0]["where"]
    shown = voxlake.plain("validate", foreign)
    assert (shown.code, verdict in shown.out, finding.split()[1] in shown.out) == (code, True, True)


def test_a_group_on_the_web(voxlake: Command, foreign: Path) -> None:
    edit(foreign / "labels/cells", plate)
    here = voxlake("validate", foreign)
    with run_web(foreign.parent) as web:
        there = voxlake("validate", f"{web.address}/their.zarr/")
        assert told(there) == told(here)
        assert told(here)[:2] == (0, "unsupported")
        missing = voxlake("validate", f"{web.address}/none.zarr")
        assert (missing.code, missing.kind) == (4, "not-found")
        web.failing.add("0/zarr.json")
        assert voxlake("validate", f"{web.address}/their.zarr/").kind == "store-unavailable"
    assert voxlake("validate", f"{web.address}/their.zarr").kind == "store-unavailable"


@pytest.mark.parametrize(
    ("where", "code"),
    [("lab/cube/none", 4), ("none.zarr", 4), ("http://h/a?b=1", 2), ("ftp://b/x", 2), ("", 2)],
)
def test_what_is_not_there(shared: Command, where: str, code: int) -> None:
    assert shared("validate", where).code == code


def test_what_lies_on_the_web_is_read_only() -> None:
    url = StoreURL.parse_readable("https://lab.org:8443/a%20b/em.zarr/")
    assert str(url) == "https://lab.org:8443/a%20b/em.zarr"
    assert (url.is_local, url.is_listed, url.name) == (False, False, "em.zarr")
    assert StoreURL.parse_readable("/data").is_listed
