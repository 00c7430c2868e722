"""The how-to on sources does what it says."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "write-a-source.md"


def test_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = PAGE.read_text()
    reader, use = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (table,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    found = re.search(r'\[project\.entry-points\."(.*?)"\]\n(\w+) = "(.*?)"', table)
    assert found
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "raw_reader.py").write_text(reader)
    info = tmp_path / "raw_reader-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: raw-reader\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{found[1]}]\n{found[2]} = {found[3]}\n")
    exec(compile(use, str(PAGE), "exec"), {"Path": Path})
    assert (tmp_path / "em_2x3x4.raw").stat().st_size == 24
    sys.modules.pop("raw_reader")
