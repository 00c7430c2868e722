"""A gateway of several processes is one gateway: whichever answers, and whatever dies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
import psutil
import pytest
from tests.api.monitoring.test_metrics import read

from voxlake.cli.opened.lake import make_lake
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from voxlake.platform.store import StoreURL

WAITED_S = 60


@dataclass
class Running:
    """A gateway of two workers."""

    process: subprocess.Popen[str]
    url: str
    login_link: str
    owner: dict[str, str]

    def get(self, path: str, **headers: str) -> httpx2.Response:
        """Ask by a connection of its own: it may be any worker's."""
        return httpx2.get(f"{self.url}{path}", headers=headers, timeout=WAITED_S)

    def workers(self) -> list[psutil.Process]:
        """Return the processes of the workers."""
        return psutil.Process(self.process.pid).children()

    def up(self) -> list[float]:
        """Return whether each worker tells its metrics."""
        samples = read(self.get("/metrics", **self.owner).text)
        return [one for (name, _), one in sorted(samples.items(), key=str) if name == UP]

    def by_both(self, ask: Callable[[], httpx2.Response]) -> set[int]:
        """Ask until both workers have answered; return the statuses of all answers."""
        statuses, before = {ask().status_code}, self.answered()

        def grown() -> bool:
            statuses.add(ask().status_code)
            return all(now > was for now, was in zip(self.answered(), before, strict=True))

        until(grown)
        return statuses

    def answered(self) -> list[float]:
        """Return how many requests each worker has answered."""
        samples = read(self.get("/metrics", **self.owner).text)
        return [
            sum(
                one
                for (name, labels), one in samples.items()
                if name == "voxlake_requests_total"
                and {("worker", str(number)), ("route", "/metrics")} & labels
                == {("worker", str(number))}
            )
            for number in range(2)
        ]


UP = "voxlake_worker_up"


def until(happened: Callable[[], object]) -> None:
    """Wait until something has happened."""
    deadline = time.monotonic() + WAITED_S
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@contextmanager
def running(lake: StoreURL, folder: Path, **settings: str) -> Iterator[Running]:
    """Run the command over an empty lake, with two workers."""
    make_lake(lake, Settings())
    command = [sys.executable, "-m", "voxlake.cli", "serve", "--workers", "2", "--port", "0"]
    environment = {**os.environ, "XDG_STATE_HOME": str(folder), **settings}
    with subprocess.Popen(
        [*command, "--json", "--lake", str(lake)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        assert process.stdout is not None
        try:
            told = json.loads("".join(iter(process.stdout.readline, "}\n")) + "}")
            token = Path(told["token_file"]).read_text(encoding="ascii")
            owner = {"Authorization": f"Bearer {token}"}
            yield Running(process, told["url"], told["login_link"], owner)
        finally:
            process.kill()


def test_they_are_one_gateway_and_outlive_one_another(lake: StoreURL, tmp_path: Path) -> None:
    with running(lake, tmp_path) as gateway:
        assert gateway.up() == [1, 1]
        # A link is good once, and the session at every worker, until it ends at all of them.
        answer = httpx2.get(gateway.login_link)
        cookie = {"Cookie": answer.headers["set-cookie"].partition(";")[0]}
        assert answer.status_code == 303
        assert gateway.by_both(lambda: httpx2.get(gateway.login_link)) == {401}
        assert gateway.by_both(lambda: gateway.get("/nothing", **cookie)) == {404}
        ours = cookie | {"Origin": gateway.url}
        assert httpx2.post(f"{gateway.url}/logout", headers=ours).status_code == 303
        assert gateway.by_both(lambda: gateway.get("/nothing", **cookie)) == {401}
        # One that dies is started anew, and nobody is refused meanwhile.
        first, second = gateway.workers()
        first.kill()
        assert {gateway.get("/healthz").status_code for _ in range(20)} == {200}
        until(lambda: gateway.up() == [1, 1])
        anew, kept = sorted(gateway.workers(), key=lambda each: each.pid == second.pid)
        assert kept == second
        # Without the process that started them they end, too.
        gateway.process.kill()
        psutil.wait_procs([anew, second], timeout=WAITED_S)
        assert not anew.is_running()
        assert not second.is_running()
        assert gateway.process.stderr is not None
        assert "ended (SIGKILL); it is started anew" in gateway.process.stderr.read()


def test_all_are_told_to_end_and_at_the_second_time_end_at_once(
    lake: StoreURL, tmp_path: Path
) -> None:
    with running(lake, tmp_path, VOXLAKE_GATEWAY_DRAIN_S="60") as gateway:
        workers = gateway.workers()
        assert gateway.by_both(lambda: gateway.get("/readyz")) == {200}
        gateway.process.send_signal(signal.SIGTERM)
        until(lambda: gateway.get("/readyz").status_code == 503)
        assert 503 in gateway.by_both(lambda: gateway.get("/readyz"))
        gateway.process.send_signal(signal.SIGTERM)
        assert gateway.process.wait(WAITED_S) == -signal.SIGTERM
        psutil.wait_procs(workers, timeout=WAITED_S)
        assert not any(each.is_running() for each in workers)


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
def test_told_once_all_end_in_good_order(
    told: signal.Signals, lake: StoreURL, tmp_path: Path
) -> None:
    with running(lake, tmp_path) as gateway:
        workers = gateway.workers()
        gateway.process.send_signal(told)
        assert gateway.process.wait(WAITED_S) == 0
        assert not any(each.is_running() for each in workers)
        with pytest.raises(httpx2.ConnectError):
            gateway.get("/healthz")
