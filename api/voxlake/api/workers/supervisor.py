"""Run the workers of a gateway: start them, start anew what dies, and end them all.

They are fresh processes rather than forks: threads of the libraries would be missing in a fork.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys
import tempfile
from asyncio.subprocess import PIPE, Process, create_subprocess_exec
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from voxlake.api.endpoint import Endpoint, check_address
from voxlake.api.workers.listeners import listen_together
from voxlake.api.workers.task import Task
from voxlake.api.workers.worker import Worker, share_of
from voxlake.documents.service.gateway import ServingDocument
from voxlake.platform.errors import VoxlakeError
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

LONGEST_PAUSE_S = 5.0
"""Before one is started anew that ends again and again before it serves."""

_log = logging.getLogger(__name__)


def run_workers(
    settings: Settings,
    lake: StoreURL,
    count: int,
    announce: Callable[[ServingDocument], None],
    endpoint: Endpoint | None = None,
) -> None:
    """Serve `lake` by so many processes until told to end; calls `announce` once all are ready.

    The workers read the settings of this process's environment anew, and share the memory.

    Raises
    ------
    InvalidInputError
        If it would listen where it may not, the port is taken, or there is too little memory.
    VoxlakeError
        If a worker ends before it serves; it has told why.
    KeyboardInterrupt
        If it was told so by Ctrl-C, once all have ended.
    """
    endpoint = endpoint or Endpoint()
    check_address(endpoint.host, settings)
    share_of(settings, count)
    with ExitStack() as stack:
        listeners = listen_together(endpoint.host, endpoint.port, count)
        for listener in listeners:
            stack.enter_context(listener)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="voxlake-gateway-")))
        tasks = [
            Task(
                lake=str(lake),
                endpoint=endpoint,
                worker=Worker(number, count, folder, listener.fileno()),
            )
            for number, listener in enumerate(listeners)
        ]
        supervisor = Supervisor(tasks, listeners, settings.gateway_drain_s)
        asyncio.run(supervisor.run(announce))
    if supervisor.told == signal.SIGINT:
        raise KeyboardInterrupt


class Supervisor:
    """Keeps a process for each task, until it is told to end.

    The sockets are held here, so that connections to a worker that died wait for the next.
    """

    def __init__(
        self, tasks: Sequence[Task], listeners: Sequence[socket.socket], drain_s: float
    ) -> None:
        self.tasks, self.listeners, self.drain_s = tasks, listeners, drain_s
        self.told: signal.Signals | None = None
        self._processes = dict[int, Process]()
        self._served = dict[int, asyncio.Future[ServingDocument]]()

    async def run(self, announce: Callable[[ServingDocument], None]) -> None:
        """Run until told to end by a signal, and all have ended."""
        loop = asyncio.get_running_loop()
        for told in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(told, self._tell, told)
        self._served = {task.worker.number: loop.create_future() for task in self.tasks}
        announcing = asyncio.ensure_future(self._announce(announce))
        keeping = [asyncio.ensure_future(self._keep(task)) for task in self.tasks]
        try:
            await asyncio.gather(*keeping)
        finally:
            for each in (announcing, *keeping):
                each.cancel()
            await asyncio.gather(announcing, *keeping, return_exceptions=True)

    async def _announce(self, announce: Callable[[ServingDocument], None]) -> None:
        announce((await asyncio.gather(*self._served.values()))[0])

    async def _keep(self, task: Task) -> None:
        """Run a worker, and another whenever it dies."""
        failures = 0
        while self.told is None:
            process = await self._start(task)
            try:
                failures = 0 if await self._is_ready(task, process) else failures + 1
                code = await process.wait()
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
            if self.told is None:
                self._check_began(code)
                _log.error(
                    "worker %d ended (%s); it is started anew", task.worker.number, ended(code)
                )
                await asyncio.sleep(min(failures, LONGEST_PAUSE_S))

    async def _start(self, task: Task) -> Process:
        process = await create_subprocess_exec(
            *(sys.executable, "-m", "voxlake.api.workers.process", task.model_dump_json()),
            stdin=PIPE,
            stdout=PIPE,
            pass_fds=[task.worker.listener],
            # Ctrl-C at a terminal is for this process, which tells the others.
            process_group=0,
        )
        self._processes[task.worker.number] = process
        if self.told is not None:
            process.send_signal(self.told)
        return process

    async def _is_ready(self, task: Task, process: Process) -> bool:
        """Return whether it serves; waits until it does, or ends."""
        assert process.stdout is not None
        line = await process.stdout.readline()
        served = self._served[task.worker.number]
        if line and not served.done():
            served.set_result(ServingDocument.model_validate_json(line))
        return bool(line)

    def _check_began(self, code: int) -> None:
        if not all(each.done() for each in self._served.values()):
            raise VoxlakeError(
                f"a worker of the gateway ended before all served ({ended(code)}); what it said "
                "above is why"
            )

    def _tell(self, told: signal.Signals) -> None:
        """Tell all to end; told a second time, end at once."""
        again = self.told is not None
        self.told = self.told or told
        for process in self._processes.values():
            if process.returncode is None:
                process.send_signal(signal.SIGKILL if again else told)
        if again:
            signal.signal(told, signal.SIG_DFL)
            signal.raise_signal(told)
        loop = asyncio.get_running_loop()
        loop.call_later(self.drain_s if told == signal.SIGTERM else 0, self._take_no_more)

    def _take_no_more(self) -> None:
        for listener in self.listeners:
            listener.close()


def ended(code: int) -> str:
    """Return how a process ended, in words.

    Examples
    --------
    >>> ended(1), ended(-9)
    ('exit code 1', 'SIGKILL')
    """
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"
