"""Every Python block of the documentation runs, page by page, as a reader would run it."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from tests.docs.pages import PAGES, ROOT, blocks_of, entry_points_of, links_of, program_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.docs.conftest import Reader

WHOLE = {"README.md", "your-own-first-dataset.md"}
"""Pages that run with their shell commands, in tests of their own."""
WITH_CODE = [
    page
    for page in PAGES
    if page.name not in WHOLE
    and any(block.language == "python" for block in blocks_of(page.read_text()))
]


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def _install(text: str, folder: Path) -> None:
    """Install what a page tells its reader to package: the code before the entry points."""
    groups = entry_points_of(text)
    if not groups:
        return
    modules = {point.partition(":")[0] for points in groups.values() for point in points.values()}
    before = text[: re.search(r"^```toml$", text, re.MULTILINE).start()]  # type: ignore[union-attr]
    for module in modules:
        (folder / f"{module}.py").write_text(program_of(before, ""))
    package = folder / "package_of_the_page-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: package-of-the-page\nVersion: 1.0\n"
    )
    lines = [
        line
        for group, points in groups.items()
        for line in (f"[{group}]", *(f"{name} = {point}" for name, point in points.items()))
    ]
    (package / "entry_points.txt").write_text("\n".join(lines))


def test_pages_with_code_are_found() -> None:
    assert {_name(page) for page in WITH_CODE} >= {
        "docs/how-to/read-with-dask-and-xarray.md",
        "docs/how-to/read-with-tensorstore-and-zarr.md",
        "docs/how-to/use-the-gateway.md",
    }


@pytest.mark.parametrize("page", WITH_CODE, ids=_name)
def test_the_code_of_a_page_runs(reader: Reader, tmp_path: Path, page: Path) -> None:
    text = page.read_text()
    _install(text, tmp_path)
    (tmp_path / "demo-lake").symlink_to(reader.folder / "demo-lake")
    program = tmp_path / f"{page.stem}.py"
    program.write_text(program_of(text, f"GATEWAY = {reader.gateway!r}"))
    ran = subprocess.run(
        [sys.executable, "-W", "error", str(program)],
        cwd=tmp_path,
        env=reader.environment,
        capture_output=True,
        check=False,
        text=True,
        timeout=240,
    )
    # The line numbers of the traceback are those of the page.
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_lead_somewhere(page: Path) -> None:
    missing = [link for link in links_of(page.read_text()) if not (page.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_tests_that_a_page_names_are_there(page: Path) -> None:
    named = re.findall(r"`(tests/[\w/.]+)`", page.read_text())
    assert [name for name in named if not (ROOT / name).exists()] == []
