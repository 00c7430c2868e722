"""Ctrl-C: a process that is asked to end does so soon, whatever it waits for.

Python looks at signals between two of its own steps: not while the main thread waits inside a
library for a store, or at the end for a thread that still works. So a thread watches, too. What is
recorded stays whole in any case: the ledger is changed by transactions, stores by whole objects.
"""

from __future__ import annotations

import os
import select
import signal
from threading import Thread

from voxlake.cli.manual.exit_codes import INTERRUPTED

ENDS_S = 1.7
"""Seconds after the first Ctrl-C within which the process ends by itself, or is ended."""


def end_soon() -> None:
    """From here on, Ctrl-C ends this process within `ENDS_S` seconds, and a second one at once."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    Thread(target=_watch, args=(reader,), name="voxlake-interrupts", daemon=True).start()


def end_in_own_time() -> None:
    """Leave Ctrl-C to the command, as servers and workers do that finish what they are at."""
    signal.set_wakeup_fd(-1)


def _watch(reader: int) -> None:
    asked = 0
    while asked < 2 and select.select([reader], [], [], ENDS_S if asked else None)[0]:
        asked += os.read(reader, 64).count(signal.SIGINT)
    os.write(2, b"\nerror: interrupted; what is done stays done\n")
    os._exit(INTERRUPTED)
