"""The ``voxlake`` command."""

from __future__ import annotations

import atexit
import gc
import sys
from collections.abc import Sequence
from functools import cache


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with `arguments`, by default the process's, and return its exit code."""
    if arguments is None:
        _end_at_once()
    try:
        # Ctrl-C while this loads ends it like Ctrl-C later.
        from voxlake.cli.app import run

        return run(sys.argv[1:] if arguments is None else arguments)
    except KeyboardInterrupt:
        sys.stderr.write("error: interrupted\n")
        return 130


@cache
def _end_at_once() -> None:
    """Let this process, which is the command's own, end without a search for garbage.

    The system frees its memory anyway; the search takes a quarter of the time of a short command.
    """
    atexit.register(gc.freeze)
