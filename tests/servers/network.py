"""Machines of a network, on this one: network namespaces that a bridge joins (Linux, root)."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass(frozen=True)
class Network:
    """Machines that reach one another at 10.77.0.1, 10.77.0.2 and so on."""

    prefix: str
    machines: Sequence[str]

    def address(self, machine: str) -> str:
        """Return the machine's IP address."""
        return f"10.77.0.{self.machines.index(machine) + 1}"

    def on(self, machine: str, *command: str) -> list[str]:
        """Return the command that runs `command` on the machine."""
        return ["ip", "netns", "exec", self._namespace(machine), *command]

    def cut(self, machine: str) -> None:
        """Pull the machine's cable: no packet comes through, and nobody is told."""
        _ip("-n", self._namespace("bridge"), "link", "set", self._port(machine), "down")

    def join(self, machine: str) -> None:
        """Put its cable back."""
        _ip("-n", self._namespace("bridge"), "link", "set", self._port(machine), "up")

    @contextmanager
    def at(self, machine: str) -> Iterator[None]:
        """Let sockets that this thread makes in the block be those of the machine."""
        with in_network(Path("/run/netns", self._namespace(machine))):
            yield

    def _namespace(self, name: str) -> str:
        return f"{self.prefix}-{name}"

    def _port(self, machine: str) -> str:
        return f"p{self.machines.index(machine)}-{self.prefix}"

    def _join(self, machine: str) -> None:
        here, inside = self._namespace(machine), f"v{self.machines.index(machine)}-{self.prefix}"
        bridge, port = self._namespace("bridge"), self._port(machine)
        _ip("link", "add", inside, "type", "veth", "peer", "name", port)
        _ip("link", "set", inside, "netns", here, "name", "eth0")
        _ip("link", "set", port, "netns", bridge)
        _ip("-n", bridge, "link", "set", port, "master", "br0", "up")
        _ip("-n", here, "addr", "add", f"{self.address(machine)}/24", "dev", "eth0")
        _ip("-n", here, "link", "set", "eth0", "up")
        _ip("-n", here, "link", "set", "lo", "up")


@contextmanager
def run_network(*machines: str) -> Iterator[Network]:
    """Make the machines and their network; take them away at the end of the block.

    Where the platform has no network namespaces the test is skipped, but never in CI.
    """
    if sys.platform != "linux" or os.geteuid() != 0:
        if os.environ.get("CI"):
            pytest.fail("network namespaces need Linux and root; CI must have both")
        pytest.skip("network namespaces need Linux and root")
    network = Network(f"vx{os.getpid() % 10**6}", machines)
    with ExitStack() as stack:
        for name in ("bridge", *machines):
            namespace = network._namespace(name)
            _ip("netns", "add", namespace)
            stack.callback(_ip, "netns", "del", namespace)
        bridge = network._namespace("bridge")
        _ip("-n", bridge, "link", "add", "br0", "type", "bridge")
        _ip("-n", bridge, "link", "set", "br0", "up")
        for machine in machines:
            network._join(machine)
        yield network


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


@contextmanager
def in_network(namespace: Path) -> Iterator[None]:
    """Let sockets that this thread makes in the block be those of a namespace, given as a file."""
    here = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open(namespace, os.O_RDONLY)
    try:
        os.setns(there, os.CLONE_NEWNET)
        yield
    finally:
        os.setns(here, os.CLONE_NEWNET)
        os.close(here)
        os.close(there)
