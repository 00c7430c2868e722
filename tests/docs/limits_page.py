"""The page of what is bounded, with the numbers of the code: ``python -m tests.docs.limits_page``
writes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.docs.pages import ROOT

from voxlake.api.data.labels import graphs
from voxlake.api.data.labels import labels as label_questions
from voxlake.api.data.writing import writing
from voxlake.api.formats import blosc, nifti
from voxlake.api.http.layers import bodies
from voxlake.api.http.requests import query
from voxlake.api.views import channel_layers, neuroglancer, precomputed_info
from voxlake.compute.jobs import running
from voxlake.documents.labels import labels as label_documents
from voxlake.documents.labels import merges
from voxlake.documents.labels import objects as object_documents
from voxlake.ngff.grid import reduction
from voxlake.ngff.labels import label_id, times
from voxlake.ngff.labels.mapping import roots
from voxlake.ngff.labels.objects import reading
from voxlake.ngff.labels.queries import sparse_volume, voxels
from voxlake.ngff.labels.scan import rows
from voxlake.platform.catalog.data import metadata, provenance, search, viewer_states
from voxlake.platform.catalog.identity import sessions
from voxlake.platform.catalog.rights import links
from voxlake.platform.jobs import leases
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import timedelta

PAGE = ROOT / "docs" / "reference" / "limits.md"

_HEAD = """# Limits

What is bounded, by how much, and what changes it. What is above a limit is refused in words that
name it, or shown up to it, and that is said. Where no setting stands, the number is one of the
code. `python -m tests.docs.limits_page` writes this page, and a test holds it to the code.

No limit of their own have the voxels of a dataset (an axis has below 2^62), its labels, the
datasets of a lake, and the clients that read and write.
"""


def page() -> str:
    """Return the page."""
    return _HEAD + "".join(_section(title, rows) for title, rows in _limits().items())


type Row = tuple[str, str, str]
"""What is bounded; by how much; the setting that changes it, if one does."""


def _limits() -> dict[str, Iterable[Row]]:
    return {
        "A gateway": (
            _set("memory for answers, chunks and indexes together", "gateway_memory_bytes"),
            _set("voxels of a cutout, and of a box that is written", "cutout_limit_bytes"),
            _fixed("shards of a box that is written", writing.MAX_SHARDS),
            _bytes("any other body", bodies.LIMIT_BYTES),
            _set("work on a request until its answer begins", "gateway_request_timeout_s", "s"),
            _set("the body of a request, and each 8 MiB of it", "gateway_body_timeout_s", "s"),
            _set("a client that takes no byte", "gateway_send_timeout_s", "s"),
            _set("requests of a user, or of an address, in a minute", "requests_per_minute"),
            _set("bytes that are sent to one in a minute", "bytes_per_minute"),
            _set("requests of one at the same time", "requests_at_once"),
            _set("wrong tokens of an address in a minute", "failed_logins_per_minute"),
            _set("what is kept of shards on a disk", "cache_bytes"),
        ),
        "Labels": (
            ("an id", f"1 to {label_id.MAX_LABEL:,}; 0 is the background", ""),
            ("an id that Neuroglancer merges and splits", f"below {roots.LIMIT:,}", ""),
            _fixed("chunks of a shard of labels", rows.MAX_CHUNKS),
            _fixed("time points", times.MOST_TIMES),
            _fixed("labels of a look-up, and of a page", label_documents.MAX_LABELS),
            _fixed("points of a request", label_documents.MAX_POINTS),
            _fixed("labels that a cutout is filtered by", query.MOST_IDS),
            _fixed("chunks of a label that are listed", label_questions.MAX_CELLS),
            _fixed("shards that a question is answered from", label_questions.MAX_SHARDS),
            _fixed("voxels of a mask", voxels.MAX_VOXELS),
            _fixed("runs of a sparse volume", sparse_volume.MAX_RUNS),
            _fixed("labels of one merge or cleave", merges.MAX_MEMBERS),
            _fixed("supervoxels of a body that are listed to Neuroglancer", graphs.MAX_LEAVES),
            _fixed("merged supervoxels that a plain view shows", neuroglancer.MOST_MERGED),
            _fixed("objects that are put together", object_documents.MAX_OBJECTS),
            _fixed("objects of a page", reading.MAX_PAGE),
        ),
        "Formats": (
            _bytes("blosc", blosc.MOST_BYTES),
            _fixed("NIfTI, voxels along an axis", nifti.MOST_VOXELS),
            _fixed("JPEG, rows and columns", precomputed_info.MOST_JPEG),
            _fixed("channels that the viewer shows as layers", channel_layers.MOST_LAYERS),
        ),
        "Jobs": (
            _set("memory that one task may be projected to need", "memory_limit_bytes"),
            _set("voxels of one task, about", "task_bytes"),
            _fixed("voxels that one voxel of the next level is made of", reduction.MOST_VOXELS),
            _fixed("how often a task is tried before it is set aside", running.ATTEMPTS),
            _fixed("tasks that are set aside before a job ends", running.MOST_SET_ASIDE),
            _fixed("runners in a row that a job may lose with no task done", leases.MOST_LOSSES),
        ),
        "People and places": (
            ("a name of a place", "255 characters: letters, digits, `_`, `-`", ""),
            _fixed("keys of a place", metadata.MOST_KEYS),
            (
                "a key; a value",
                f"{metadata.LONGEST_KEY}; {metadata.LONGEST_VALUE:,} characters",
                "",
            ),
            _fixed("sources that a dataset names", provenance.MOST),
            _fixed("words of a search", search.MOST_WORDS),
            _time("a session", sessions.LONGEST),
            _time("a session without a request", sessions.IDLE),
            _time("a link", links.LONGEST),
            _time("a shared view", viewer_states.LONGEST),
            _bytes("the state of a shared view", viewer_states.MAX_BYTES),
            _fixed("shared views of a user", viewer_states.MAX_STATES),
            _set("temporary keys of S3", "sts_seconds", "s"),
        ),
    }


def _fixed(what: str, most: int) -> Row:
    return what, f"{most:,}", ""


def _bytes(what: str, most: int) -> Row:
    return what, f"{most:,} bytes", ""


def _time(what: str, most: timedelta) -> Row:
    return (
        what,
        f"{most.days} days" if most.days > 1 else f"{most.total_seconds() / 3600:.0f} h",
        "",
    )


def _set(what: str, setting: str, unit: str = "") -> Row:
    default = Settings.model_fields[setting].default
    shown = f"{default:,} {unit or ('bytes' if 'bytes' in setting else '')}".strip()
    return what, shown, f"`VOXLAKE_{setting.upper()}`"


def _section(title: str, limits: Iterable[Row]) -> str:
    lines = (f"| {what} | {most} | {setting} |\n" for what, most, setting in limits)
    return f"\n## {title}\n\n| | at most | setting |\n|---|---|---|\n{''.join(lines)}"


if __name__ == "__main__":
    PAGE.write_text(page())
