"""How a command that fails says so, and its exit codes."""

from __future__ import annotations

import sys
import traceback

import typer
from rich.text import Text

from voxlake.cli.shown.output import Document, console_of
from voxlake.platform.errors import (
    ForbiddenError,
    InvalidInputError,
    JobFailedError,
    NotAcceptableError,
    NotFoundError,
    UnauthenticatedError,
    VoxlakeError,
)

FAILURE, USAGE, REFUSED, NOT_FOUND, PARTIAL, INTERRUPTED = 1, 2, 3, 4, 5, 130
"""Exit codes: failure; bad input or usage; may not; not there; ended partially; Ctrl-C."""

_CODES: tuple[tuple[type[VoxlakeError], int], ...] = (
    (InvalidInputError, USAGE),
    (NotAcceptableError, USAGE),
    (UnauthenticatedError, REFUSED),
    (ForbiddenError, REFUSED),
    (NotFoundError, NOT_FOUND),
    (JobFailedError, PARTIAL),
)


class Interrupted(Exception):  # noqa: N818  (no error: the user asked for it)
    """Ctrl-C, while a job ran."""


class Problem(Document):
    """Why a command failed; the whole answer of a ``--json`` command that does."""

    kind: str
    """Stable name of the kind of error, the same as in HTTP answers."""
    detail: str
    """What was asked, what is so, and what to do."""
    hints: tuple[str, ...] = ()
    """What else helps."""
    exit_code: int = FAILURE


def problem_of(error: BaseException) -> Problem:
    """Return what to say about `error`.

    Examples
    --------
    >>> problem_of(NotFoundError("dataset a/b/c is not there")).exit_code
    4
    """
    hints = tuple(getattr(error, "__notes__", ()))
    match error:
        case typer.TyperException():
            return Problem(
                kind="usage",
                detail=error.format_message(),
                hints=_usage_hint(error),
                exit_code=error.exit_code,
            )
        case VoxlakeError():
            code = next((code for kind, code in _CODES if isinstance(error, kind)), FAILURE)
            return Problem(kind=error.kind, detail=str(error), hints=hints, exit_code=code)
        case Interrupted() | KeyboardInterrupt():
            detail = str(error) or "interrupted"
            return Problem(kind="interrupted", detail=detail, hints=hints, exit_code=INTERRUPTED)
        case _:
            return Problem(
                kind="internal",
                detail=f"voxlake failed in a way it should not: {type(error).__name__}: {error}",
                hints=("run it again with --debug for the traceback, and report it", *hints),
            )


def report(error: BaseException, *, json: bool, debug: bool) -> int:
    """Print the problem (JSON: on stdout, else on stderr) and return the exit code."""
    problem = problem_of(error)
    if debug:
        traceback.print_exception(error, file=sys.stderr)
    if json:
        sys.stdout.write(problem.model_dump_json(indent=2) + "\n")
        return problem.exit_code
    console = console_of(sys.stderr)
    console.print(Text.assemble(("error: ", "bold red"), problem.detail), soft_wrap=True)
    for hint in problem.hints:
        console.print(Text.assemble(("hint: ", "bold"), hint), soft_wrap=True)
    return problem.exit_code


def _usage_hint(error: typer.TyperException) -> tuple[str, ...]:
    context = getattr(error, "ctx", None)
    return (f"see '{context.command_path} --help'",) if context else ()
