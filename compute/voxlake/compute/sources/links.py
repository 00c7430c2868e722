"""Links in a source: followed within its folder, and elsewhere only if that is asked for."""

from __future__ import annotations

import glob
import os
import re
from typing import TYPE_CHECKING

from voxlake.compute.sources.location import (
    is_pattern,
    local_path,
    split_inner,
    without_options,
)
from voxlake.platform.errors import SourceError
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAGIC = re.compile(r"[*?\[{]")


def refuse_links_out(location: str) -> None:
    """Refuse a source in a folder of which a symbolic link leads elsewhere.

    What the link names would become voxels that others may read, whoever made the link. The
    location itself may lie behind links: whoever gives it means it.

    Raises
    ------
    SourceError
        If there is one, unless ``VOXLAKE_FOLLOW_LINKS`` is set.
    """
    path = local_path(without_options(split_inner(location)[0]))
    if path is None or Settings().follow_links:
        return
    text = str(path)
    if is_pattern(location) and "{" not in text:
        root, links = _above(text), _links_to(glob.iglob(text, recursive=True), _above(text))  # noqa: PTH207
    else:
        root = _above(text) if "{" in text else text
        links = _links_in(root)
    home = os.path.realpath(root)
    for link in links:
        target = os.path.realpath(link)
        if os.path.commonpath([home, target]) != home:
            raise SourceError(
                f"source {location} has the symbolic link {link}, which leads out of its folder to "
                f"{target}; put a copy in its place, or set VOXLAKE_FOLLOW_LINKS=true"
            )


def _above(pattern: str) -> str:
    """Return the folder above the first part of a pattern that is no plain name."""
    parts = pattern.split("/")
    first = next((n for n, part in enumerate(parts) if _MAGIC.search(part)), len(parts))
    return "/".join(parts[:first]) or ("/" if pattern.startswith("/") else ".")


def _links_in(folder: str) -> Iterator[str]:
    """Yield all links below a folder; none of what is no folder."""
    try:
        with os.scandir(folder) as entries:
            found = list(entries)
    except OSError:  # a file, or nothing: whoever opens it says so
        return
    for entry in found:
        if entry.is_symlink():
            yield entry.path
        elif entry.is_dir():
            yield from _links_in(entry.path)


def _links_to(files: Iterator[str], root: str) -> Iterator[str]:
    """Yield the files that are links, or lie behind one that is below the root."""
    for file in files:
        below = os.path.relpath(file, root).split("/")
        if any(os.path.islink(os.path.join(root, *below[: n + 1])) for n in range(len(below))):  # noqa: PTH114, PTH118
            yield file
