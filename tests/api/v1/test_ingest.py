"""Ingest jobs over HTTP: who may, what is refused; `tests/integration` runs the client itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.api.asgi import InProcess
from tests.api.conftest import TOKEN, Served
from tests.api.lakes import Sample, add_sample, image_voxels
from tests.api.v1.conftest import FRAME

from voxlake.api.app import create_app
from voxlake.api.identity.local import LocalIdentity
from voxlake.platform.access import Principal
from voxlake.platform.catalog import open_catalog
from voxlake.platform.catalog.data.uploads import UploadState
from voxlake.platform.jobs.record import JobState
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

    from voxlake.platform.store import StoreURL

OWNER = {"authorization": f"Token {TOKEN}"}
ALL = Principal("owner", is_owner=True)
TAKES = {
    "failed_logins_per_minute": 0,
    "upload_store": "s3://uploads/boss",
    "upload_access_key_id": "client",
    "upload_secret_access_key": "client-secret",
    "VOXLAKE_SQS_ENDPOINT": "http://127.0.0.1:1",
}
"""Settings of a gateway that takes ingest jobs; nobody answers at its SQS."""


def config(channel: str = "lab/brain/em", **job: Any) -> dict[str, Any]:
    """Return a configuration of boss-ingest."""
    processor = {"class": "my.Plugin", "params": {"password": "of my own"}}
    extent = {"x": [0, 71], "y": [0, 67], "z": [0, 45], "t": [0, 1]}
    backend = {"name": "boss", "class": "BossBackend", "host": "", "protocol": "https"}
    return {
        "schema": {"name": "boss-v0.2-schema", "validator": "BossValidatorV02"},
        "client": {
            "backend": backend,
            "path_processor": processor,
            "tile_processor": processor,
            "chunk_processor": processor,
        },
        "database": dict(
            zip(("collection", "experiment", "channel"), channel.split("/"), strict=True)
        ),
        "ingest_job": {
            "ingest_type": "tile",
            "resolution": 0,
            "extent": extent,
            "tile_size": {"x": 32, "y": 32, "z": 1},
            "chunk_size": {"x": 512, "y": 512, "z": 16},
        }
        | job,
    }


@pytest.fixture(scope="module")
def taking(bossdb: Served) -> Iterator[InProcess]:
    """A gateway that takes ingest jobs; nobody answers at its SQS."""
    settings = Settings.model_validate(TAKES)
    app = create_app(settings, bossdb.lake, bossdb.catalog, bossdb.identity)
    with InProcess(app) as asked:
        yield asked


def test_a_server_that_takes_none_says_what_to_set(web: httpx2.Client) -> None:
    answer = web.post("/latest/ingest/", json=config())
    assert answer.status_code == 404
    assert "VOXLAKE_UPLOAD_STORE" in answer.json()["message"]


def test_a_job_is_recorded_and_its_queue_is_a_worker_s(bossdb: Served, taking: InProcess) -> None:
    answer = taking.ask("POST", "/latest/ingest/", OWNER, config())
    assert answer.status == 201, answer
    begun = answer.json()
    assert (begun["status"], begun["tile_count"]) == (0, 45 * 3 * 3)
    upload = bossdb.catalog.uploads.get(begun["id"])
    assert "password" not in upload.config
    jobs = bossdb.catalog.ledger.jobs_of(upload.dataset, kind="queue-upload")
    assert [job.state for job in jobs if job.spec["upload"] == upload.id] == [JobState.QUEUED]
    listed = taking.ask("GET", "/v1/ingest", OWNER).json()["ingest_jobs"]
    assert [each["id"] for each in listed] == [begun["id"]]
    assert taking.ask("GET", f"/v1/ingest/{upload.id}/status", OWNER).status == 503
    why = "SQS was away"
    bossdb.catalog.uploads.move(upload.id, {upload.state}, UploadState.FAILED, why)
    refused = taking.ask("GET", f"/v1/ingest/{upload.id}", OWNER)
    assert refused.status == 409
    assert f"failed: {why}; once that is mended" in refused.json()["message"]
    assert taking.ask("DELETE", f"/v1/ingest/{upload.id}", OWNER).status == 204
    assert bossdb.catalog.uploads.get(upload.id).state is UploadState.DELETED
    (job,) = bossdb.catalog.ledger.jobs_of(upload.dataset, kind="queue-upload")
    assert job.state is JobState.CANCELLED
    assert taking.ask("GET", "/v1/ingest", OWNER).json()["ingest_jobs"] == []
    assert taking.ask("POST", f"/v1/ingest/{upload.id}/complete", OWNER).status == 409


def test_a_job_whose_dataset_is_deleted_waits_until_it_is_back(lake: StoreURL) -> None:
    name, settings = DatasetName.parse("lab/brain/em"), Settings.model_validate(TAKES)
    with open_catalog(lake, settings) as catalog:
        add_sample(lake, catalog, Sample(str(name), image_voxels((8, 8, 8)), levels=1))
        app = create_app(settings, lake, catalog, LocalIdentity(TOKEN))
        extent = {"x": [0, 8], "y": [0, 8], "z": [0, 8], "t": [0, 1]}
        with InProcess(app) as asked:
            begun = asked.ask("POST", "/v1/ingest", OWNER, config(extent=extent)).json()
            job = f"/v1/ingest/{begun['id']}"
            claim = catalog.ledger.claim_oldest()
            assert claim is not None
            catalog.ledger.set_state(claim, JobState.DONE)
            catalog.deletion.begin(name, ALL, days=7)
            uses = (("GET", ""), ("GET", "/status"), ("POST", "/complete"), ("DELETE", ""))
            for method, path in uses:
                refused = asked.ask(method, job + path, OWNER)
                assert refused.status == 409
                assert "lab/brain/em is deleted, and nothing" in refused.json()["message"]
            assert asked.ask("GET", "/v1/ingest", OWNER).json()["ingest_jobs"] == []
            [place] = catalog.deleted.list_allowed(ALL)
            catalog.deleted.restore(place.node, ALL)
            [back] = asked.ask("GET", "/v1/ingest", OWNER).json()["ingest_jobs"]
            assert back["id"] == begun["id"]
            assert asked.ask("GET", f"{job}/status", OWNER).status == 503  # SQS is asked


@pytest.mark.parametrize(
    ("asked", "status", "said"),
    [
        (config("lab/brain/absent"), 404, "lab/brain/absent"),
        (config("lab/light/dyes"), 400, "axes c, z, y, x"),
        (config(resolution=1), 400, "upload level 0"),
        (config(ingest_type="volumetric", chunk_size=None), 400, "chunk_size is missing"),
        (config(extent={"x": [0, 72], "y": [0, 1], "z": [0, 1], "t": [0, 1]}), 400, "lab/brain/em"),
        (config(extent={"x": [0, 1], "y": [0, 1], "z": [0, 1], "t": [0, 2]}), 400, "lab/brain/em"),
        ({"schema": {}}, 400, "ingest_job"),
    ],
    ids=str,
)
def test_what_is_refused(taking: InProcess, asked: Any, status: int, said: str) -> None:
    answer = taking.ask("POST", "/v1/ingest", OWNER, asked)
    assert answer.status == status, answer
    assert said in answer.json()["message"]


def test_extents_are_those_of_the_frame(taking: InProcess) -> None:
    lo = FRAME.start
    extent = {"x": [lo[2], lo[2] + 37], "y": [0, lo[1] + 33], "z": [0, 20], "t": [0, 3]}
    begun = taking.ask("POST", "/v1/ingest", OWNER, config("lab/light/film", extent=extent))
    assert begun.status == 201, begun
    assert taking.ask("DELETE", f"/v1/ingest/{begun.json()['id']}", OWNER).status == 204
    extent["y"] = [0, lo[1] + 34]
    assert (
        taking.ask("POST", "/v1/ingest", OWNER, config("lab/light/film", extent=extent)).status
        == 400
    )


def test_nobody_in_particular_has_none(taking: InProcess) -> None:
    for method, path in (("POST", ""), ("GET", ""), ("GET", "/1"), ("POST", "/1/complete")):
        answer = taking.ask(method, f"/v1/ingest{path}", {}, config() if not path else None)
        assert answer.status == 401
