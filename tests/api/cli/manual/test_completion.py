"""A shell completes commands, options, and names of what is in the lake: a real bash."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

COMPLETE = """
source completion.bash
complete -p voxlake
complete() {
  COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _voxlake; echo "${COMPREPLY[@]}"
}
complete voxlake lab
complete voxlake catalog ""
complete voxlake ingest --vox
complete voxlake info ""
complete voxlake share lab/c
complete voxlake info --lake nowhere ""
"""


def test_a_shell_completes_commands_options_and_names(tmp_path: Path, shared_lake: str) -> None:
    """As `voxlake --install-completion` installs it, into a home of its own."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "HOME": str(tmp_path), "PATH": path, "VOXLAKE_LAKE": shared_lake}
    install = [sys.executable, "-m", "voxlake.cli", "--install-completion", "--shell", "bash"]
    subprocess.run(
        [*install, "--output", "completion.bash"], cwd=tmp_path, env=environment, check=True
    )
    assert "completion.bash" in (tmp_path / ".bashrc").read_text()
    ran = subprocess.run(
        ["bash", "-c", COMPLETE],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        check=True,
        text=True,
    )
    how, commands, below, options, *names = (line.split() for line in ran.stdout.splitlines())
    assert how[-1] == "voxlake"
    assert set(commands) == {"label", "labels"}
    assert set(below) == {"save", "rebuild", "prune"}
    assert options == ["--voxel-size"]
    assert names == [
        ["lab/cube/cells", "lab/cube/em"],
        ["lab/cube", "lab/cube/cells", "lab/cube/em"],
        [],
    ]
