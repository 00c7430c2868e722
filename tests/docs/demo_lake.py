"""The lake of the documentation, small: the names of the demo, filled with a phantom."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from voxlake.compute.jobs import IngestRequest, Workspace, run_job, start_ingest
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.lake import Place
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EM = Place(DatasetName("flyem", "fib25", "em"), Kind.IMAGE)
BODIES = Place(DatasetName("flyem", "fib25", "bodies"), Kind.LABELS, of="em")
EDGE = 96


def make_demo_lake(folder: Path) -> None:
    """Make the lake in `folder`."""
    folder.mkdir()
    url = StoreURL.parse(str(folder))
    with Workspace.opened(url, Settings(workers=0)) as workspace:
        for place in (EM, BODIES):
            source = f"phantom:{EDGE}?kind={place.kind.value}"
            index = place.kind is Kind.LABELS
            request = IngestRequest(source, place, levels=2, index=index, public=True)
            run_job(workspace, start_ingest(workspace, request))


@contextmanager
def serve(lake: Path, environment: dict[str, str]) -> Iterator[str]:
    """Run ``voxlake serve`` on the lake, and yield its URL."""
    command = [sys.executable, "-m", "voxlake.cli", "serve", "--port", "0", "--json"]
    process = subprocess.Popen(
        [*command, "--lake", str(lake)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        text=True,
    )
    assert process.stdout is not None
    try:
        said = ""
        while not said.endswith("}\n"):
            line = process.stdout.readline()
            assert line, f"voxlake serve ended with {process.wait(60)}"
            said += line
        yield str(json.loads(said)["url"])
    finally:
        process.terminate()
        process.wait(60)
        process.stdout.close()
