"""The processes of services: started in order, waited for, ended."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from deploy.here.place import NO_PROGRAM, OTHER_NAMES, Place
from deploy.here.stand_ins import as_user, make_databases, nanoidp, postgres

PATIENCE_S = 300
"""How long a service may take until it is well."""


def up(place: Place, names: list[str]) -> None:
    """Start services, each after those that it needs, and wait until all are well."""
    order = _in_order(place, names or list(place.services))
    begun: dict[str, Future[None]] = {}
    with ThreadPoolExecutor(len(order)) as pool:
        for name in order:
            needed = [begun[each] for each in place.services[name].get("depends_on") or {}]
            begun[name] = pool.submit(_start_after, place, name, needed)
    for each in begun.values():
        each.result()
    for name, why in NO_PROGRAM.items():
        print(f"{name}: left out: {why}")


def _start_after(place: Place, name: str, needed: list[Future[None]]) -> None:
    for each in needed:
        each.result()
    if running(place, name):
        return
    lay_out(place, name)
    command = _command(place, name)
    if shutil.which(command[0], path=place.environment(name)["PATH"]) is None:
        print(f"{name}: {command[0]} is not installed; left out", file=sys.stderr)
    elif place.services[name].get("restart") == "no":
        _run_once(place, name, command)
    else:
        _run(place, name, command)
        print(f"{name}: {place.address(name)}")


def _run(place: Place, name: str, command: list[str]) -> None:
    copies = int((place.services[name].get("deploy") or {}).get("replicas", 1))
    pids = [_start(place, name, command) for _ in range(copies)]
    (place.folder / name / "pids").write_text(" ".join(map(str, pids)))
    _wait_until_well(place, name)
    if name == "database":
        make_databases(place)


def _in_order(place: Place, names: list[str]) -> list[str]:
    """Return services so that each comes after those that it depends on."""
    order: list[str] = []

    def add(name: str) -> None:
        for needed in place.services[name].get("depends_on") or {}:
            add(needed)
        if name not in order:
            order.append(name)

    for name in names:
        add(name)
    return order


def lay_out(place: Place, name: str) -> None:
    """Make the folders of a service, and its files as they are to be here."""
    (place.folder / name).mkdir(exist_ok=True)
    for volume in place.services[name].get("volumes", []):
        outside = place.folders(name)[volume["target"]]
        if volume["type"] == "bind" and Path(volume["source"]).is_file():
            outside.parent.mkdir(parents=True, exist_ok=True)
            outside.write_text(place.here(name, Path(volume["source"]).read_text()))
    for outside in place.folders(name).values():
        if not outside.is_file():
            outside.mkdir(parents=True, exist_ok=True)


def _command(place: Place, name: str) -> list[str]:
    service = place.services[name]
    if name == "identity":
        return nanoidp(place)
    if name == "database":
        return postgres(place)
    words: list[str] = [*(service.get("entrypoint") or []), *service["command"]]
    path = place.environment(name)["PATH"]
    others = {
        each: other for each, other in OTHER_NAMES.items() if not shutil.which(each, path=path)
    }
    return [place.here(name, others.get(word, word)) for word in words]


def _start(place: Place, name: str, command: list[str]) -> int:
    with place.log(name).open("ab") as log:
        started = subprocess.Popen(
            [*as_user(name), *command],
            cwd=place.folder / name,
            env=place.environment(name),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    return started.pid


def _run_once(place: Place, name: str, command: list[str]) -> None:
    """Run a service that does one thing and ends."""
    with place.log(name).open("ab") as log:
        ended = subprocess.run(
            command, env=place.environment(name), stdout=log, stderr=log, check=False
        )
    if ended.returncode:
        _give_up(place, name)


def _give_up(place: Place, name: str) -> None:
    end = place.log(name).read_text(errors="replace")[-3000:]
    raise SystemExit(f"{name} is not well: see {place.log(name)}\n{end}")


def _wait_until_well(place: Place, name: str) -> None:
    check = place.services[name].get("healthcheck")
    command = [place.here(name, word) for word in check["test"][1:]] if check else ["true"]
    deadline = time.monotonic() + PATIENCE_S
    while not _runs(place, name, command):
        if not running(place, name) or time.monotonic() > deadline:
            _give_up(place, name)
        # Each look starts a program, which takes from the one that is waited for.
        time.sleep(0.5)


def _runs(place: Place, name: str, command: list[str]) -> bool:
    environment = place.environment(name)
    return not subprocess.run(command, env=environment, capture_output=True, check=False).returncode


def running(place: Place, name: str) -> list[int]:
    """Return the processes of a service that live."""
    kept = place.folder / name / "pids"
    pids = [int(pid) for pid in kept.read_text().split()] if kept.exists() else []
    return [pid for pid in pids if _lives(pid)]


def _lives(pid: int) -> bool:
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    with suppress(OSError):
        return ") Z" not in Path(f"/proc/{pid}/stat").read_text()
    return False


def stop(place: Place, names: list[str]) -> None:
    """End services, those that need others first."""
    for name in reversed(_in_order(place, list(place.services))):
        if names and name not in names:
            continue
        # PostgreSQL waits for its clients when it is told to end in the usual way.
        told = signal.SIGINT if name == "database" else signal.SIGTERM
        _end(running(place, name), told, _seconds(place.services[name].get("stop_grace_period")))


def _seconds(period: str | None) -> float:
    found = re.fullmatch(r"(?:(\d+)m)?(?:(\d+)s)?", period or "10s")
    assert found is not None
    return 60 * int(found[1] or 0) + int(found[2] or 0)


def _end(pids: list[int], told: signal.Signals, grace_s: float) -> None:
    for pid in pids:
        os.kill(pid, told)
    deadline = time.monotonic() + grace_s
    while any(map(_lives, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    for pid in pids:
        # Each leads a group: what it started ends with it.
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
