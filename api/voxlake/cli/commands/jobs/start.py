"""``voxlake jobs start``, ``plan`` and ``look``: jobs that the workers of a gateway run."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from voxlake.cli.options import Answering, Name
from voxlake.cli.shown.job import shown_job, shown_job_plan
from voxlake.cli.shown.look import shown_look
from voxlake.cli.shown.output import answer
from voxlake.client.connecting import gateway_at
from voxlake.client.jobs import KindOfJob
from voxlake.platform.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterable

type AtGateway = Annotated[
    str, Parameter(name="--gateway", metavar="URL", env_var="GATEWAY", help="Where it is.")
]
type Kind = Annotated[KindOfJob, Parameter(name="KIND", help="Of the job.")]
type Asked = Annotated[
    list[str] | None,
    Parameter(
        name="--set",
        metavar="KEY=VALUE",
        help="What else is asked, as of POST /v2/jobs; may be given again. Such as "
        "source=s3://raw/em, as_kind=image, voxel_size=[40,4,4]; of downsample stale=true.",
    ),
]


def look(
    source: Annotated[str, Parameter(name="SOURCE", help="Where it lies, as the server sees it.")],
    name: Name,
    /,
    *,
    gateway: AtGateway,
    axes: Annotated[
        str, Parameter(metavar="AXES", help="A letter for each axis of the source.")
    ] = "",
    answering: Answering = Answering(),
) -> None:
    """Tell what lies where a gateway reads sources: what it is of, which slices, which are missing.

    A worker looks, which is waited for; nothing is written. What an ingest would take is told by
    voxlake jobs plan.
    """
    with gateway_at(gateway) as opened:
        document = opened.jobs.look(name, source, axes)
    answer(document, shown_look(document), json=answering.json)


def plan(
    kind: Kind,
    name: Name,
    /,
    *,
    gateway: AtGateway,
    asked: Asked = None,
    answering: Answering = Answering(),
) -> None:
    """Tell what a job of a gateway would do and take; nothing of it is begun.

    A worker finds it out, which is waited for. On a lake of one's own: voxlake plan.
    """
    more = _parse(asked or ())
    with gateway_at(gateway) as opened:
        document = opened.jobs.plan(kind, name, **more)
    answer(document, shown_job_plan(document), json=answering.json)


def start(
    kind: Kind,
    name: Name,
    /,
    *,
    gateway: AtGateway,
    asked: Asked = None,
    answering: Answering = Answering(),
) -> None:
    """Start a job at a gateway, whose workers run it; voxlake jobs watch tells how far it is.

    On a lake of one's own: voxlake ingest, downsample, index, verify, fsck and rm.
    """
    more = _parse(asked or ())
    with gateway_at(gateway) as opened:
        document = opened.jobs.start(kind, name, **more).seen
    answer(document, shown_job(document), json=answering.json)


def _parse(asked: Iterable[str]) -> dict[str, Any]:
    """Return what is asked by its key: values are JSON, and all that is none is text.

    Examples
    --------
    >>> _parse(["source=s3://raw/em", "voxel_size=[40, 4, 4]", "index=true"])
    {'source': 's3://raw/em', 'voxel_size': [40, 4, 4], 'index': True}
    """
    parsed: dict[str, Any] = {}
    for each in asked:
        key, separator, value = each.partition("=")
        if not (key and separator) or key in {"kind", "dataset"}:
            raise InvalidInputError(
                f"--set {each} says nothing of a job; write --set KEY=VALUE, as of POST /v2/jobs"
            )
        parsed[key] = value
        with suppress(ValueError):
            parsed[key] = json.loads(value)
    return parsed
