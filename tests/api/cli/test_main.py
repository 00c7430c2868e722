"""The command line as such: usage, problems, the environment, what it loads."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from voxlake.cli import main
from voxlake.cli.app import COMMANDS, command_line
from voxlake.cli.commands.lake import ls as ls_module
from voxlake.cli.manual.exit_codes import MEANINGS
from voxlake.cli.shown.problem import problem_of
from voxlake.platform import errors

if TYPE_CHECKING:
    from tests.api.cli.conftest import Command


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == version("voxlake")
    assert main([]) == 0
    assert "doctor" in capsys.readouterr().out


BELOW = {
    "jobs": ("ls", "show", "resume", "cancel"),
    "user": ("ls", "add", "disable", "enable"),
    "group": ("ls", "add", "rm", "join", "leave"),
    "session": ("ls", "end"),
    "token": ("ls", "make", "revoke", "rotate"),
}
PAGES = [f"{command} {word}" for command, words in BELOW.items() for word in words]


def _name(place: str) -> str:
    return place.partition(":")[2].rstrip("_").replace("_", "-")


@pytest.mark.parametrize("place", COMMANDS)
def test_list_says_what_the_page_of_a_command_does(place: str) -> None:
    name = _name(place)
    (line, *_) = command_line([name])[name].help.split("\n\n")
    assert " ".join(line.split()) == COMMANDS[place]


@pytest.mark.parametrize("command", [*map(_name, COMMANDS), *PAGES])
def test_every_command_has_a_page(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command.split(), "--help"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith(f"Usage: voxlake {command} ")
    assert said.err == ""


def test_fractions_are_no_labels(shared: Command) -> None:
    answer = shared("label", "lab/cube/cells", "1.5")
    assert (answer.code, answer.kind) == (2, "usage")
    assert "'1.5'" in answer.document["detail"]


@pytest.mark.parametrize(
    "words",
    [("nonsense",), ("ingest",), ("ls", "--nonsense"), ("ingest", "a", "b", "--kind", "picture")],
)
def test_usage_is_a_problem_too(words: tuple[str, ...], voxlake: Command) -> None:
    answer = voxlake(*words)
    assert (answer.code, answer.kind) == (2, "usage")
    assert "--help" in answer.document["hints"][0]
    plain = voxlake.plain(*words)
    assert (plain.code, plain.out) == (2, "")
    assert plain.err.startswith("error: ")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("ls a b", "'b' is one word more than 'voxlake ls' takes"),
        ("jobs list", "'list' is one word more than 'voxlake jobs' takes"),
        ("info", "'voxlake info' needs NAME"),
        ("ingest a b/c/d", "'voxlake ingest' needs --kind: image, labels"),
        ("ingest a b/c/d --of", "'voxlake ingest' needs a value after --of"),
        ("ingest a b/c/d --kind image --voxelsize 4nm", "Did you mean --voxel-size?"),
    ],
)
def test_usage_says_what_is_wrong(words: str, said: str, voxlake: Command) -> None:
    assert said in voxlake(*words.split()).document["detail"]


def test_unforeseen_error_is_one_line(
    shared: Command, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(lake: object) -> None:
        raise KeyError("who")

    monkeypatch.setattr(ls_module, "opened_catalog", fail)
    plain = shared.plain("ls")
    assert plain.code == 1
    assert "KeyError: 'who'" in plain.err
    assert "--debug" in plain.err
    assert shared("ls").kind == "internal"
    assert main(["ls", "--debug"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_commands_to_go_on_with_are_of_the_same_lake(shared: Command) -> None:
    for name, words in ((shared.lake, ("--lake", shared.lake)), ("", ())):
        hints = shared("info", "lab/cube/no", *words).document["hints"]
        assert any(f"--lake {name}" in hint for hint in hints) == bool(words)


CODES = {
    errors.InvalidNameError: 2,
    errors.LimitExceededError: 2,
    errors.NotAcceptableError: 2,
    errors.UnauthenticatedError: 3,
    errors.ForbiddenError: 3,
    errors.ObjectNotFoundError: 4,
    errors.ConflictError: 1,
    errors.CorruptDataError: 1,
    errors.StoreFullError: 1,
    errors.JobFailedError: 5,
    errors.ClusterLostError: 5,
    KeyboardInterrupt: 130,
    ZeroDivisionError: 1,
}


@pytest.mark.parametrize("kind", CODES)
def test_exit_codes(kind: type[BaseException]) -> None:
    error = kind("what was asked, what is so")
    error.add_note("what to do")
    problem = problem_of(error)
    assert problem.exit_code == CODES[kind]
    assert "what to do" in problem.hints


def test_every_exit_code_has_a_meaning() -> None:
    """And each that has one is of some error, or of success."""
    kinds, tree = [errors.VoxlakeError], set[type[BaseException]]()
    while kinds:
        tree.add(kind := kinds.pop())
        kinds += kind.__subclasses__()
    codes = {problem_of(kind("")).exit_code for kind in (*tree, KeyboardInterrupt)}
    assert codes | {0} == set(MEANINGS)


def test_closed_pipe_is_no_traceback(shared: Command) -> None:
    command = f"{sys.executable} -m voxlake.cli ls --lake {shared.lake} | true"
    ended = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    assert "Traceback" not in ended.stderr


def test_no_color_is_honoured(voxlake: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[" in voxlake.plain("ls").err
    monkeypatch.delenv("FORCE_COLOR")
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in voxlake.plain("ls").err


def test_installed_command_ends_with_its_exit_code(tmp_path: Path) -> None:
    script = Path(sys.executable).with_name("voxlake")
    ended = subprocess.run(
        [script, "ls", "--lake", tmp_path / "no"], capture_output=True, check=False
    )
    assert ended.returncode == 4
    assert ended.stderr.startswith(b"error: there is no lake at")
