"""Configurations of boss-ingest as files: found, read, and what is wrong with one is told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from voxlake.compute.sources.location import local_path
from voxlake.documents.bossdb.ingest import Config
from voxlake.platform.errors import SourceError, faults
from voxlake.platform.names import DatasetName

if TYPE_CHECKING:
    from pathlib import Path

_MARK = "boss-v0."


def read_config(location: str) -> tuple[Path, Config, dict[str, Any]] | None:
    """Return the file of a configuration, what it says, and that as plain JSON; None if it is none.

    Raises
    ------
    SourceError
        If it is one, but not valid: every field that is wrong is named.
    """
    path = local_path(location)
    if path is None or path.suffix != ".json" or not path.is_file():
        return None
    try:
        text = path.read_text("utf-8", "replace")
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error}); check the path") from error
    if _MARK not in text:
        return None
    try:
        raw = json.loads(text)
    except ValueError as error:
        raise SourceError(f"boss-ingest configuration {path} is no JSON ({error})") from error
    if not _is_config(raw):
        return None
    try:
        return path, Config.model_validate_json(text), raw
    except ValidationError as error:
        wrong = faults(error.errors())
        raise SourceError(f"boss-ingest configuration {path} is not valid: {wrong}") from error


def suggested_name(location: str) -> DatasetName | None:
    """Return the collection, experiment and channel that a configuration names.

    Parameters
    ----------
    location : str
        Of any source. None is returned if it is not a boss-ingest configuration.

    Raises
    ------
    InvalidNameError
        If one of the names is none in voxlake.
    SourceError
        If the configuration is not valid.
    """
    document = read_config(location)
    if document is None:
        return None
    database = document[1].database
    return DatasetName(database.collection, database.experiment, database.channel)


def _is_config(raw: object) -> bool:
    schema = raw.get("schema") if isinstance(raw, dict) else None
    name = schema.get("name") if isinstance(schema, dict) else None
    return isinstance(name, str) and name.startswith(_MARK)
