"""Ask a gateway: datasets, cutouts, labels, views."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from voxlake.client.arrays.dataset_array import DatasetArray
from voxlake.client.arrays.whole import warn_unless_whole
from voxlake.client.cutouts import Cutouts, dataset_path
from voxlake.client.http.connection import Connection, is_on_this_machine
from voxlake.client.http.credentials import find
from voxlake.client.http.owner import knows_owner, owner_token, owner_token_file
from voxlake.client.http.pieces import piece_of, read_in_pieces
from voxlake.client.jobs import GatewayJobs, RemoteJob
from voxlake.client.labels import RemoteLabels
from voxlake.client.places import Places
from voxlake.client.uploads import upload_array
from voxlake.documents.datasets.dataset import DatasetSummary
from voxlake.documents.labels.labels import LabelsInBoxDocument
from voxlake.documents.people.credentials import CredentialsDocument
from voxlake.documents.service.gateway import LoginLinkDocument
from voxlake.documents.viewer.neuroglancer import NeuroglancerDocument
from voxlake.ngff.grid.ranges import Region, texts_of
from voxlake.platform.errors import InvalidInputError, UnauthenticatedError
from voxlake.platform.names import DatasetName
from voxlake.platform.secrets.credentials import refuse_credentials

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import numpy.typing as npt

    from voxlake.ngff.grid.box import Box
    from voxlake.ngff.labels.table import LabelExtent

LOCAL_URL = "http://127.0.0.1:8080"


class Gateway(Cutouts, Places):
    """A gateway, and who asks it. A context manager: leaving it closes its connections.

    Every method raises the error that the server raised (`NotFoundError`, `OutOfBoundsError`, ...),
    and `StoreUnavailableError` if the gateway cannot be reached.

    Parameters
    ----------
    url
        Where the gateway is, such as ``https://lake.example.org``.
    token
        Bearer token; None for the one that ``voxlake login`` keeps for this gateway, if it keeps
        one; empty to ask anonymously, for public datasets.
    """

    def __init__(self, url: str, token: str | None = None) -> None:
        refuse_credentials(url)
        kept = find(url) if token is None else None
        self.token = kept.secret if kept else token or None
        self._connection = Connection(url, self.token)
        self.url = self._connection.url

    @classmethod
    def local(cls, url: str = LOCAL_URL, token_file: Path | None = None) -> Self:
        """Return the gateway that ``voxlake serve`` runs on this machine, asked by its owner.

        Parameters
        ----------
        url
            Where it is.
        token_file
            Where it keeps the owner's token; by default in the owner's state folder.

        Raises
        ------
        InvalidInputError
            If `url` is not on this machine: the owner's token must not leave it.
        UnauthenticatedError
            If there is no token yet, or the gateway does not prove that it has it, too: then it is
            somebody else's.
        StoreUnavailableError
            If no gateway answers there.
        """
        if not is_on_this_machine(url):
            raise InvalidInputError(
                f"{url} is not on this machine, and the owner's token may not leave it; use "
                "Gateway(url, token)"
            )
        token_file = token_file or owner_token_file()
        token = owner_token(token_file)
        if token is None:
            raise UnauthenticatedError(
                f"there is no owner's token in {token_file}; start `voxlake serve` once"
            )
        if not knows_owner(url, token):
            raise UnauthenticatedError(
                f"what listens at {url} does not have the token in {token_file}, which was not "
                "sent there: it is somebody else's, or leads to another machine; ask the gateway "
                "that you run where it is, or use Gateway(url, token) with a token of that one"
            )
        return cls(url, token)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()

    def __repr__(self) -> str:
        return f"Gateway({self.url!r})"  # Never the token.

    @property
    def jobs(self) -> GatewayJobs:
        """Its jobs: planned, started, waited for."""
        return GatewayJobs(self._connection)

    def login_link(self) -> str:
        """Return a new link that logs a browser in, once; for the owner of the gateway."""
        return self._connection.ask(LoginLinkDocument, "/login-links", "POST").login_link

    def address(self, name: str) -> str:
        """Return the URL of the dataset's bytes: any zarr library opens it, and `open_xarray`."""
        return f"{self.url}/zarr/{DatasetName.parse(name)}"

    def credentials(self, name: str, *, write: bool = False) -> CredentialsDocument:
        """Return temporary keys of S3 that read a dataset where it lies; with `write`, write it."""
        path = f"/v2/credentials/{DatasetName.parse(name)}"
        parameters = {"write": "true"} if write else {}
        return self._connection.ask(CredentialsDocument, path, "POST", params=parameters)

    def __getitem__(self, name: str) -> DatasetArray:
        """Return the dataset ``collection/experiment/dataset``, to be sliced like an array.

        Large boxes are read by several requests at once. `DatasetArray.xarray` and
        `DatasetArray.dask` read the stored bytes with the token of this gateway. Warns
        (`UserWarning`) of a dataset whose ingest has not ended.
        """
        info = self.info(name)
        warn_unless_whole(name, whole=info.whole)
        dtype, axes = np.dtype(info.dtype), info.axis_names

        def ask(level: int, box: Box) -> npt.NDArray[Any]:
            ranges = texts_of(box, axes)
            return self._cutout(name, {"level": str(level), **ranges})[0]

        def read(level: int, box: Box) -> npt.NDArray[Any]:
            stored = info.levels[level]
            piece = piece_of(stored.chunk, stored.shard, dtype.itemsize)
            return read_in_pieces(partial(ask, level), box, piece, dtype)

        return DatasetArray(
            name,
            self.address(name),
            info.multiscale,
            tuple(level.shape for level in info.levels),
            dtype,
            read,
            partial(self.write, name),
            self.token or "",
        )

    def create(
        self,
        name: str,
        kind: Literal["image", "labels"],
        *,
        dtype: npt.DTypeLike | None = None,
        shape: Iterable[int] | None = None,
        voxel_size: Iterable[float] | None = None,
        **more: Any,
    ) -> DatasetSummary:
        """Make an empty dataset, which is all zeros and can be written to at once.

        Parameters
        ----------
        name
            ``collection/experiment/dataset``.
        dtype
            Of its voxels; None: of labels uint64.
        shape
            Voxels along z, y and x, or along each of the `axes` that are given with it.
        voxel_size
            z, y, x in nanometers, or in the `unit` that is given with it.
        more
            `axes`, `unit`, `of`, `translation`, `time_step`, `time_unit`, `levels`, `factors`,
            `description`: as of ``POST /v2/datasets/...``.

        Raises
        ------
        ConflictError
            If there is one of that name.
        InvalidInputError
            If it cannot be.
        """
        given: dict[str, Any] = {
            "kind": kind,
            "dtype": None if dtype is None else np.dtype(dtype).name,
            "shape": None if shape is None else list(map(int, shape)),
            "voxel_size": None if voxel_size is None else list(map(float, voxel_size)),
        }
        asked = {key: value for key, value in (given | more).items() if value is not None}
        return self._connection.ask(DatasetSummary, dataset_path(name), "POST", json=asked)

    def upload(
        self, name: str, source: Any, kind: Literal["image", "labels"], **more: Any
    ) -> RemoteJob:
        """Make a dataset of local data, and return the job by which a worker finishes it.

        Parameters, of which `more` has some, and errors are those of
        `voxlake.client.uploads.upload_array`.
        """
        return upload_array(self._connection, name, source, kind, **more)

    def open_labels(
        self, name: str, *, bodies: bool = False, time: int | None = None
    ) -> RemoteLabels:
        """Return the labels ``collection/experiment/dataset``, to ask more about them.

        Parameters
        ----------
        bodies
            Whether ids are those of bodies: the mapping is applied to all that is asked.
        time
            Which time point of labels in time; by default the first.
        """
        return RemoteLabels(self._connection, dataset_path(name), bodies, time)

    def labels(self, name: str, region: Region | None = None) -> npt.NDArray[np.uint64]:
        """Return the labels with voxels in `region` of level 0, ascending, background left out.

        Parameters
        ----------
        name
            ``collection/experiment/dataset`` of labels.
        region
            As for `cutout`.
        """
        answer = self._labels(name, region, counts=False)
        return np.array(answer.labels, np.uint64)

    def label_counts(self, name: str, region: Region | None = None) -> dict[int, int]:
        """Return, by label, how many voxels of `region` of level 0 have it, background left out."""
        answer = self._labels(name, region, counts=True)
        return dict(zip(answer.labels, answer.counts or (), strict=True))

    def label(self, name: str, label: int) -> LabelExtent:
        """Return the tightest box of one label, and how many voxels, chunks and shards it has."""
        return self.open_labels(name).extent(label)

    def neuroglancer_link(self, name: str) -> str:
        """Return a link that shows an image with its labels, or labels with their image."""
        return self._connection.ask(NeuroglancerDocument, f"{dataset_path(name)}/neuroglancer").link

    def _labels(self, name: str, region: Region | None, *, counts: bool) -> LabelsInBoxDocument:
        parameters = {"counts": str(counts).lower(), **self._ranges(name, region)}
        return self._connection.ask(
            LabelsInBoxDocument, f"{dataset_path(name)}/labels", params=parameters
        )
