"""What hands out voxels, labels and stored bytes demands the right for it: mypy refuses others."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from mypy import api as mypy

from voxlake.api import data
from voxlake.api.guards import datasets
from voxlake.platform import access

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(data.__file__).parent
OPENED = FOLDER / "opened.py"
"""For whoever holds any right: no route may import it, as a contract says."""
MODULES = {
    ".".join(file.relative_to(FOLDER).with_suffix("").parts): file
    for file in sorted(FOLDER.rglob("*.py"))
    if file.name != "__init__.py" and file != OPENED
}
RIGHTS = ("Read", "ReadVoxels", "AddVoxels", "DeleteVoxels", "Right")
OTHERS = {
    "describe": {"Read"},
    "describe_stored": {"Read"},
    "describe_upload": {"AddVoxels"},
    "receive_shard": {"AddVoxels"},
    "progress": {"Read"},
    "start": {"AddVoxels"},
    "cancel": {"DeleteVoxels"},
    "reserve": {"AddVoxels"},
    "open_target": {"AddVoxels"},
    "begin": {"AddVoxels"},
    "open_finest": {"AddVoxels"},
    "open_framed_target": {"AddVoxels"},
    "room_for": {"AddVoxels"},
    "write": {"AddVoxels"},
    "check_not_replaced": {"Read", "ReadVoxels", "AddVoxels", "DeleteVoxels", "Right"},
    "is_taken": {"Read"},
    "open_graph": {"ReadVoxels", "AddVoxels"},
    "split": {"AddVoxels"},
    "redo": {"AddVoxels"},
    "merge": {"AddVoxels"},
    "cleave": {"AddVoxels"},
    "undo": {"AddVoxels"},
    "put_object": {"AddVoxels"},
    "put_objects": {"AddVoxels"},
    "delete_object": {"DeleteVoxels"},
    "delete_objects": {"DeleteVoxels"},
    "change": {"AddVoxels", "DeleteVoxels"},
}
"""What may be had, or done, by another right than that to read voxels."""


def handed_out() -> Iterator[tuple[str, str]]:
    """Yield (module, function) of all that is asked with what a guard granted."""
    for module, file in MODULES.items():
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.AsyncFunctionDef) and not node.name.startswith("_"):
                if node.args.args and node.args.args[0].arg == "granted":
                    yield module, node.name
            elif isinstance(node, ast.Assign) and "_asked" in ast.unparse(node.value):
                yield module, ast.unparse(node.targets[0])
            elif isinstance(node, ast.FunctionDef) and node.decorator_list:
                yield module, node.name


def refused_lines(folder: Path, lines: list[str]) -> set[int]:
    """Return the lines, from 1, that mypy refuses for their first argument.

    Only the files of the guard and of `FOLDER` are looked into, which takes a second or two.
    """
    snippet = folder / "snippet.py"
    snippet.write_text("\n".join(lines), encoding="utf-8")
    sources = [Path(datasets.__file__), Path(access.__file__), OPENED, *MODULES.values()]
    options = ["--follow-imports=skip", "--no-site-packages", f"--cache-dir={folder / 'cache'}"]
    said, _, _ = mypy.run([*options, *map(str, sources), str(snippet)])
    wrong = re.findall(
        r"snippet\.py:(\d+): error: Argument 1 .* expected \"Granted\[.*\[arg-type\]", said
    )
    return set(map(int, wrong))


@pytest.mark.timeout(120)
def test_each_function_takes_the_right_that_it_is_for_and_no_other(tmp_path: Path) -> None:
    functions = list(handed_out())
    assert ("datasets", "open_volume") in functions
    assert ("labels.objects", "segment_properties") in functions
    assert {*OTHERS} <= {name for _, name in functions}
    lines = []
    for module in MODULES:
        room, _, file = f"voxlake.api.data.{module}".rpartition(".")
        lines.append(f"from {room} import {file} as {module.replace('.', '_')}")
    lines += [
        "from voxlake.api.guards.datasets import Granted",
        f"from voxlake.platform.access import {', '.join(RIGHTS)}",
        "class Given:",
        *(f"    {right}: Granted[{right}]" for right in RIGHTS),
    ]
    wrong = set()
    for module, name in functions:
        for right in RIGHTS:
            lines.append(f"{module.replace('.', '_')}.{name}(Given.{right})")
            if right not in OTHERS.get(name, {"ReadVoxels"}):
                wrong.add(len(lines))
    assert refused_lines(tmp_path, lines) == wrong
