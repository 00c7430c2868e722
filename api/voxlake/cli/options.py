"""Options that several commands share, as dataclasses whose fields are the options."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields, is_dataclass
from typing import Annotated, Any, get_type_hints

from pydantic import ValidationError
from typer import Argument, Option

from voxlake.platform.errors import InvalidInputError
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

type Name = Annotated[
    str, Argument(metavar="NAME", help="COLLECTION/EXPERIMENT/DATASET.", show_default=False)
]
"""The argument that names a dataset."""


@dataclass(frozen=True, slots=True)
class Answering:
    """How a command answers."""

    json: Annotated[
        bool, Option("--json", help="Print one JSON document on stdout, all else on stderr.")
    ] = False
    debug: Annotated[bool, Option("--debug", help="Show the traceback of an error.")] = False


@dataclass(frozen=True, slots=True)
class InLake:
    """Which lake a command works in."""

    lake: Annotated[
        str | None,
        Option(
            "--lake",
            envvar="VOXLAKE_LAKE",
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


@dataclass(frozen=True, slots=True)
class OnCluster:
    """Where the tasks of a job run."""

    workers: Annotated[
        int | None,
        Option(
            "--workers",
            envvar="VOXLAKE_WORKERS",
            min=0,
            help="Processes of the local cluster; 0: threads of this process, which is the default "
            "on up to 4 cores and for few tasks; else it is one for every 4 cores.",
        ),
    ] = None
    scheduler: Annotated[
        str | None,
        Option(
            "--scheduler",
            envvar="VOXLAKE_SCHEDULER",
            metavar="ADDRESS",
            help="A Dask scheduler, such as tcp://HOST:8786, instead of a local cluster.",
        ),
    ] = None

    @property
    def settings(self) -> Settings:
        """The settings of the environment, with these in place of theirs."""
        return read_settings(workers=self.workers, scheduler=self.scheduler)


@dataclass(frozen=True, slots=True)
class Running(OnCluster):
    """Where the tasks of a job run, and whether a worker runs it."""

    queue: Annotated[
        bool, Option("--queue", help="Leave the job to a `voxlake worker`, and do not wait.")
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


def grouped(command: Callable[..., int | None]) -> Callable[..., int | None]:
    """Return `command` with its dataclass parameters taken apart into their fields, for typer.

    A command that takes ``lake: InLake`` gets the option ``--lake`` and is called with an `InLake`.
    """
    hints = get_type_hints(command, include_extras=True)
    groups: dict[str, Any] = {name: hint for name, hint in hints.items() if is_dataclass(hint)}
    parameters: list[inspect.Parameter] = []
    for parameter in inspect.signature(command).parameters.values():
        if parameter.name in groups:
            parameters += _options_of(groups[parameter.name])
        else:
            parameters.append(
                parameter.replace(
                    annotation=_plain(hints[parameter.name]), kind=inspect.Parameter.KEYWORD_ONLY
                )
            )

    def call(**given: Any) -> int | None:
        values = {
            name: group(**{field.name: given.pop(field.name) for field in fields(group)})
            for name, group in groups.items()
        }
        return command(**values, **given)

    call.__name__, call.__doc__ = command.__name__, command.__doc__
    call.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    # typer, like everybody, asks `inspect.signature`, which looks here first.
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return call


def _options_of(group: Any) -> list[inspect.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if field.default is MISSING else field.default,
            annotation=_plain(hints[field.name]),
        )
        for field in fields(group)
    ]


def _plain(hint: Any) -> Any:
    """Return what a ``type`` alias stands for."""
    return getattr(hint, "__value__", hint)
