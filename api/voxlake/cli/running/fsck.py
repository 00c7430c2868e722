"""Datasets are looked at, and mended if that is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlake.cli.manual.exit_codes import PARTIAL
from voxlake.cli.opened.workspace import opened_workspace
from voxlake.cli.shown.fsck import shown_fsck
from voxlake.cli.shown.output import answer
from voxlake.cli.work import finding_documents, run_quietly
from voxlake.compute.fsck.plans import OBJECTS_STAGE
from voxlake.compute.jobs import findings, start_fsck, start_repair
from voxlake.compute.sources import opening_once
from voxlake.documents.jobs.fsck import ADVICE, CheckedDataset, FsckDocument
from voxlake.ngff.making.create import seal_dataset
from voxlake.platform.errors import InvalidInputError
from voxlake.platform.names import DatasetName

if TYPE_CHECKING:
    from voxlake.cli.commands.jobs.fsck import Looking
    from voxlake.cli.options import Answering, InLake, OnCluster
    from voxlake.compute.fsck.finding import Finding
    from voxlake.compute.jobs import JobSummary, Workspace


def check_datasets(
    name: str | None, lake: InLake, cluster: OnCluster, answering: Answering, looking: Looking
) -> int:
    """Look at one dataset, or at all, and return the exit code."""
    _check_options(looking, name)
    with opening_once(), opened_workspace(lake, cluster) as workspace:
        if name is not None:
            names = [DatasetName.parse(name)]
        else:
            names = [record.name for record in workspace.catalog.list_datasets()]
        datasets = tuple(_look_and_mend(workspace, each, looking) for each in names)
    document = FsckDocument(datasets=datasets)
    answer(document, shown_fsck(document), json=answering.json)
    sound = all(finding.mended for each in datasets for finding in each.findings)
    return 0 if sound else PARTIAL


def _check_options(looking: Looking, name: str | None) -> None:
    if looking.every == (name is not None):
        raise InvalidInputError("name one dataset, or give --all for all of the lake")
    if looking.seal and looking.every:
        raise InvalidInputError("--seal takes one dataset for right; name it")
    if looking.source is not None and (looking.every or not looking.repair):
        raise InvalidInputError("--source is what --repair makes one dataset anew from; name it")


def _look_and_mend(workspace: Workspace, name: DatasetName, looking: Looking) -> CheckedDataset:
    if looking.seal:
        seal_dataset(workspace.lake / workspace.place(name).key)
    summary, findings = _look(workspace, name, looking)
    left = findings
    if looking.repair and any(finding.is_fault for finding in findings):
        job = workspace.catalog.ledger.get_job(summary.job)
        run_quietly(workspace, start_repair(workspace, job, looking.source))
        summary, left = _look(workspace, name, looking)
    still = {finding.key for finding in left}
    before = [finding for finding in findings if finding.key not in still]
    documents = (
        *finding_documents(workspace, name, before, mended=True),
        *finding_documents(workspace, name, left),
    )
    return CheckedDataset(
        dataset=summary.dataset,
        job=summary.job,
        shards=sum(stage.tasks for stage in summary.stages if stage.stage != OBJECTS_STAGE),
        voxels=summary.voxels,
        seconds=summary.seconds,
        findings=tuple(each for each in documents if each.check != ADVICE),
        advice=tuple(each for each in documents if each.check == ADVICE and not each.mended),
    )


def _look(
    workspace: Workspace, name: DatasetName, looking: Looking
) -> tuple[JobSummary, list[Finding]]:
    job = start_fsck(workspace, name, quick=looking.quick)
    summary = run_quietly(workspace, job)
    return summary, list(findings(workspace, job))
