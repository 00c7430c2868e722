"""Kinds of jobs: what the catalog keeps of them is read for ever."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from voxlake.compute.fsck.finding import Check, findings_of
from voxlake.compute.jobs import IngestRequest, Workspace, run_job, start_ingest
from voxlake.compute.jobs.kinds import KINDS, kind_of, work_of
from voxlake.compute.sources import open_source
from voxlake.compute.verify.results import ComparedShard, compared_shards
from voxlake.ngff.grid.axes import VoxelSize
from voxlake.ngff.grid.box import Box
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.lake import Place
from voxlake.platform.catalog import DatasetState
from voxlake.platform.errors import UnsupportedError
from voxlake.platform.jobs.record import JSON, JobState
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from voxlake.platform.store import StoreURL

SEG = Place(DatasetName.parse("c/e/seg"), Kind.LABELS)

SPECS = {
    "ingest": """{"name": "c/f/seg2", "kind_of_dataset": "labels", "of": null, "kind": "ingest",
        "source": "SOURCE", "source_fingerprint": "MARK",
        "voxel_size": {"z": 10.0, "y": 10.0, "x": 10.0, "unit": "nanometer"}, "index": true,
        "public": false, "reverse": ["z"], "reduction": "mode", "steps": [[2, 2, 2], [2, 2, 2]],
        "task_bytes": 1}""",
    "downsample": """{"name": "c/e/seg", "kind_of_dataset": "labels", "of": null,
        "kind": "downsample", "task_bytes": 1,
        "boxes": [{"start": [0, 0, 0], "stop": [4, 5, 60]}]}""",
    "index": """{"name": "c/e/seg", "kind_of_dataset": "labels", "of": null, "kind": "index"}""",
    "verify": """{"name": "c/e/seg", "kind_of_dataset": "labels", "of": null, "kind": "verify",
        "source": "SOURCE", "source_fingerprint": "MARK", "reverse": [], "task_bytes": 1,
        "hashes": true}""",
    "fsck": """{"name": "c/e/seg", "kind_of_dataset": "labels", "of": null, "kind": "fsck",
        "index": true, "quick": false}""",
    "repair": """{"name": "c/e/seg", "kind_of_dataset": "labels", "of": null, "kind": "repair",
        "look": "LOOK", "source": {"location": "SOURCE", "fingerprint": "MARK",
        "reverse": []}}""",
    "look": """{"name": "c/e/seg", "kind_of_dataset": "image", "of": null, "kind": "look",
        "asked": {"dataset": "c/e/seg", "source": "SOURCE", "axes": ""}}""",
    "plan": """{"name": "c/e/seg", "kind_of_dataset": "labels", "of": null, "kind": "plan",
        "asked": {"kind": "downsample", "dataset": "c/e/seg", "stale": false}}""",
    "start": """{"name": "c/e/seg", "kind_of_dataset": "labels", "of": null, "kind": "start",
        "asked": {"kind": "verify", "dataset": "c/e/seg", "source": null}}""",
    "remove": """{"name": "c/e/seg", "kind_of_dataset": "labels", "of": null, "kind": "remove",
        "with_labels": false}""",
}
"""Of one job of each kind, as voxlake records them; the first six as 0.1 did."""

UPLOADS = {
    name: f"""{{"name": "c/e/seg", "kind_of_dataset": "labels", "of": null, "kind": "{name}",
        "upload": 7}}"""
    for name in ("queue-upload", "write-upload", "clear-upload")
}
UPLOADS["finish-upload"] = """{"name": "c/e/seg", "kind_of_dataset": "labels", "of": null,
    "kind": "finish-upload", "task_bytes": 1, "asked": "{}"}"""
"""Of one job of each kind that works for an upload; `tests/integration` runs those of an SQS."""


@pytest.fixture
def workspace(lake: StoreURL) -> Iterator[Workspace]:
    with Workspace.opened(lake, Settings(workers=0)) as opened:
        yield opened


@pytest.fixture
def source(workspace: Workspace, tmp_path: Path) -> str:
    """Labels that are a dataset of the lake."""
    voxels = np.random.default_rng(0).integers(0, 5, (20, 30, 60)).astype(np.uint64)
    np.save(tmp_path / "seg.npy", voxels)
    request = IngestRequest(
        str(tmp_path / "seg.npy"), SEG, VoxelSize(10, 10, 10), levels=3, index=True
    )
    run_job(workspace, start_ingest(workspace, request))
    return request.source


def holds(read: object, recorded: object) -> bool:
    """Whether all that was recorded is read as it was, whatever fields came since."""
    if isinstance(read, dict) and isinstance(recorded, dict):
        return all(name in read and holds(read[name], recorded[name]) for name in recorded)
    return read == recorded


def test_jobs_of_every_kind_that_were_recorded_before_go_on(
    workspace: Workspace, source: str
) -> None:
    assert [kind.name for kind in KINDS] == [*SPECS, *UPLOADS]
    ledger, known = workspace.catalog.ledger, {"SOURCE": source, "LOOK": ""}
    known["MARK"] = open_source(source).fingerprint
    for name, text in SPECS.items():
        for word, value in known.items():
            text = text.replace(word, value)  # noqa: PLW2901
        spec: dict[str, Any] = json.loads(text)
        job = ledger.create_job(name, DatasetName.parse(spec["name"]), spec)
        assert kind_of(job).name == name
        assert holds(work_of(workspace, job).spec.model_dump(mode="json"), spec)
        summary = run_job(workspace, job)
        assert summary.differences == ()
        assert ledger.get_job(job.id).state is JobState.DONE
        known["LOOK"] = job.id
    made = workspace.catalog.get_dataset(DatasetName.parse("c/f/seg2"))
    assert made.state is DatasetState.READY


@pytest.mark.parametrize("name", UPLOADS)
def test_jobs_of_uploads_that_were_recorded_before_are_read(
    workspace: Workspace, name: str
) -> None:
    spec = json.loads(UPLOADS[name])
    job = workspace.catalog.ledger.create_job(name, SEG.name, spec)
    assert kind_of(job).name == name
    assert holds(work_of(workspace, job).spec.model_dump(mode="json"), spec)


def test_a_kind_of_a_later_version_is_refused(workspace: Workspace) -> None:
    job = workspace.catalog.ledger.create_job("teleport", SEG.name, {})
    with pytest.raises(UnsupportedError, match="a teleport job"):
        run_job(workspace, job)
    assert workspace.catalog.ledger.get_job(job.id).state is JobState.FAILED


def test_what_tasks_found_before_is_read() -> None:
    region: dict[str, JSON] = {
        "voxels": 9,
        "different": 2,
        "shards": [
            {"index": 4, "voxels": 8, "different": 0},
            {
                "index": 5,
                "voxels": 1,
                "different": 1,
                "shard": "s",
                "note": "n",
                "decoded": None,
                "stored": "h",
                "bytes": 3,
            },
        ],
    }
    alone: dict[str, JSON] = {
        "voxels": 8,
        "different": 0,
        "decoded": "d",
        "stored": None,
        "bytes": 0,
    }
    assert list(compared_shards([region])) == [
        ComparedShard(index=4, voxels=8),
        ComparedShard(index=5, voxels=1, different=1, shard="s", note="n", stored="h", bytes=3),
    ]
    second = ComparedShard(index=1, voxels=8, decoded="d")
    assert list(compared_shards([alone, alone]))[1] == second
    told = {
        "check": "damaged-shard",
        "where": "w",
        "text": "t",
        "level": 0,
        "cell": [0, 0, 1],
        "box": {"start": [0, 0, 512], "stop": [1, 2, 600]},
        "below": True,
    }
    recorded: list[dict[str, JSON]] = [
        {"voxels": 0, "findings": None},
        {"voxels": 1, "findings": json.dumps([told])},
    ]
    (finding,) = findings_of(recorded)
    assert (finding.check, finding.cell) == (Check.DAMAGED_SHARD, (0, 0, 1))
    assert finding.box == Box((0, 0, 512), (1, 2, 600))
