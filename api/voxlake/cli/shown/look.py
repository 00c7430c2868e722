"""What a look at a source has found, as people see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlake.cli.shown.output import Shown, facts

if TYPE_CHECKING:
    from voxlake.documents.jobs.look import SliceFiles, SourceLook


def shown_look(look: SourceLook) -> Shown:
    """Yield what lies at a location."""
    size = look.voxel_size
    yield facts(
        (
            ("source", look.source),
            ("refused", look.refused),
            ("kind", look.kind),
            ("slices", look.files and _slices(look.files)),
            ("missing", look.files and _missing(look.files)),
            ("voxels", " x ".join(map(str, look.shape)) or None),
            ("axes", " ".join(look.axes) or None),
            ("dtype", look.dtype),
            ("voxel size", size and f"{' x '.join(f'{each:g}' for each in size)} {look.unit}"),
            ("it says", look.said if size is None else None),
            ("places", look.unplaced),
            ("besides", look.remark),
        )
    )


def _slices(files: SliceFiles) -> str:
    return f"{files.count}, from {files.first} to {files.last}"


def _missing(files: SliceFiles) -> str | None:
    if not files.missing_count:
        return None
    named = ", ".join(map(str, files.missing))
    return f"{files.missing_count}: {named}" + ", ..." * (files.missing_count > len(files.missing))
