"""The ``voxlake`` command."""

from __future__ import annotations

import atexit
import gc
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with `arguments`, by default the process's, and return its exit code."""
    # The system frees the memory of a process that ends; to search it for garbage first takes a
    # quarter of the time of a short command.
    atexit.register(gc.freeze)
    try:
        # Ctrl-C while this loads ends it like Ctrl-C later.
        from voxlake.cli.app import run

        return run(sys.argv[1:] if arguments is None else arguments)
    except KeyboardInterrupt:
        sys.stderr.write("error: interrupted\n")
        return 130
