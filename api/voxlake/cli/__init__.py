"""The ``voxlake`` command."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from collections.abc import Sequence
from functools import cache

from voxlake.cli.interrupts import end_soon
from voxlake.cli.manual.exit_codes import INTERRUPTED


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with `arguments`, by default the process's, and return its exit code."""
    if arguments is not None:
        return _run(arguments)
    _end_at_once()
    end_soon()
    code = _run(sys.argv[1:])
    if code == INTERRUPTED:
        # Threads may be at work still, and a process that ends would wait for them.
        sys.stdout.flush()
        os._exit(INTERRUPTED)
    return code


def _run(arguments: Sequence[str]) -> int:
    try:
        # Ctrl-C while this loads ends it like Ctrl-C later.
        from voxlake.cli.app import run

        return run(arguments)
    except KeyboardInterrupt:
        sys.stderr.write("error: interrupted\n")
        return INTERRUPTED


@cache
def _end_at_once() -> None:
    """Let this process, which is the command's own, end without a search for garbage.

    The system frees its memory anyway; the search takes a quarter of the time of a short command.
    """
    atexit.register(gc.freeze)
