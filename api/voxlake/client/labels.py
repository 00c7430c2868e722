"""Ask a gateway about labels: where they are, their voxels, what they are, and which are one."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from voxlake.client.arrays.shown import soon, table_html, text_html
from voxlake.client.http.connection import table_of
from voxlake.client.http.pages import listed
from voxlake.documents.labels.labels import (
    BlockDocument,
    ChunksDocument,
    LabelDocument,
    LabelsAtDocument,
    PointsDocument,
)
from voxlake.documents.labels.merges import BodyDocument, ChangeDocument, HistoryDocument
from voxlake.documents.labels.objects import ObjectDocument, ObjectQuestion
from voxlake.ngff.grid.box import Box
from voxlake.ngff.grid.ranges import Region, texts_of
from voxlake.platform.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import httpx2
    import numpy.typing as npt

    from voxlake.client.http.connection import Connection
    from voxlake.ngff.labels.objects.label_object import LabelObject
    from voxlake.ngff.labels.table import LabelExtent

PAGE = 10_000
"""Rows of a table that are asked for at a time."""


@dataclass(frozen=True, slots=True, eq=False)
class Mask:
    """Where a label is in a box."""

    box: Box
    voxels: npt.NDArray[np.bool_]
    """(z, y, x), of the box."""


@dataclass(frozen=True, slots=True)
class RemoteLabels:
    """Labels at a gateway: `Gateway.open_labels` makes them.

    Every method raises the error that the server raised. All are about level 0.
    """

    connection: Connection
    path: str
    """Of the dataset, below the gateway."""
    bodies: bool = False
    """Whether ids are those of bodies: the mapping is applied to all that is asked."""
    time: int | None = None
    """Which time point is asked, of labels in time; None: the first."""

    def extent(self, label: int) -> LabelExtent:
        """Return the tightest box of one label, and how many voxels, chunks and shards it has."""
        return self.connection.ask(LabelDocument, self._of(label), params=self._query()).extent

    def find(self, labels: Iterable[int]) -> pa.Table:
        """Return those of `labels` that there are, ascending: one row for each.

        Its columns are label, voxels, the half-open box z0 y0 x0 z1 y1 x1, chunks and shards; the
        last two are null where they are not known, of bodies of several supervoxels.
        """
        asked = {**_labels(labels), "bodies": self.bodies, "t": self.time}
        return self._table("labels/lookup", {}, method="POST", json=asked)

    def all(self) -> pa.Table:
        """Return all labels, ascending; the columns are those of `find`.

        They are asked for in pages, each of which is true of the moment at which it was asked for.
        """
        return pa.concat_tables(self._pages("labels/all", self._query()))

    def largest(self, count: int = 10, **where: str) -> pa.Table:
        """Return the `count` labels of most voxels, most first; the columns are those of `find`.

        Parameters
        ----------
        where
            Which objects they have, as for `objects`; by default they need not have one.
        """
        return self._table("labels/top", {**self._query(n=count), **where})

    def in_box(self, region: Region | None = None, *, counts: bool = False) -> pa.Table:
        """Return the labels with voxels in a region, ascending, and with `counts` how many each."""
        query = {**self._query(), **texts_of(region), "counts": str(counts).lower()}
        return self._table("labels", query)

    def chunks(self, label: int) -> npt.NDArray[np.int64]:
        """Return the cells z, y, x (n, 3) of the grid of chunks that hold a label, in C order."""
        path = f"{self._of(label)}/chunks"
        chunks = self.connection.ask(ChunksDocument, path, params=self._query())
        return np.array(chunks.cells, np.int64).reshape(-1, 3)

    def runs(self, label: int, region: Region | None = None) -> pa.Table:
        """Return the voxels of a label as runs along x: columns z, y, x (the first) and length."""
        path = f"labels/{int(label)}/sparse-volume"
        return self._table(path, {**self._query(), **texts_of(region)})

    def sparse_volume(self, label: int, encoding: str, region: Region | None = None) -> bytes:
        """Return the voxels of a label in DVID's ``rles``, ``srles`` or ``blocks``."""
        query = {**self._query(), **texts_of(region), "format": encoding}
        return self.connection.send(f"{self._of(label)}/sparse-volume", params=query).content

    def mask(self, label: int, region: Region | None = None) -> Mask:
        """Return where a label is, in a region, or in its own box."""
        query = {**self._query(), **texts_of(region), "format": "npy"}
        answer = self.connection.send(f"{self._of(label)}/mask", params=query)
        box, voxels = _box_of(answer), read_npy(answer).view(np.bool_)
        return Mask(Box(box.start[-3:], box.stop[-3:]), voxels.reshape(box.shape[-3:]))

    def points(self, label: int, count: int, seed: int = 0) -> npt.NDArray[np.int64]:
        """Return (count, 3) voxels z, y, x of a label, drawn uniformly."""
        query = self._query(count=count, seed=seed)
        drawn = self.connection.ask(PointsDocument, f"{self._of(label)}/points", params=query)
        return np.array(drawn.points, np.int64).reshape(-1, 3)

    def at(self, points: npt.ArrayLike) -> npt.NDArray[np.uint64]:
        """Return the label (n,) at each of (n, 3) points z, y, x; 0 where there is none."""
        asked = {
            "points": np.asarray(points).tolist(),
            "bodies": self.bodies,
            "t": self.time,
        }
        path = f"{self.path}/labels/points"
        there = self.connection.ask(LabelsAtDocument, path, "POST", json=asked)
        return np.array(there.labels, np.uint64)

    def reserve(self, count: int) -> range:
        """Return `count` ids in a row that no voxel has and nobody else is ever given."""
        path = f"{self.path}/labels/reserve"
        block = self.connection.ask(BlockDocument, path, "POST", json={"count": count})
        return range(block.first, block.stop)

    def get_object(self, label: int) -> LabelObject:
        """Return what is known of a label besides its voxels."""
        return self.connection.ask(ObjectDocument, f"{self.path}/objects/{int(label)}").value

    def put_object(self, item: LabelObject) -> LabelObject:
        """Put an object in the place of what was known of its label; return it as it is stored."""
        body = ObjectQuestion.of(item).model_dump(mode="json")
        path = f"{self.path}/objects/{item.id}"
        return self.connection.ask(ObjectDocument, path, "PUT", json=body).value

    def delete_object(self, label: int) -> None:
        """Delete what is known of a label besides its voxels."""
        self.connection.send(f"{self.path}/objects/{int(label)}", "DELETE")

    def put_objects(self, items: Iterable[LabelObject]) -> None:
        """Put objects in the place of what was known of their labels: all of them, or none."""
        asked = [
            ObjectQuestion.of(item).model_dump(mode="json") | {"id": str(item.id)} for item in items
        ]
        self.connection.send(f"{self.path}/objects", "POST", json={"objects": asked})

    def find_objects(self, labels: Iterable[int]) -> pa.Table:
        """Return the objects of those of `labels` that have one, ascending by id."""
        return self._table("objects/lookup", {}, method="POST", json=_labels(labels))

    def delete_objects(self, labels: Iterable[int]) -> None:
        """Delete the objects of those of `labels` that have one: all of them at once."""
        self.connection.send(f"{self.path}/objects/delete", "POST", json=_labels(labels))

    def objects(self, **where: str) -> pa.Table:
        """Return all objects that fit `where`, ascending by id.

        Parameters
        ----------
        where
            ``type``, ``name_prefix``, ``status``; ``key`` and ``value``.
        """
        return pa.concat_tables(self._pages("objects", where))

    def merge(self, bodies: Iterable[int]) -> ChangeDocument:
        """Merge bodies into the first of them."""
        path = f"{self.path}/merges"
        return self.connection.ask(ChangeDocument, path, "POST", json=_labels(bodies))

    def cleave(
        self, body: int, supervoxels: Iterable[int], into: int | None = None
    ) -> ChangeDocument:
        """Make some supervoxels of a body a body of their own; `into` if it is to have that id."""
        asked = {
            "body": str(int(body)),
            "supervoxels": [str(int(label)) for label in supervoxels],
            "into": None if into is None else str(int(into)),
        }
        return self.connection.ask(ChangeDocument, f"{self.path}/cleaves", "POST", json=asked)

    def undo(self, number: int) -> ChangeDocument:
        """Take back one change of the mapping, by another one, which is returned."""
        path = f"{self.path}/mapping/undo"
        return self.connection.ask(ChangeDocument, path, "POST", json={"number": int(number)})

    def history(self, after: int = 0) -> Iterator[ChangeDocument]:
        """Yield the changes of the mapping above a number, the earliest first."""
        path = f"{self.path}/mapping/history"

        def ask(part: dict[str, Any]) -> HistoryDocument:
            return self.connection.ask(HistoryDocument, path, params={"after": after, **part})

        yield from listed(ask, lambda page: page.changes)

    def body_of(self, supervoxel: int) -> int:
        """Return the body of a supervoxel; 0 if that is the background."""
        return self._body(supervoxel).body

    def bodies_of(self, supervoxels: Iterable[int]) -> npt.NDArray[np.uint64]:
        """Return the body (n,) of each supervoxel; 0 where that is the background."""
        asked = _labels(supervoxels)
        table = self._table("mapping/lookup", {}, method="POST", json=asked)
        bodies: npt.NDArray[np.uint64] = table["body"].to_numpy()
        return bodies

    def pairs(self) -> pa.Table:
        """Return all supervoxels that the mapping names, ascending: columns supervoxel and body."""
        return pa.concat_tables(self._pages("mapping/pairs", {}))

    def supervoxels_of(self, body: int) -> npt.NDArray[np.uint64]:
        """Return the supervoxels of a body, ascending; none if it is no body."""
        return np.array(self._body(body).supervoxels, np.uint64)

    def _body(self, label: int) -> BodyDocument:
        return self.connection.ask(BodyDocument, f"{self.path}/mapping/{int(label)}")

    def _pages(self, path: str, query: dict[str, str]) -> Iterator[pa.Table]:
        after: str | None = "0"
        while after is not None:
            params = {**query, "after": after, "limit": str(PAGE), "format": "arrow"}
            page = self.connection.send(f"{self.path}/{path}", params=params)
            yield table_of(page)
            after = page.headers.get("X-Voxlake-Next")

    def _table(self, path: str, query: dict[str, str], **options: Any) -> pa.Table:
        params = {**query, "format": "arrow"}
        return table_of(self.connection.send(f"{self.path}/{path}", params=params, **options))

    def _repr_html_(self) -> str | None:
        """Return the largest labels, for notebooks; None if they cannot be had soon."""
        return soon(self._html)

    def _html(self) -> str:
        shown = ["label", "voxels", *["z0", "y0", "x0", "z1", "y1", "x1"]]
        largest = self.largest(10).select(shown)
        rows = [list(row.values()) for row in largest.to_pylist()]
        what = "bodies" if self.bodies else "labels"
        name = text_html(self.path.removeprefix("/v2/datasets/"))
        return f"<div><p>the largest {what} of <b>{name}</b></p>{table_html(shown, rows)}</div>"

    def _of(self, label: int) -> str:
        return f"{self.path}/labels/{int(label)}"

    def _query(self, **more: int) -> dict[str, str]:
        given = {name: str(value) for name, value in more.items()}
        if self.time is not None:
            given["t"] = str(self.time)
        return {**given, "bodies": "true"} if self.bodies else given


def _labels(labels: Iterable[int]) -> dict[str, list[str]]:
    return {"labels": [str(int(label)) for label in labels]}


def read_npy(response: httpx2.Response) -> npt.NDArray[Any]:
    """Return the array of an answer.

    Raises
    ------
    StoreError
        If it is none.
    """
    try:
        voxels: npt.NDArray[Any] = np.load(io.BytesIO(response.content), allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise StoreError(
            f"what {response.url.copy_with(query=None)} sent is no .npy file"
        ) from error
    return voxels


def _box_of(response: httpx2.Response) -> Box:
    said = response.headers.get("X-Voxlake-Box", "")
    try:
        ends = [(int(lo), int(hi)) for lo, hi in (part.split(":") for part in said.split(","))]
    except ValueError as error:
        url = response.url.copy_with(query=None)
        raise StoreError(f"what {url} sent has no box, and is no cutout of a gateway") from error
    return Box(tuple(lo for lo, _ in ends), tuple(hi for _, hi in ends))
