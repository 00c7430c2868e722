"""A machine with Docker on it, inside this one: see the script `machine`."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from tests.servers.network import in_network

if TYPE_CHECKING:
    from collections.abc import Iterator

SCRIPT = Path(__file__).with_name("machine")


@dataclass(frozen=True, slots=True)
class Machine:
    """A Debian with Docker in namespaces of its own, below a folder."""

    folder: Path

    @property
    def root(self) -> Path:
        """What is `/` on it."""
        return self.folder / "debian"

    def told(self, verb: str) -> None:
        """Make it, start it or end it."""
        subprocess.run([SCRIPT, self.folder, verb], check=True)

    def run(self, *command: str, fed: IO[bytes] | None = None) -> str:
        """Run a command on it, as root, and return what it prints."""
        ran = subprocess.run(
            [SCRIPT, self.folder, "run", *command],
            stdin=fed or subprocess.DEVNULL,
            capture_output=True,
            check=False,
            text=True,
        )
        assert ran.returncode == 0, f"{command}\n{ran.stdout[-9000:]}{ran.stderr[-9000:]}"
        return ran.stdout

    @contextmanager
    def network(self) -> Iterator[None]:
        """Let sockets that this thread makes in the block be those of the machine."""
        pid = (self.folder / "pid").read_text().strip()
        with in_network(Path("/proc", pid, "ns/net")):
            yield

    def left(self) -> list[str]:
        """Return what is left of it on this machine: processes, mounts, control groups."""
        folder = str(self.folder)
        mounts = Path("/proc/self/mountinfo").read_text().splitlines()
        named = [line for line in mounts if folder in line]
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if str((process / "root").readlink()).startswith(folder):
                    named.append(str(process))
            except OSError:
                continue
        return named
