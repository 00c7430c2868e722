"""Who reads a page from top to bottom, and pastes its blocks into one shell and one Python."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from tests.docs.pages import Block

DONE = "the block is done"
SHELL = ("bash", "-euo", "pipefail")
PYTHON = f"""
import sys
names = {{}}
while block := sys.stdin.readline():
    exec(compile(eval(block), "<page>", "exec"), names)
    print("", "{DONE}", sep="\\n", flush=True)
"""
"""Reads blocks as Python writes strings, and runs one after the other."""


@contextmanager
def talking(*command: str, **environment: str) -> Iterator[Callable[[str], str]]:
    """Run a process; yield a function that gives it something to do, and returns what it said."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, **environment},
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    into, out = process.stdin, process.stdout

    def tell(text: str) -> str:
        into.write(text)
        into.flush()
        said = ""
        for line in out:
            if line == f"{DONE}\n":
                return said
            said += line
        pytest.fail(f"{text}\nends with {process.wait()}, having said\n{said}")

    with process, into:
        yield tell


@contextmanager
def shell(**environment: str) -> Iterator[Callable[[str], str]]:
    """Run a shell that ends where a command fails; yield what runs commands in it."""
    with talking(*SHELL, **environment) as tell:
        yield lambda code: tell(f"{code}\necho; echo '{DONE}'\n")


def python(**environment: str) -> AbstractContextManager[Callable[[str], str]]:
    """Run a Python to which each block comes as a string in its own notation."""
    return talking(sys.executable, "-W", "error", "-c", PYTHON, **environment)


def pasting(
    in_shell: Callable[[str], str], in_python: Callable[[str], str]
) -> Callable[[Block], str]:
    """Return a function that runs a block as it stands on its page, and returns what was said."""

    def paste(block: Block) -> str:
        if block.language == "sh":
            return in_shell(block.code)
        code = "\n" * (block.line - 1) + block.code  # so that errors tell the line of the page
        return in_python(f"{code!r}\n")

    return paste
