"""Options that several commands share, as dataclasses whose fields are the options."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from cyclopts import Parameter, Token, validators
from pydantic import ValidationError

from voxlake.ngff.grid.box import Box
from voxlake.platform.errors import InvalidInputError
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL


def whole_number(_kind: type, tokens: Sequence[Token]) -> int:
    """Return the whole number that was given.

    By itself cyclopts rounds: it takes 1.5 for 2, which here may be a label.
    """
    (token,) = tokens
    try:
        return int(token.value)
    except ValueError as error:
        raise ValueError(f"{token.value!r} is no whole number") from error


Whole = Annotated[int, Parameter(converter=whole_number)]
"""A whole number."""

Flag = Annotated[bool, Parameter(show_default=False)]
"""An option that is given or not."""

type Name = Annotated[str, Parameter(name="NAME", help="COLLECTION/EXPERIMENT/DATASET.")]
"""The argument that names a dataset."""


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Answering:
    """How a command answers."""

    json: Annotated[
        Flag, Parameter(help="Print one JSON document on stdout, all else on stderr.")
    ] = False
    debug: Annotated[Flag, Parameter(help="Show the traceback of an error.")] = False


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class InLake:
    """Which lake a command works in."""

    lake: Annotated[
        str | None,
        Parameter(
            env_var="VOXLAKE_LAKE",
            metavar="URL",
            help="The lake: a folder, memory://NAME or s3://BUCKET/PATH.",
        ),
    ] = None

    @property
    def url(self) -> StoreURL:
        """The lake's address.

        Raises
        ------
        InvalidInputError
            If none was given.
        """
        if self.lake is None:
            raise InvalidInputError(
                "no lake was named; give --lake URL (a folder or s3://BUCKET/PATH), or set "
                "VOXLAKE_LAKE"
            )
        return StoreURL.parse(self.lake, read_settings())


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class OnCluster:
    """Where the tasks of a job run."""

    workers: Annotated[
        Whole | None,
        Parameter(
            env_var="VOXLAKE_WORKERS",
            validator=validators.Number(gte=0),
            help="Processes of the local cluster; 0: threads of this process, which is the default "
            "on up to 4 cores and for few tasks; else it is one for every 4 cores.",
        ),
    ] = None
    scheduler: Annotated[
        str | None,
        Parameter(
            env_var="VOXLAKE_SCHEDULER",
            metavar="ADDRESS",
            help="A Dask scheduler, such as tcp://HOST:8786, instead of a local cluster.",
        ),
    ] = None

    @property
    def settings(self) -> Settings:
        """The settings of the environment, with these in place of theirs."""
        return read_settings(workers=self.workers, scheduler=self.scheduler)


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Running(OnCluster):
    """Where the tasks of a job run, and whether a worker runs it."""

    queue: Annotated[
        Flag, Parameter(help="Leave the job to a `voxlake worker`, and do not wait.")
    ] = False


def read_settings(**given: int | str | None) -> Settings:
    """Return the settings of the environment, with what is `given` (not None) in their place.

    Raises
    ------
    InvalidInputError
        If a ``VOXLAKE_*`` variable holds what it cannot mean.
    """
    try:
        return Settings.model_validate(
            {
                **Settings().model_dump(exclude_unset=True),
                **{name: value for name, value in given.items() if value is not None},
            }
        )
    except ValidationError as error:
        faults = (
            f"VOXLAKE_{'_'.join(map(str, each['loc'])).upper()}: {each['msg']}"
            for each in error.errors()
        )
        raise InvalidInputError(
            f"the environment does not make settings ({'; '.join(faults)}); correct or unset them"
        ) from error


def parse_name(text: str) -> DatasetName:
    """Return the dataset that `text` names; raise InvalidNameError if it cannot be one."""
    return DatasetName.parse(text)


def parse_box(text: str) -> Box:
    """Return the box that `text` holds: a half-open range for each axis.

    Raises
    ------
    InvalidInputError
        If it is not at least three ranges of whole numbers, or one is empty.

    Examples
    --------
    >>> parse_box("0:64,10:20,0:128")
    Box(start=(0, 10, 0), stop=(64, 20, 128))
    """
    ranges = [re.fullmatch(r"\s*(\d+):(\d+)\s*", part) for part in text.split(",")]
    pairs = [(int(ends[1]), int(ends[2])) for ends in ranges if ends]
    if len(pairs) < max(3, len(ranges)) or any(lo >= hi for lo, hi in pairs):
        raise InvalidInputError(
            f"box {text!r} is not a range for each axis; write z0:z1,y0:y1,x0:x1 such as "
            "0:64,128:192,0:512"
        )
    return Box(tuple(lo for lo, _ in pairs), tuple(hi for _, hi in pairs))
