"""A job is planned: what it reads is looked at, and a sample of it taken."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from voxlake.cli.opened.labels_inside import labels_left_out
from voxlake.cli.opened.lake import is_lake
from voxlake.cli.opened.workspace import opened_workspace
from voxlake.cli.running.request import ingest_request
from voxlake.cli.shown.output import answer
from voxlake.cli.shown.plan import shown_plan
from voxlake.compute.forecast.costs import read_prices, user_file
from voxlake.compute.forecast.forecast import forecast
from voxlake.compute.forecast.machines import machines_of
from voxlake.compute.forecast.sampling import take_sample
from voxlake.compute.forecast.target import target_of_dataset, target_of_ingest
from voxlake.compute.jobs.kinds.ingest import checked_ingest
from voxlake.compute.jobs.kinds.ingest_spec import calibration_of, ingest_spec, refused_places
from voxlake.compute.jobs.with_labels import check_labels, check_together, labels_requests
from voxlake.compute.jobs.workspace import task_limits
from voxlake.compute.sources import opening_once
from voxlake.documents.jobs.plan import PricesDocument
from voxlake.platform.errors import InvalidInputError
from voxlake.platform.names import DatasetName

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxlake.cli.commands.jobs.plan import Planning
    from voxlake.cli.options import Answering, InLake, OnCluster
    from voxlake.compute.forecast.target import Target
    from voxlake.compute.jobs import IngestRequest
    from voxlake.compute.jobs.kinds.ingest_spec import IngestSpec


def plan_job(
    source: str | None,
    name: str | None,
    lake: InLake,
    cluster: OnCluster,
    planning: Planning,
    answering: Answering,
) -> None:
    """Tell what is asked for: the prices in force, or what a job will store, take and cost."""
    if planning.show_prices:
        _show_prices(planning, answering)
        return
    if planning.job == "ingest":
        target = _ingest(source, name, planning, lake, cluster)
    else:
        target = _downsample(source, name, lake, cluster)
    machines = machines_of(cluster.settings, planning.cores)
    prices, where, _ = read_prices(planning.prices)
    sample = take_sample(target, seconds=planning.seconds)
    document = forecast(target, sample, machines, prices, where)
    answer(document, shown_plan(document), json=answering.json)


def _ingest(
    source: str | None, name: str | None, planning: Planning, lake: InLake, cluster: OnCluster
) -> Target:
    if source is None or name is None or planning.kind is None:
        raise InvalidInputError(
            "an ingest is planned of a source, a name and a kind; write voxlake plan SOURCE NAME "
            "--kind image"
        )
    request = ingest_request(source, name, planning.kind, planning)
    with opening_once():
        refused = refused_places(calibration_of(request, request.open()))
        # Sizes and times are the same without places.
        spec = _spec(replace(request, drop_transform=True) if refused else request, lake, cluster)
        target = target_of_ingest(spec, task_limits(cluster.settings, spec.task_bytes))
        notes = [f"an ingest refuses {refused}"] if refused else []
        notes += _labels_inside(request, planning, lake, cluster, spec)
        return replace(target, notes=tuple(notes))


def _labels_inside(
    image: IngestRequest, planning: Planning, lake: InLake, cluster: OnCluster, spec: IngestSpec
) -> Iterator[str]:
    """Check the labels inside the source of an image if they are asked for; yield what they are."""
    if not planning.with_labels:
        yield from labels_left_out(image)
        return
    requests = labels_requests(image, index=planning.index)
    if lake.lake is not None and is_lake(lake.url):
        with opened_workspace(lake, cluster) as workspace:
            check_together(workspace, image, requests)
    else:
        check_labels(spec, requests, cluster.settings)
    names = ", ".join(each.place.name.dataset for each in requests)
    yield f"labels are ingested with it, and not in these figures: {names}"


def _spec(request: IngestRequest, lake: InLake, cluster: OnCluster) -> IngestSpec:
    """Check the request, against the lake too if there is one."""
    there = lake.lake is not None and is_lake(lake.url)
    if not there and request.place.of is None:
        return ingest_spec(request, None, cluster.settings)
    with opened_workspace(lake, cluster) as workspace:
        return checked_ingest(workspace, request)


def _downsample(name: str | None, second: str | None, lake: InLake, cluster: OnCluster) -> Target:
    if name is None or second is not None:
        raise InvalidInputError(
            "a downsample is planned of a dataset alone; write voxlake plan NAME --job downsample"
        )
    settings, dataset = cluster.settings, DatasetName.parse(name)
    with opened_workspace(lake, cluster) as workspace:
        opened = workspace.dataset(workspace.place(dataset))
    return target_of_dataset(name, opened, task_limits(settings, settings.task_bytes))


def _show_prices(planning: Planning, answering: Answering) -> None:
    _, where, text = read_prices(planning.prices)
    document = PricesDocument(where=where, put_your_own_in=str(user_file()), text=text)
    shown = f"# {where}; yours is read from {user_file()}\n{text}"
    answer(document, [shown.rstrip()], json=answering.json)
