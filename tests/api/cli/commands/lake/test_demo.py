"""The demo: made, made again, gone on with, served."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urljoin

import httpx2
import numpy as np
import pytest

from voxlake.cli import demo_lake
from voxlake.cli.running.demo import public_link
from voxlake.compute.jobs import running
from voxlake.compute.sample.folder import write_sample_folder
from voxlake.compute.sources import open_source
from voxlake.ngff.dataset import open_dataset
from voxlake.ngff.grid.box import Box
from voxlake.platform.names import DatasetName
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.api.cli.conftest import Command

SIZE = 70


def test_phantom_is_made_verified_and_used_again(voxlake: Command) -> None:
    document = voxlake("demo", "--size", SIZE, "--no-serve").ok()
    image, labels = document["datasets"]
    assert [each["dataset"]["name"] for each in (image, labels)] == [
        f"phantom/cube-{SIZE}/em",
        f"phantom/cube-{SIZE}/cells",
    ]
    for each in (image, labels):
        assert each["dataset"]["shape"] == [SIZE] * 3
        assert each["verified"]
        assert each["ingest"]["state"] == "done"
        assert each["ingest"]["run"]["voxels"] >= SIZE**3
    ids = open_source(f"phantom:{SIZE}?seed=0&kind=labels").read(Box.of_shape((SIZE,) * 3))
    assert labels["labels"] == np.count_nonzero(np.unique(ids))
    assert labels["dataset"]["index"]["rows"] >= labels["labels"]
    assert all(each["public"] for each in voxlake("ls").ok()["datasets"])
    again = voxlake("demo", "--size", SIZE, "--no-serve").ok()
    assert [each["ingest"] for each in again["datasets"]] == [None, None]
    assert again["verified"]
    assert "verified  yes" in voxlake.plain("demo", "--size", SIZE, "--no-serve").out


def test_sample_folder_is_ingested(voxlake: Command, tmp_path: Path) -> None:
    folder = tmp_path / "sample"
    image = np.random.default_rng(0).integers(0, 256, (20, 30, 40), np.uint8)
    write_sample_folder(folder, image, (image // 64).astype(np.uint64))
    document = voxlake("demo", "--sample", folder, "--no-serve").ok()
    assert [each["dataset"]["name"] for each in document["datasets"]] == [
        "flyem/fib25/em",
        "flyem/fib25/bodies",
    ]
    assert "FlyEM" in document["credit"]
    assert document["datasets"][1]["labels"] == 3
    wrong = voxlake("demo", "--sample", tmp_path / "nowhere", "--no-serve")
    assert (wrong.code, wrong.kind) == (2, "bad-source")


def test_demo_that_was_cut_off_goes_on(voxlake: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    run_stage = running._run_stage

    def stop(*given: Any) -> Any:
        if given[-2].stage == "index":
            raise KeyboardInterrupt
        return run_stage(*given)

    with monkeypatch.context() as patched:
        patched.setattr(running, "_run_stage", stop)
        assert voxlake("demo", "--size", SIZE, "--no-serve").code == 130
    document = voxlake("demo", "--size", SIZE, "--no-serve").ok()
    assert [each["ingest"] is not None for each in document["datasets"]] == [False, True]
    jobs = voxlake("jobs").ok()["jobs"]
    assert sum(job["kind"] == "ingest" for job in jobs) == 2
    assert all(job["state"] == "done" for job in jobs)


def test_offline_a_phantom_stands_in(voxlake: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_lake, "PHANTOM_SIZE", SIZE)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    answer = voxlake("demo", "--no-serve")
    assert answer.ok()["sample"] == f"phantom {SIZE}"
    assert answer.document["verified"]
    assert "a phantom with known labels stands in" in answer.err
    names = [each["dataset"]["name"] for each in answer.document["datasets"]]
    assert names == ["flyem/fib25/em", "flyem/fib25/bodies"]


def test_a_phantom_that_stood_in_is_shown_again(
    voxlake: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(demo_lake, "PHANTOM_SIZE", 20)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    voxlake("demo", "--no-serve").ok()
    sample = write_sample_folder(
        tmp_path / "sample", np.ones((20,) * 3, np.uint8), np.ones((20,) * 3, np.uint64)
    )
    again = voxlake("demo", "--no-serve", "--sample", sample.path)
    assert (again.ok()["sample"], again.document["verified"]) == ("phantom 20", True)
    assert "--lake" in again.err


def test_a_sample_that_is_there_is_not_replaced_by_a_phantom(
    voxlake: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sample = write_sample_folder(
        tmp_path / "sample", np.ones((20,) * 3, np.uint8), np.ones((20,) * 3, np.uint64)
    )
    voxlake("demo", "--no-serve", "--sample", sample.path).ok()
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    offline = voxlake("demo", "--no-serve")
    assert offline.kind == "store-unavailable"
    assert any("voxlake serve" in hint for hint in offline.document["hints"])


@pytest.fixture
def served(voxlake: Command) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """A demo that serves, and the document that it printed."""
    words = ["demo", "--size", "20", "--port", "0", "--json"]
    process = subprocess.Popen(
        [sys.executable, "-m", "voxlake.cli", *words], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    yield process, _first_document(process.stdout)
    process.kill()
    process.wait()
    process.stdout.close()


def test_link_of_the_demo_leads_to_both_layers(
    served: tuple[subprocess.Popen[str], dict[str, Any]],
) -> None:
    process, document = served
    link = document["serving"]["login_link"]
    with httpx2.Client(follow_redirects=False) as browser:
        first = browser.get(link)
        assert first.status_code == 303
        view = browser.get(urljoin(link, first.headers["location"]))
        assert view.status_code == 302
        for layer in ("em", "cells"):
            assert f"/zarr/phantom/cube-20/{layer}/" in unquote(view.headers["location"])
        key = f"{document['serving']['url']}/zarr/phantom/cube-20/em/zarr.json"
        assert browser.get(key).json()["attributes"]["ome"]["version"] == "0.5"
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0


def test_serve_prints_a_link(shared: Command) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "voxlake.cli", "serve", "--port", "0", "--json"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout as stdout:
        document = _first_document(stdout)
        with httpx2.Client(follow_redirects=True) as browser:
            page = browser.get(document["login_link"]).text
        assert page.count('href="/view/') == 2
        assert Path(document["token_file"]).stat().st_mode & 0o077 == 0
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0


def test_serve_names_a_port_that_is_taken(shared: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        answer = shared("serve", "--port", taken.getsockname()[1])
    assert (answer.code, answer.kind) == (2, "invalid-input")
    assert "where another program listens" in answer.document["detail"]
    assert "--port 0" in answer.document["detail"]


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1"])
def test_serve_stays_on_this_machine(shared: Command, host: str) -> None:
    answer = shared("serve", "--host", host)
    assert (answer.code, answer.kind) == (2, "invalid-input")


def test_public_link_shows_both_layers(shared: Command) -> None:
    lake = StoreURL.parse(shared.lake) / "lab" / "cube"
    shown = [
        (DatasetName("lab", "cube", "em"), open_dataset(lake / "em.ome.zarr")),
        (DatasetName("lab", "cube", "cells"), open_dataset(lake / "em.ome.zarr/labels/cells")),
    ]
    link = public_link("http://127.0.0.1:8080", shown)
    for name, _ in shown:
        assert f"http://127.0.0.1:8080/zarr/{name}/" in unquote(link)


def _first_document(stream: Any) -> dict[str, Any]:
    lines = []
    for line in stream:
        lines.append(line)
        if line == "}\n":
            break
    document = json.loads("".join(lines))
    assert isinstance(document, dict)
    return document
