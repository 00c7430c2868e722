"""What a command and the gateway load, counted in libraries: a busy machine changes nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.api.cli.conftest import Command

HEAVY = {
    "alembic",
    "dask",
    "distributed",
    "fastapi",
    "h5py",
    "httpx2",
    "numba",
    "numpy",
    "pandas",
    "pyarrow",
    "pydantic",
    "sqlalchemy",
    "tensorstore",
    "xarray",
    "zarr",
}
"""Libraries of which each takes 50 ms of CPU or more."""

CATALOG = {"pydantic", "sqlalchemy"}
VOLUMES = {*CATALOG, "numpy", "tensorstore"}
LABELS = {*VOLUMES, "pyarrow"}

COMMANDS: dict[tuple[str, ...], set[str]] = {
    ("--help",): set(),
    ("--version",): set(),
    ("ls",): CATALOG,
    ("jobs",): CATALOG,
    ("user",): CATALOG,
    ("share", "lab"): CATALOG,
    ("serve", "--help"): CATALOG,
    ("info", "lab/cube/em"): VOLUMES,
    ("info", "lab/cube/cells"): LABELS,
    ("labels", "lab/cube/cells"): LABELS,
    ("label", "lab/cube/cells", "1"): LABELS,
    ("mapping", "lab/cube/cells"): LABELS,
    ("index", "lab/cube/cells", "--queue"): LABELS,
}
"""What each command may load of them."""


JOBS = (
    "demo", "init", "plan", "ingest", "upload", "import", "downsample", "index", "verify", "fsck",
    "rm", "worker", "doctor", "catalog",
)  # fmt: skip
"""Commands that load most when they are run."""


def _loaded(code: str) -> set[str]:
    """Return the heavy libraries that a process of its own has loaded after `code`."""
    look = f"import json, sys\n{code}\nsys.stderr.write(json.dumps(sorted(sys.modules)))"
    ended = subprocess.run(
        [sys.executable, "-c", look], capture_output=True, text=True, check=True, timeout=120
    )
    return HEAVY & set(json.loads(ended.stderr.splitlines()[-1]))


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_command_loads_what_it_uses(words: tuple[str, ...], shared: Command) -> None:
    given = list(words)
    code = f"from voxlake.cli import main\nassert main({given!r}) == 0"
    assert _loaded(code) <= COMMANDS[words]


def test_help_loads_nothing_that_only_the_command_uses() -> None:
    code = "from voxlake.cli import main\n"
    code += "".join(f"assert main([{name!r}, '--help']) in {{0, None}}\n" for name in JOBS)
    assert _loaded(code) <= CATALOG


def test_the_gateway_loads_what_it_uses() -> None:
    assert _loaded("import voxlake.api.serve") <= LABELS | {"fastapi"}


def test_what_starts_workers_loads_no_gateway() -> None:
    assert _loaded("import voxlake.api.workers.supervisor") <= CATALOG
