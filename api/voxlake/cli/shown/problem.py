"""How a command that fails says so, and its exit codes."""

from __future__ import annotations

import shlex
import sys
import traceback
from difflib import get_close_matches
from itertools import pairwise
from typing import TYPE_CHECKING

from cyclopts import (
    App,
    CycloptsError,
    MissingArgumentError,
    UnknownCommandError,
    UnusedCliTokensError,
)
from cyclopts.argument import Argument
from rich.text import Text

from voxlake.cli.manual.exit_codes import FAILURE, INTERRUPTED, NOT_FOUND, PARTIAL, REFUSED, USAGE
from voxlake.cli.shown.output import console_of
from voxlake.documents.problem import Problem, naming
from voxlake.platform.errors import JobFailedError, VoxlakeError

if TYPE_CHECKING:
    from collections.abc import Sequence

_CODES = {400: USAGE, 406: USAGE, 413: USAGE, 401: REFUSED, 403: REFUSED, 404: NOT_FOUND}
"""Exit codes by the status of the error at the gateway; of all others it is a failure."""


class Interrupted(Exception):  # noqa: N818  (no error: the user asked for it)
    """Ctrl-C, while a job ran."""


def problem_of(error: BaseException) -> Problem:
    """Return what to say about `error`.

    Examples
    --------
    >>> from voxlake.platform.errors import NotFoundError
    >>> problem_of(NotFoundError("dataset a/b/c is not there")).exit_code
    4
    """
    kind, status, detail, code, hints = _facts(error)
    return Problem(
        **naming(kind),
        status=status,
        detail=detail,
        request_id=None,
        hints=(*hints, *getattr(error, "__notes__", ())),
        exit_code=code,
    )


def report(error: BaseException, words: Sequence[str]) -> int:
    """Print the problem of a command, and return the exit code.

    It goes to stderr; as JSON, if that was asked for among the `words` of the command, to stdout.
    """
    problem = problem_of(error)
    problem = problem.model_copy(update={"hints": problem.hints + _in_same_lake(error, words)})
    code = problem.exit_code
    assert code is not None
    if "--debug" in words:
        traceback.print_exception(error, file=sys.stderr)
    if "--json" in words:
        sys.stdout.write(problem.model_dump_json(indent=2) + "\n")
        return code
    console = console_of(sys.stderr)
    console.print(Text.assemble(("error: ", "bold red"), problem.detail), soft_wrap=True)
    for hint in problem.hints:
        console.print(Text.assemble(("hint: ", "bold"), hint), soft_wrap=True)
    return code


def _in_same_lake(error: BaseException, words: Sequence[str]) -> tuple[str, ...]:
    """Return what to say of the lake that a command named, if the error names other commands."""
    said = " ".join((str(error), *getattr(error, "__notes__", ())))
    if not isinstance(error, VoxlakeError | Interrupted) or "voxlake " not in said:
        return ()
    lakes = [following for word, following in pairwise(words) if word == "--lake"]
    if not lakes or "--lake" in said:
        return ()
    return (f"the lake is named again, with --lake {shlex.quote(lakes[0])}, or by VOXLAKE_LAKE",)


def _facts(error: BaseException) -> tuple[str, int | None, str, int, tuple[str, ...]]:
    """Return the kind of an error, its HTTP status, what it says, the exit code, and hints."""
    match error:
        case CycloptsError():
            hint = f"see '{_command(error)} --help'"
            return "usage", None, _misused(error), USAGE, (hint,)
        case VoxlakeError():
            partial = isinstance(error, JobFailedError)
            code = PARTIAL if partial else _CODES.get(error.status, FAILURE)
            return error.kind, error.status, str(error), code, ()
        case Interrupted() | KeyboardInterrupt():
            return "interrupted", None, str(error) or "interrupted", INTERRUPTED, ()
        case _:
            detail = f"voxlake failed in a way it should not: {type(error).__name__}: {error}"
            hint = "run it again with --debug for the traceback, and report it"
            return "internal", None, detail, FAILURE, (hint,)


def _command(error: CycloptsError) -> str:
    return " ".join(("voxlake", *(error.command_chain or ())))


def _misused(error: CycloptsError) -> str:
    match error:
        case UnknownCommandError(unused_tokens=[word, *_], app=App() as app):
            # What it says itself, it says after loading every command.
            close = get_close_matches(word, app)
            return f"there is no command {word!r}" + "".join(f"; is it {each!r}?" for each in close)
        case UnusedCliTokensError(unused_tokens=[word, *_]):
            return f"{word!r} is one word more than '{_command(error)}' takes"
        case MissingArgumentError(argument=Argument() as argument):
            needed = argument.name if argument.required else f"a value after {argument.name}"
            choices = ", ".join(argument.get_choices() or ())
            return f"'{_command(error)}' needs {needed}" + (choices and f": {choices}")
        case _:
            return str(error)
