"""Processes of this machine: which one this is, and whether another is still alive."""

from __future__ import annotations

import getpass
import os
import socket
import uuid
from functools import cache
from pathlib import Path

import psutil

_CLOCK_SLACK_S = 2.0
"""A process's start time moves by this much at most when the machine's clock is set right."""


@cache
def this_machine() -> str:
    """Return what two processes have in common if, and only if, they see each other's pids.

    On Linux that is the boot and the pid namespace: containers have one each.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return f"{socket.gethostname()}/{uuid.getnode():x}"


def started() -> float:
    """Return when this process was started, in seconds since 1970."""
    return _started(os.getpid())


def is_alive(pid: int, started: float) -> bool:
    """Return whether the process of this machine that was started then still lives."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return abs(process.create_time() - started) <= _CLOCK_SLACK_S
    except psutil.NoSuchProcess:
        return False


@cache  # by pid: a process that was forked off is another
def _started(pid: int) -> float:
    return psutil.Process(pid).create_time()


def login_name() -> str:
    """Return who runs this process; nothing where the system does not say."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""
