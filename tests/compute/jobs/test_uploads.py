"""Jobs of uploads whose SQS is away; `tests/integration/test_boss_ingest.py` has them whole."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.api.lakes import Sample, add_sample
from tests.servers.moto import run_moto
from tests.servers.s3 import ACCESS_KEY, SECRET_KEY

from voxlake.compute.jobs import Workspace
from voxlake.compute.jobs.kinds.uploads.queue import QueueTask
from voxlake.compute.jobs.kinds.uploads.upload import folder_of
from voxlake.compute.jobs.kinds.uploads.write import UploadTarget, WriteTask
from voxlake.compute.jobs.running import run_claimed
from voxlake.compute.sources.boss_ingest.uploaded import Uploaded
from voxlake.documents.bossdb.ingest import Job
from voxlake.ngff.grid.box import Box
from voxlake.platform import store
from voxlake.platform.access import Principal
from voxlake.platform.aws.queues import Queues, queues_of, upload_queue
from voxlake.platform.catalog.data.uploads import UploadState
from voxlake.platform.errors import StoreUnavailableError
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from voxlake.platform.store import StoreURL

ALL = Principal("owner", is_owner=True)
JOB = """{"resolution": 0, "tile_size": {"x": 8, "y": 8, "z": 1},
"extent": {"x": [0, 8], "y": [0, 8], "z": [0, 8], "t": [0, 1]}}"""


def test_a_queue_that_is_away_fails_the_upload_and_says_so(
    lake: StoreURL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOXLAKE_SQS_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("VOXLAKE_UPLOAD_STORE", "s3://uploads/boss")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with Workspace.opened(lake, Settings()) as workspace:
        catalog = workspace.catalog
        add_sample(lake, catalog, Sample("lab/brain/em", np.zeros((8, 8, 8), "uint8"), levels=1))
        name = DatasetName.parse("lab/brain/em")
        upload = catalog.uploads.begin(name, None, JOB, (0, 0, 0))
        claim = catalog.ledger.claim_oldest(lease_s=0.5)
        assert claim is not None
        with pytest.raises(StoreUnavailableError, match="SQS does not answer"):
            run_claimed(workspace, claim)
        found = catalog.uploads.get(upload.id)
        assert found.state is UploadState.FAILED
        assert "SQS does not answer for queue voxlake-upload-1-" in found.message
        assert catalog.uploads.complete(upload.id).state is UploadState.COMPLETING
        assert catalog.ledger.claim_oldest() is not None


def test_clients_find_no_queue_while_the_dataset_is_deleted(
    lake: StoreURL, monkeypatch: pytest.MonkeyPatch
) -> None:
    with run_moto() as server:
        for name in ("VOXLAKE_SQS_ENDPOINT", "VOXLAKE_S3_ENDPOINT"):
            monkeypatch.setenv(name, server.endpoint)
        monkeypatch.setenv("VOXLAKE_UPLOAD_STORE", f"s3://{server.bucket}/boss")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
        settings = Settings(workers=0)
        with Workspace.opened(lake, settings) as workspace:
            catalog, queues = workspace.catalog, queues_of(settings)
            add_sample(
                lake, catalog, Sample("lab/brain/em", np.zeros((8, 8, 8), "uint8"), levels=1)
            )
            em = DatasetName.parse("lab/brain/em")
            upload = catalog.uploads.begin(em, None, JOB, (0, 0, 0))

            def waiting() -> int | None:
                claim = catalog.ledger.claim_oldest()
                assert claim is not None
                run_claimed(workspace, claim)
                url = queues.url(upload_queue(upload.name))
                return None if url is None else queues.waiting(url).visible

            assert waiting() == 8
            assert catalog.uploads.get(upload.id).state is UploadState.UPLOADING
            catalog.deletion.begin(em, ALL, days=7)
            assert waiting() is None
            folder = folder_of(settings, upload)
            job = Job.model_validate_json(upload.config)
            uploaded = Uploaded.of_job(folder, upload.id, job)
            [piece] = uploaded.pieces(3)
            store.write(piece.url, b"a tile")
            [place] = catalog.deleted.list_allowed(ALL)
            catalog.deleted.restore(place.node, ALL)
            assert waiting() == 7
            assert catalog.uploads.get(upload.id).state is UploadState.UPLOADING


def test_tasks_are_small(lake: StoreURL) -> None:
    whole = Box((0, 0, 0, 0), (1, 9, 90, 90))
    uploaded = Uploaded(lake, 1, whole, (1, 8, 8), is_volumetric=False)
    queues = Queues("http://127.0.0.1:1", "us-east-1")
    target = UploadTarget(lake, None, ("z", "y", "x"), (0, 0, 0))
    for task in (
        QueueTask(uploaded, queues, "http://127.0.0.1:1/1/voxlake-upload-1", 7),
        WriteTask(target, uploaded, Box((0, 0, 0), (9, 90, 90))),
    ):
        assert len(pickle.dumps(task)) < 1200
