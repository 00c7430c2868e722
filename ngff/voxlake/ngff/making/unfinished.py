"""Datasets in the making: their group says which job makes them, and whether they are whole.

The store itself says it, so that a catalog which is lost can be made anew, and so that a writer
that slept through the end of its job finds out wherever it runs. The mark is ``made_by`` and
``whole`` below ``attributes.voxlake`` of the group. A group without one is whole: older ones have
none, nor have those of others.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from voxlake.ngff.metadata.probing import read_v3
from voxlake.ngff.metadata.seal import MARK, require_seal, sealed
from voxlake.ngff.metadata.writing import encoded
from voxlake.platform import store
from voxlake.platform.errors import ConflictError, LeaseLostError, ObjectExistsError
from voxlake.platform.store.update import update

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxlake.platform.store import StoreURL


@dataclass(frozen=True, slots=True)
class Making:
    """The making of a dataset by a job."""

    url: StoreURL
    """The dataset's group."""
    job: str
    """Id of the job."""

    def begin(self, document: dict[str, Any], *equivalent: dict[str, Any]) -> None:
        """Create the group, or take over one that is the same, or as good, and is not whole.

        Again is no harm, even when it is whole by then.

        Raises
        ------
        ConflictError
            If something else is stored there, or another job has made it whole.
        """
        try:
            store.create(self.url / "zarr.json", encoded(self._marked(document, whole=False)))
        except ObjectExistsError:
            groups = (document, *equivalent)
            update(self.url / "zarr.json", lambda body: self._taken_over(body, groups))

    def finish(self) -> None:
        """Say that the dataset is whole; again is no harm.

        Raises
        ------
        LeaseLostError
            If another job makes it by now.
        """
        update(self.url / "zarr.json", self._finished)

    def check(self) -> None:
        """Raise LeaseLostError unless this job still makes the dataset: its tasks may write."""
        mark = _mark(_decoded(self.url, store.read(self.url / "zarr.json").body))
        if mark and (mark.get("whole") or mark.get("made_by") != self.job):
            raise self._lost(mark)

    def _taken_over(self, body: bytes | None, groups: Sequence[dict[str, Any]]) -> bytes:
        found = _parsed(body)
        if body is None or found is None or _unmarked(found) not in map(_unmarked, groups):
            raise ConflictError(
                f"{self.url} is there already and is something else; choose another name"
            )
        mark = _mark(found)
        if mark.get("whole"):
            if mark.get("made_by") == self.job:
                return body
            raise ConflictError(f"{self.url} holds a whole dataset already; choose another name")
        return encoded(self._marked(found, whole=False))

    def _finished(self, body: bytes | None) -> bytes:
        found = _decoded(self.url, body or b"")
        mark = _mark(found)
        if mark.get("made_by") != self.job:
            raise self._lost(mark)
        return encoded(self._marked(found, whole=True))

    def _marked(self, document: dict[str, Any], *, whole: bool) -> dict[str, Any]:
        attributes = document["attributes"]
        ours = {**attributes.get("voxlake", {}), "made_by": self.job, "whole": whole}
        return sealed({**document, "attributes": {**attributes, "voxlake": ours}})

    def _lost(self, mark: dict[str, Any]) -> LeaseLostError:
        so = "is whole by now" if mark.get("whole") else f"is made by job {mark.get('made_by')}"
        return LeaseLostError(
            f"job {self.job} may not write to {self.url} any more, which {so}; what is there stays"
        )


def is_whole(url: StoreURL) -> bool:
    """Return whether the dataset at `url` is whole, or made by a program that does not say.

    Raises
    ------
    CorruptDataError
        If its group is not as it was sealed.
    """
    stored = read_v3(url, ".zattrs")
    return stored is None or _mark(_decoded(url, stored.body)).get("whole", True) is True


def _decoded(url: StoreURL, body: bytes) -> dict[str, Any]:
    document = _parsed(body)
    if document is None:
        raise ConflictError(f"the group of {url} is gone, or damaged; look at it with voxlake fsck")
    require_seal(document, url / "zarr.json")
    return document


def _parsed(body: bytes | None) -> dict[str, Any] | None:
    try:
        document = json.loads(body or b"")
    except ValueError:
        return None
    attributes = document.get("attributes", {}) if isinstance(document, dict) else None
    return document if isinstance(attributes, dict) else None


def _mark(document: dict[str, Any]) -> dict[str, Any]:
    ours = document.get("attributes", {}).get("voxlake")
    return {key: ours[key] for key in MARK if key in ours} if isinstance(ours, dict) else {}


def _unmarked(document: dict[str, Any]) -> dict[str, Any]:
    attributes = {k: v for k, v in document["attributes"].items() if k != "voxlake"}
    return {**document, "attributes": attributes}
