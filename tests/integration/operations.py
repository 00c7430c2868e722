"""What people do with a lake, each with the requests to its store that it takes.

Of a lake on S3, by a gateway that has just started. What was not asked for before is cold; each
operation that is to be so has a dataset or a shard of its own.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import httpx2
import numpy as np
from tests.api.conftest import TOKEN, run_app
from tests.api.lakes import Sample, add_sample, image_voxels, label_voxels

from voxlake.api.app import create_app
from voxlake.api.identity.local import LocalIdentity
from voxlake.compute.jobs import IngestRequest, Workspace, run_job, start_ingest
from voxlake.ngff.grid.axes import VoxelSize
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.labels.handle import Labels
from voxlake.ngff.labels.upkeep.compaction import compact
from voxlake.ngff.lake import Place
from voxlake.ngff.volume import open_volume
from voxlake.platform.catalog import open_catalog
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.servers.s3_proxy import S3Proxy

    from voxlake.platform.store import StoreURL

SHAPE = (32, 64, 64)
"""Four shards of 32^3, of eight chunks each."""
IMAGES = ("em", "fresh")
V2 = "/v2/datasets/lab/brain"


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that is done."""

    name: str
    run: Callable[[Scene], object]
    takes: dict[str, int]
    """Requests to the store, by kind."""
    why: str
    """What they are for; where there are more than the format would need, what the others are."""
    is_job: bool = False
    """Whether threads open its documents at once: how often they are read varies by some."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A gateway on a lake whose requests are counted."""

    client: httpx2.Client
    lake: StoreURL
    """Behind the proxy."""
    workspace: Workspace

    def get(self, path: str, **headers: str) -> None:
        """Ask the gateway, which must have an answer."""
        self.client.get(path, headers=headers).raise_for_status()

    def cutout(self, box: str, dataset: str = "em") -> None:
        """Ask for a box of voxels."""
        self.get(f"{V2}/{dataset}/cutout?format=raw&{box}")

    def write(self, box: str) -> None:
        """Write labels 7 to a box of 16^3 voxels."""
        body = np.full((16, 16, 16), 7, np.uint64).tobytes()
        answer = self.client.put(
            f"{V2}/cells/cutout?{box}",
            content=body,
            headers={"Content-Type": "application/octet-stream"},
        )
        answer.raise_for_status()

    def ingest(self, source: str, name: str, kind: Kind) -> None:
        """Run an ingest in this process."""
        place = Place(DatasetName("lab", "cube", name), kind)
        indexed = kind is Kind.LABELS
        request = IngestRequest(source, place, VoxelSize(8, 8, 8), index=indexed)
        run_job(self.workspace, start_ingest(self.workspace, request))


FIRST, SECOND, WHOLE = "z=0:16&y=0:16&x=0:16", "z=0:16&y=0:16&x=16:32", "z=0:32&y=0:64&x=0:64"
SHARD = "/zarr/lab/brain/em/0/c/0/0/0"

