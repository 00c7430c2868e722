"""The voxels of datasets at a gateway: read, written, and drawn."""

from __future__ import annotations

import hashlib
import io
from base64 import b64encode
from typing import TYPE_CHECKING, Any

import numpy as np

from voxlake.client.http.voxels import read_voxels
from voxlake.documents.datasets.dataset import DatasetDocument
from voxlake.documents.datasets.writes import Merge, WrittenDocument
from voxlake.ngff.grid.axes import SPATIAL
from voxlake.ngff.grid.ranges import Region, slices_of, texts_of
from voxlake.platform.names import DatasetName

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    from voxlake.client.http.connection import Connection


class Cutouts:
    """The part of `Gateway` that is about voxels."""

    _connection: Connection

    def info(self, name: str) -> DatasetDocument:
        """Return what is known of the dataset ``collection/experiment/dataset``."""
        return self._connection.ask(DatasetDocument, dataset_path(name))

    def cutout(
        self,
        name: str,
        region: Region | None = None,
        *,
        level: int = 0,
        bodies: bool = False,
        filter: Iterable[int] | None = None,  # noqa: A002  (as the gateway calls it)
    ) -> npt.NDArray[Any]:
        """Return the voxels of `region`, in the order of the dataset's axes.

        Parameters
        ----------
        name
            ``collection/experiment/dataset``.
        region
            Half-open voxels of `level`: a box, or ranges such as ``np.s_[0:64, :, 5:6]`` or
            ``"0:64,:,5:6"``. Three are those of z, y, x, and all channels and time points are
            taken. None: everything.
        level
            0 is the finest.
        bodies
            Labels: apply the mapping from supervoxels to bodies.
        filter
            Labels, or bodies, that are kept; all others are 0. None: all are kept.
        """
        parameters = {
            "level": str(level),
            **self._ranges(name, region),
            **_shown(bodies, filter),
        }
        return self._cutout(name, parameters)[0]

    def cutout_and_etag(
        self, name: str, region: Region | None = None
    ) -> tuple[npt.NDArray[Any], str]:
        """Return the voxels of `region` at level 0, and the ETag to write them anew by.

        Parameters and errors are those of `cutout`.
        """
        return self._cutout(name, {"etag": "true", **self._ranges(name, region)})

    def write(
        self,
        name: str,
        region: Region | None,
        voxels: npt.ArrayLike,
        *,
        merge: Merge = "overwrite",
        if_match: str | None = None,
    ) -> WrittenDocument:
        """Write `voxels` into `region` at level 0: durable, and indexed, when this returns.

        Parameters
        ----------
        name
            ``collection/experiment/dataset``.
        region
            As for `cutout`.
        voxels
            Of the shape of the region and the type of the dataset; or one number, for all of it.
        merge
            ``keep`` keeps the voxels that are there where those that come are 0.
        if_match
            ETag of `cutout_and_etag`, or of an earlier write, of the same region: it is written
            only if nothing has changed since.

        Raises
        ------
        PreconditionFailedError
            If something has changed since: read the region again.
        InvalidInputError
            If the voxels do not fit.
        ConflictError
            If the dataset is being made, or was replaced meanwhile.
        """
        parameters, array = {"merge": merge, **self._ranges(name, region)}, np.asarray(voxels)
        headers = {} if if_match is None else {"If-Match": if_match}
        options: dict[str, Any] = {"params": parameters, "headers": headers}
        if array.ndim == 0:
            parameters["fill"] = str(array[()])
        else:
            options["content"] = body = npy_of(array)
            digest = b64encode(hashlib.sha256(body).digest()).decode()
            headers["Content-Type"] = "application/x-npy"
            headers["Content-Digest"] = f"sha-256=:{digest}:"
        return self._connection.ask(
            WrittenDocument, f"{dataset_path(name)}/cutout", "PUT", **options
        )

    def picture(
        self,
        name: str,
        region: Region,
        *,
        level: int = 0,
        window: tuple[float, float] | None = None,
        bodies: bool = False,
        filter: Iterable[int] | None = None,  # noqa: A002  (as the gateway calls it)
    ) -> bytes:
        """Return a slice as a PNG file: an image in grey, labels in colours.

        Parameters
        ----------
        name, region, level, bodies, filter
            As for `cutout`; one voxel along z, y or x. Of time points and channels that are not
            named it is the first.
        window
            Images: the values that are black and white. None: what the metadata say, else the
            range of values of the image.
        """
        parameters = {
            "level": str(level),
            "format": "png",
            **self._ranges(name, region),
            **_shown(bodies, filter),
        }
        if window is not None:
            parameters["window"] = ":".join(f"{float(end):.17g}" for end in window)
        return self._connection.send(f"{dataset_path(name)}/image", params=parameters).content

    def _cutout(self, name: str, parameters: dict[str, str]) -> tuple[npt.NDArray[Any], str]:
        """Return the voxels of a cutout, and its ETag if it was asked for."""
        parameters = {"format": "raw", **parameters}
        with self._connection.receive(f"{dataset_path(name)}/cutout", parameters) as answer:
            return read_voxels(answer, parameters), answer.headers.get("etag", "")

    def _ranges(self, name: str, region: Region | None) -> dict[str, str]:
        if region is None:
            return {}
        slices = slices_of(region)
        three = len(slices) == len(SPATIAL)
        return texts_of(slices, SPATIAL if three else self.info(name).axis_names)


def _shown(bodies: bool, labels: Iterable[int] | None) -> dict[str, str]:  # noqa: FBT001
    """Return which labels are asked for, as parameters."""
    mapped = {"bodies": "true"} if bodies else {}
    chosen = {} if labels is None else {"filter": ",".join(str(int(each)) for each in labels)}
    return mapped | chosen


def npy_of(voxels: npt.NDArray[Any]) -> bytes:
    """Return an array as a ``.npy`` file."""
    file = io.BytesIO()
    np.save(file, voxels, allow_pickle=False)
    return file.getvalue()


def dataset_path(name: str) -> str:
    """Return the path of a dataset below the address of a gateway."""
    return f"/v2/datasets/{DatasetName.parse(name)}"
