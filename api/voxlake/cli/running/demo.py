"""The lake of the demo is made, and served."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlake.api.views.neuroglancer import PUBLIC_VIEWER, Layer, viewer_link, viewer_state
from voxlake.cli.commands.lake.serve import serve_lake
from voxlake.cli.demo_lake import choose_demo, make_datasets
from voxlake.cli.manual.exit_codes import PARTIAL
from voxlake.cli.opened.workspace import opened_workspace
from voxlake.cli.options import InLake
from voxlake.cli.shown.demo import shown_demo
from voxlake.cli.shown.output import answer, note
from voxlake.documents.demo import DemoDataset, DemoDocument
from voxlake.ngff.grid.layout import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxlake.cli.commands.lake.demo import OfSample
    from voxlake.cli.commands.lake.serve import Listening
    from voxlake.cli.demo_lake import Demo
    from voxlake.cli.options import Answering, OnCluster
    from voxlake.compute.jobs import Workspace
    from voxlake.documents.service.gateway import ServingDocument
    from voxlake.ngff.dataset import Dataset
    from voxlake.platform.names import DatasetName

DEMO_LAKE = "demo-lake"


def show_demo(
    sample: OfSample, lake: InLake, listening: Listening, cluster: OnCluster, answering: Answering
) -> int:
    """Make the lake, serve it unless that is not wanted, and return the exit code."""
    with opened_workspace(InLake(lake.lake or DEMO_LAKE), cluster, make=True) as workspace:
        chosen = choose_demo(workspace, sample.sample, sample.edge)
        made = make_datasets(workspace, chosen)
        document = _document(workspace, chosen, made)
        code = 0 if document.verified else PARTIAL
        if not sample.serve:
            answer(document, shown_demo(document), json=answering.json)
            return code

        def announce(serving: ServingDocument) -> None:
            served = _served(workspace, chosen, document, serving)
            answer(served, shown_demo(served), json=answering.json)
            note("the link logs in once; Ctrl-C stops the server")

        target = f"/view/{chosen.image}"
        serve_lake(workspace.lake, workspace.catalog, listening, announce, target)
        return code


def _document(workspace: Workspace, demo: Demo, made: tuple[DemoDataset, ...]) -> DemoDocument:
    return DemoDocument(
        lake=str(workspace.lake),
        sample=demo.sample.name,
        credit=demo.sample.credit,
        licence=demo.sample.licence,
        datasets=made,
        verified=all(each.verified for each in made),
    )


def _served(
    workspace: Workspace, demo: Demo, document: DemoDocument, serving: ServingDocument
) -> DemoDocument:
    public = None
    if not serving.viewer_built:
        note("the gateway has no viewer: Node was missing when it was built (see api/viewer)")
        names = (demo.image, demo.labels)
        public = public_link(
            serving.url, [(name, workspace.dataset(workspace.place(name))) for name in names]
        )
    return document.model_copy(update={"serving": serving, "public_viewer": public})


def public_link(gateway: str, shown: Sequence[tuple[DatasetName, Dataset]]) -> str:
    """Return the link that shows public datasets of the gateway at the URL `gateway`."""
    layers = [
        Layer(
            name.dataset,
            f"{gateway}/zarr/{name}",
            dataset.multiscale,
            dataset.level(0).shape,
            labels=dataset.kind is Kind.LABELS,
            zarr_format=dataset.level(0).zarr_format,
        )
        for name, dataset in shown
    ]
    return viewer_link(PUBLIC_VIEWER, viewer_state(layers))
