"""Arrow: a tensor message, which ``pyarrow.ipc.read_tensor`` reads without copying."""

from __future__ import annotations

from collections.abc import Iterator

from voxlake.api.formats.cutout import Blocks, Cutout, joined
from voxlake.api.formats.format import Format

MESSAGE_BYTES = 8 << 10
"""What a message holds besides the voxels, at most."""


def encode(cutout: Cutout, blocks: Blocks) -> Iterator[memoryview]:
    """Yield the message."""
    import pyarrow as pa

    tensor = pa.Tensor.from_numpy(joined(cutout, blocks), dim_names=list(cutout.names))
    sink = pa.BufferOutputStream()
    pa.ipc.write_tensor(tensor, sink)
    yield memoryview(sink.getvalue()).cast("B")


def measure(cutout: Cutout) -> int:
    """Return the bytes of the message, at most."""
    return cutout.nbytes + MESSAGE_BYTES


ARROW = Format(
    "arrow",
    "application/vnd.apache.arrow.tensor",
    ".arrow",
    encode,
    measure,
    is_exact=False,
    joins=True,
    besides=lambda cutout: 2 * measure(cutout),
)