OPERATIONS = (
    Operation("list datasets", lambda at: at.get("/v2/datasets"), {}, "the catalog knows them"),
    Operation(
        "open a dataset of two levels",
        lambda at: at.get(f"{V2}/em"),
        {"GET": 3, "LIST": 1},
        "its group, both arrays, and which boxes its upper levels are behind in",
    ),
    Operation(
        "cutout of a chunk, cold",
        lambda at: at.cutout(FIRST),
        {"GET range": 2},
        "the index of the shard, and the chunk",
    ),
    Operation(
        "the same again", lambda at: at.cutout(FIRST), {"HEAD": 1}, "whether the shard has changed"
    ),
    Operation(
        "another chunk of that shard",
        lambda at: at.cutout(SECOND),
        {"GET range": 1},
        "the chunk, on the condition that the shard has not changed",
    ),
    Operation(
        "cutout of four shards, three of them cold",
        lambda at: at.cutout(WHOLE),
        {"GET range": 7},
        "three indexes; what lies side by side in a shard in one request",
    ),
    Operation(
        "cutout of a dataset that nobody has opened",
        lambda at: at.cutout(FIRST, "fresh"),
        {"GET": 2, "GET range": 2},
        "its group and the array; then as above",
    ),
    Operation(
        "chunk of a view (flat, precomputed), cold",
        lambda at: at.get("/flat/lab/brain/fresh/0/c/0/0/2"),
        {"GET range": 2},
        "the index of the shard, and the chunk",
    ),
    Operation(
        "another chunk of that shard",
        lambda at: at.get("/flat/lab/brain/fresh/0/c/0/0/3"),
        {"GET range": 1},
        "the chunk, on the condition that the shard has not changed",
    ),
    Operation(
        "range of a stored object (zarr), cold",
        lambda at: at.get(SHARD, Range="bytes=0-99"),
        {"HEAD": 1, "GET range": 1},
        "its size and ETag, by which 304, 412 and 416 are decided before a byte comes; the range",
    ),
    Operation(
        "another range of it",
        lambda at: at.get(SHARD, Range="bytes=100-199"),
        {"GET range": 1},
        "the range, on the condition that the object has not changed",
    ),
    Operation(
        "where a label is, cold",
        lambda at: at.get(f"{V2}/cells/labels/1"),
        {"GET": 2, "GET range": 2, "LIST": 2},
        "the group and the array; of the label index the directory and the block of the label; the "
        "markers of writes, and the newest manifest",
    ),
    Operation(
        "where another is",
        lambda at: at.get(f"{V2}/cells/labels/2"),
        {"LIST": 2},
        "whether somebody writes, and whether the manifest is the newest; a block that is not "
        "known is one range more",
    ),
    Operation(
        "write labels to a box in a shard",
        lambda at: at.write(FIRST),
        {"PUT": 5, "GET": 3, "HEAD": 1},
        "the shard is read and stored; before, its box is marked as stale and a marker opened; "
        "after, it is asked whether others wrote, its rows are read, a patch of them stored, the "
        "marker closed; at last, whether the dataset was replaced meanwhile",
    ),
    Operation(
        "another box of that shard",
        lambda at: at.write(SECOND),
        {"PUT": 5, "GET": 4, "HEAD": 1},
        "the patch is read too",
    ),
    Operation(
        "ingest of an image, a shard each of two levels",
        lambda at: at.ingest("phantom:100", "one", Kind.IMAGE),
        {"HEAD": 4, "PUT": 6, "GET": 11, "GET range": 1},
        "of each shard a HEAD before it is made, a GET whether its job still makes the dataset, "
        "and a PUT; all others are of the job as a whole: what is to be there is made and sealed, "
        "and arrays are opened, all at the same time; that nothing is there is asked twice",
        is_job=True,
    ),
    Operation(
        "ingest of labels with their index",
        lambda at: at.ingest("phantom:100?kind=labels", "labels", Kind.LABELS),
        {"HEAD": 11, "PUT": 18, "GET": 30, "GET range": 6, "LIST": 9, "DELETE": 2},
        "of a shard of level 0 its rows besides, and of all rows the index by label",
        is_job=True,
    ),
)
"""All of them, in the order in which they are done."""


@contextmanager
def scene(s3: StoreURL, proxy: S3Proxy, folder: Path) -> Iterator[Scene]:
    """Make a lake with two images and labels, and a gateway of it behind the proxy."""
    settings = Settings(database_url=f"sqlite:///{folder}/catalog.sqlite", workers=0)
    lake = replace(s3, endpoint=proxy.endpoint)
    with open_catalog(lake, settings) as catalog:
        for name in IMAGES:
            add_sample(lake, catalog, Sample(f"lab/brain/{name}", image_voxels(SHAPE)))
        labels = Sample("lab/brain/cells", label_voxels(SHAPE), Kind.LABELS)
        url = add_sample(lake, catalog, labels)
        place = Place(DatasetName("lab", "brain", "cells"), Kind.LABELS)
        compact(Labels(open_volume(url / "0"), lake / place.index_key))
        app = create_app(settings, lake, catalog, LocalIdentity(TOKEN, "voxlake-session-test"))
        owner = {"Authorization": f"Bearer {TOKEN}"}
        with (
            run_app(app) as address,
            httpx2.Client(base_url=address, headers=owner, timeout=60) as client,
            Workspace.opened(lake, settings) as workspace,
        ):
            yield Scene(client, lake, workspace)
