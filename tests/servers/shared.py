"""Servers that all processes of a test run share: each is started when one of them asks for it.

The process that began the run keeps the servers until its end, and listens at a socket for the
others, which ask by name and are told the address.
"""

from __future__ import annotations

import shutil
import tempfile
from contextlib import AbstractContextManager, ExitStack, suppress
from multiprocessing.connection import Client, Listener
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    type Run = Callable[[Path], AbstractContextManager[object]]
    """Runs a server that keeps its data in a folder, and yields what its users need to know."""


class SharedServers:
    """Servers by name, those that were asked for running."""

    def __init__(self, kinds: Mapping[str, Run]) -> None:
        self._kinds = kinds
        self._started: dict[str, object] = {}
        self._stack = ExitStack()
        self._folder = Path(tempfile.mkdtemp(prefix="voxlake-servers-"))
        self._listener = Listener(str(self._folder / "socket"), "AF_UNIX")
        self._thread = Thread(target=self._listen, daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """Where other processes ask."""
        return str(self._folder / "socket")

    def stop(self) -> None:
        """Stop all of them."""
        with Client(self.address, "AF_UNIX") as asking:
            asking.send(None)
        self._thread.join()
        self._listener.close()
        self._stack.close()
        shutil.rmtree(self._folder)

    def _listen(self) -> None:
        """Answer one question after the other, so that no server is started twice."""
        while True:
            # A process that was killed while it waited must not take the others along.
            with suppress(OSError, EOFError), self._listener.accept() as asking:
                name = asking.recv()
                if name is None:
                    return
                asking.send(self._answer(name))

    def _answer(self, name: str) -> object:
        if name not in self._started:
            folder = self._folder / name
            folder.mkdir()
            try:
                self._started[name] = self._stack.enter_context(self._kinds[name](folder))
            # Whoever asked raises it, and the next one hears the same.
            except Exception as error:  # noqa: BLE001
                self._started[name] = RuntimeError(f"the {name} server did not start: {error!r}")
        return self._started[name]


def ask_for_server(address: str, name: str) -> object:
    """Return what users of a server need to know; start it if it does not run yet."""
    with Client(address, "AF_UNIX") as asking:
        asking.send(name)
        answer = asking.recv()
    if isinstance(answer, RuntimeError):
        raise answer
    return answer
