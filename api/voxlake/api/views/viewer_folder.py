"""Where the built viewer lies, for those who serve it and those who ask whether it is there."""

from __future__ import annotations

from pathlib import Path

VIEWER_FOLDER = Path(__file__).parents[1] / "static" / "neuroglancer"


def viewer_folder() -> Path | None:
    """Return the folder of the built viewer; None if it is not built."""
    return VIEWER_FOLDER if (VIEWER_FOLDER / "index.html").is_file() else None
