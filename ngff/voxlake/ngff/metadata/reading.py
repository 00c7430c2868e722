"""Read the metadata of an OME-Zarr group, whichever version wrote it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from voxlake.ngff.grid.reduction import DESCRIPTIONS
from voxlake.ngff.metadata import v04, v06
from voxlake.ngff.metadata.channels import read_channels
from voxlake.ngff.metadata.early import early_version
from voxlake.ngff.metadata.model import finest_first
from voxlake.ngff.metadata.probing import read_v3
from voxlake.ngff.metadata.scenes import LEVELS_UP, Above, placed_above
from voxlake.ngff.metadata.seal import require_seal
from voxlake.platform import store
from voxlake.platform.errors import (
    UNREADABLE,
    InvalidInputError,
    MetadataError,
    NotFoundError,
    StoreError,
    StoreUnavailableError,
    UnsupportedError,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from voxlake.ngff.metadata.model import Multiscale
    from voxlake.platform.store import StoreURL

READABLE = ("0.4", "0.5", "0.6")

NO_IMAGES = {
    "plate": "a plate of wells",
    "well": "a well of a plate",
    "scene": "a scene of images",
    "bioformats2raw.layout": "a collection of images, as bioformats2raw makes them",
    "series": "the list of images of a collection",
    "labels": "the list of labels of an image",
}
"""What else an OME-Zarr group may be, by the key that says so."""


def read_multiscale(url: StoreURL) -> Multiscale:
    """Return the first multiscale of the OME-Zarr group at `url`, where a scene above places it.

    Raises
    ------
    NotFoundError
        If there is no zarr group.
    UnsupportedError
        If it is no OME-Zarr image, of a version that voxlake does not read, or placed by something
        else than scales and translations.
    MetadataError
        If its metadata does not follow the specification.
    """
    found = parse_multiscale(read_ome(url), str(url), _above(url))
    _require_placed(found, url)
    _require_below(url, (level.path for level in found.levels))
    return found


def _require_below(url: StoreURL, paths: Iterable[str]) -> None:
    """Raise MetadataError unless all paths that the metadata of a group name lie below it."""
    for path in paths:
        try:
            url / path
        except InvalidInputError as error:
            raise MetadataError(f"the metadata of {url} name a path: {error}") from error


def _require_placed(found: Multiscale, url: StoreURL) -> None:
    """Raise UnsupportedError unless scales above 0 and translations place the levels."""
    if found.lost:
        raise UnsupportedError(
            f"{url} is placed by {'; '.join(found.lost)}; voxlake follows scales and translations, "
            "and sequences of them: write it so, or ingest it with --drop-transform"
        )
    scales = zip(found.axis_names, found.levels[0].scale, strict=True)
    if flipped := [name for name, scale in scales if scale < 0]:
        raise UnsupportedError(
            f"{url} runs backwards along {', '.join(flipped)}, by a scale below 0; ingest it with "
            "--reverse"
        )


def parse_multiscale(ome: Mapping[str, Any], where: str, above: Iterable[Above] = ()) -> Multiscale:
    """Return the first multiscale of the OME-Zarr metadata of a group.

    What places it beyond scales and translations is named as `lost` in it. Scales may be negative.

    Parameters
    ----------
    ome
        What zarr v3 keeps under ``attributes.ome`` and zarr v2 in ``.zattrs``.
    where
        Address of the group, for messages.
    above
        The groups above it, the nearest first; only those of NGFF 0.6 are read.

    Raises
    ------
    UnsupportedError, MetadataError
        As of `read_multiscale`.
    """
    first = _first_multiscale(where, ome)
    version = version_of(ome, where)
    is_labels = "image-label" in ome
    try:
        if version == "0.6":
            document = v06.MultiscaleDocument.model_validate(first)
            found = placed_above(document, version, is_labels=is_labels, above=above)
        else:
            older = v04.MultiscaleDocument.model_validate(first)
            found = older.to_multiscale(version, is_labels=is_labels)
    except UnsupportedError as error:
        raise UnsupportedError(f"{where} has {error}, which voxlake does not read") from error
    except ValueError as error:  # of pydantic, or of the model
        raise MetadataError(
            f"the metadata of {where} break NGFF {version}: {'; '.join(reasons(error))}"
        ) from error
    return replace(found, levels=finest_first(found.levels), channels=read_channels(ome))


def reasons(error: ValueError) -> Iterator[str]:
    """Yield what is wrong in words, each with its place in the document if that is known."""
    if not isinstance(error, ValidationError):
        yield str(error)
        return
    for each in error.errors(include_url=False, include_context=False, include_input=False):
        place = ".".join(str(part) for part in each["loc"])
        yield f"{place}: {each['msg'].removeprefix('Value error, ')}"


def is_ours(url: StoreURL) -> bool:
    """Return whether voxlake made the group at `url`: it says in voxlake's words how levels are.

    What voxlake did not make, or what is damaged so that nobody knows, is not mended.
    """
    try:
        first = _first_multiscale(str(url), read_ome(url))
    except UNREADABLE:
        return False
    said = first.get("metadata")
    return isinstance(said, dict) and said.get("description") in DESCRIPTIONS.values()


def read_labels_names(url: StoreURL) -> list[str]:
    """Return the names in the ``labels`` group of the image at `url`; none if it has none.

    Raises
    ------
    MetadataError
        If the group has something else for a list of names, or one leads out of it.
    """
    try:
        names = read_ome(url / "labels").get("labels", [])
    except NotFoundError:
        return []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise MetadataError(f"{url / 'labels'} lists {names!r}, which are no names of labels")
    _require_below(url / "labels", names)
    return names


def read_ome(url: StoreURL) -> dict[str, Any]:
    """Return what zarr v3 keeps under ``attributes.ome`` and zarr v2 in ``.zattrs``.

    Raises
    ------
    NotFoundError
        If there is no zarr group.
    MetadataError
        If the document is damaged, or no object.
    """
    stored = read_v3(url, ".zattrs")
    if stored is not None:
        v3 = parse_document(stored.body, url / "zarr.json")
        require_seal(v3, url / "zarr.json")
        ome = (v3.get("attributes") or {}).get("ome", {})
        if not isinstance(ome, dict):
            raise MetadataError(f"attributes.ome of {url / 'zarr.json'} is no object")
        return ome
    v2 = _read_json(url / ".zattrs")
    if v2 is None and _read_json(url / ".zgroup") is None:
        raise NotFoundError(f"{url} holds no zarr group; check the address")
    return v2 or {}


def _read_json(url: StoreURL) -> dict[str, Any] | None:
    """Return the object in the document at `url`; None if there is no document."""
    stored = store.read_if_there(url)
    if stored is None:
        return None
    return parse_document(stored.body, url)


def parse_document(body: bytes, url: StoreURL) -> dict[str, Any]:
    """Return the object that the metadata document `body`, of `url`, holds.

    Raises
    ------
    MetadataError
        If it is no JSON object, or nested so deeply that no metadata are.
    """
    try:
        document = json.loads(body)
        if b"\\ud" in body.lower():
            json.dumps(document, ensure_ascii=False).encode()  # halves of characters are no text
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else error
        raise MetadataError(
            f"{url}, of {len(body)} bytes, is damaged: not JSON ({reason}); restore it"
        ) from error
    if not isinstance(document, dict):
        raise MetadataError(f"{url} is damaged: JSON, but no object; restore it")
    if not isinstance(document.get("attributes", {}), dict | None):
        raise MetadataError(f"attributes of {url} are no object; mend them")
    return document


def _above(url: StoreURL) -> Iterator[Above]:
    """Yield the groups above a group, the nearest first."""
    path: tuple[str, ...] = ()
    for _ in range(LEVELS_UP):
        path = (url.name, *path)
        parent = _parent(url)
        if parent is None:
            return
        url = parent
        yield Above("/".join(path), partial(_ome_if_there, url))


def _parent(url: StoreURL) -> StoreURL | None:
    if url.key:
        return replace(url, key=url.key.rpartition("/")[0])
    folder = Path(url.root).parent
    return replace(url, root=str(folder)) if url.scheme == "file" else None


def _ome_if_there(url: StoreURL, path: str) -> dict[str, Any] | None:
    """Return the metadata of a group above; None if there is none, or it is not ours to read."""
    try:
        return read_ome(url / path)
    except StoreUnavailableError:
        raise
    except (NotFoundError, MetadataError, StoreError):
        return None


def _first_multiscale(where: str, ome: Mapping[str, Any]) -> dict[str, Any]:
    match ome.get("multiscales"):
        case None:
            raise UnsupportedError(f"{where} is {what_it_is(ome)}, not an OME-Zarr image")
        case [dict() as first, *_]:
            return first
        case _:
            raise MetadataError(f"multiscales of {where} is no list of one object or more")


def what_it_is(ome: Mapping[str, Any]) -> str:
    """Return what a group without multiscales is, by its OME-Zarr metadata.

    Examples
    --------
    >>> what_it_is({"version": "0.5", "plate": {}})
    'a plate of wells'
    """
    kinds = (words for key, words in NO_IMAGES.items() if key in ome)
    return next(kinds, "a zarr group without multiscales")


def version_of(ome: Mapping[str, Any], where: str) -> str:
    """Return the version of NGFF that the metadata of an image are read by.

    Raises
    ------
    UnsupportedError
        If they are no image's, or of a version that voxlake does not read.
    MetadataError
        If what they say is no version.
    """
    first = _first_multiscale(where, ome)
    if early := early_version(ome, first):
        raise UnsupportedError(
            f"{where} is OME-Zarr {early}, which does not say how large voxels are; it can be "
            "ingested, with --voxel-size"
        )
    said = ome.get("version", first.get("version"))
    if said is None:  # must be said since 0.5, and is seen by what is there
        return "0.6" if "coordinateSystems" in first else "0.4"
    if not isinstance(said, str | float) or isinstance(said, bool):
        raise MetadataError(f"{where} says {said!r} for a version of OME-Zarr")
    for version in READABLE:
        if re.fullmatch(rf"{re.escape(version)}([.-].*|rc.*)?", str(said)):
            return version
    raise UnsupportedError(f"{where} is OME-Zarr {said}; voxlake reads {', '.join(READABLE)}")
