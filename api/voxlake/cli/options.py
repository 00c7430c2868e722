"""Options that several commands share, as dataclasses whose fields are the options."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from cyclopts import Parameter, Token, validators
from pydantic import ValidationError

from voxlake.cli.manual.completing import complete_datasets, complete_places
from voxlake.platform.errors import InvalidInputError, faults
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


def in_utc(moment: datetime | None) -> datetime | None:
    """Return a moment that was given without a time zone as one of UTC."""
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)


Whole = Annotated[int, Parameter(converter=whole_number)]
"""A whole number."""

Flag = Annotated[bool, Parameter(show_default=False)]
"""An option that is given or not."""

type Name = Annotated[
    str,
    Parameter(name="NAME", help="COLLECTION/EXPERIMENT/DATASET.", completer=complete_datasets),
]
"""The argument that names a dataset."""

type Place = Annotated[
    str,
    Parameter(
        name="PLACE",
        help="COLLECTION, COLLECTION/EXPERIMENT, a dataset, or / for all.",
        completer=complete_places,
    ),
]
"""The argument that names a place of the lake."""


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
            help="The lake: a folder, memory://NAME, s3://BUCKET/PATH, gs:// or az://.",
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
                "no lake was named; give --lake URL (a folder, s3://BUCKET/PATH, gs:// or az://), "
                "or set VOXLAKE_LAKE"
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
            "on up to 4 cores and for few tasks; else it is one for every 4 cores. Of a "
            "dask-gateway: at most so many workers.",
        ),
    ] = None
    scheduler: Annotated[
        str | None,
        Parameter(
            env_var="VOXLAKE_SCHEDULER",
            metavar="ADDRESS",
            help="A Dask scheduler, such as tcp://HOST:8786, or gateway+https://HOST of a "
            "dask-gateway, instead of a local cluster.",
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
        wrong = faults(error.errors(), lambda place: f"VOXLAKE_{place.upper()}")
        raise InvalidInputError(
            f"the environment does not make settings ({wrong}); correct or unset them"
        ) from error
