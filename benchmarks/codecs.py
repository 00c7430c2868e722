"""Codecs on several kinds of data: ratio, and MB per CPU second to encode and to decode."""

from __future__ import annotations

import statistics
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import zstandard
from numcodecs import blosc  # it ships no types

from benchmarks.codec_data import chunks, kinds
from benchmarks.cost import PRICES, best_levels, cost_table
from benchmarks.tables import markdown_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.rounds import Say

LEVELS = (-5, -4, -3, -2, -1, 1, 2, 3, 4, 5, 6, 7, 8, 9)
PASSES = 3
PASS_S = 0.1
"""CPU seconds that a pass takes at least: it goes over the chunks until then."""

type Code = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class Codec:
    """A way to code chunks."""

    name: str
    encode: Code
    decode: Code


@dataclass(frozen=True, slots=True)
class Coded:
    """A codec on a kind of data."""

    kind: str
    codec: str
    ratio: float
    encode_mb_per_cpu_s: float
    decode_mb_per_cpu_s: float


class NotTheSameError(Exception):
    """A codec gave back other bytes."""


def run_codecs(say: Say) -> dict[str, Any]:
    """Measure, print the tables and return all figures."""
    coded = []
    for kind, cube in kinds():
        say(f"codecs: {kind}")
        whole = chunks(cube)
        coded += [measure_codec(kind, one, whole) for one in codecs(cube.itemsize)]
        print(coded_table(kind, coded), flush=True)
    print(cost_table(coded, PRICES), flush=True)
    print(best_levels(coded), flush=True)
    return {"coded": [asdict(one) for one in coded], "prices": asdict(PRICES)}


def codecs(itemsize: int) -> Iterator[Codec]:
    """Yield zstd with checksum at each level, contexts reused; blosc and lz4 for comparison."""
    for level in LEVELS:
        encoder = zstandard.ZstdCompressor(level=level, write_checksum=True)
        yield Codec(f"zstd {level}", encoder.compress, zstandard.ZstdDecompressor().decompress)
    blosc.set_nthreads(1)
    for compressor, level, shuffle in (
        ("zstd", 1, blosc.NOSHUFFLE),
        ("zstd", 1, blosc.SHUFFLE),
        ("zstd", 1, blosc.BITSHUFFLE),
        ("zstd", 3, blosc.BITSHUFFLE),
        ("lz4", 1, blosc.BITSHUFFLE),
    ):
        yield _blosc(compressor, level, shuffle, itemsize)


def measure_codec(kind: str, codec: Codec, whole: list[bytes]) -> Coded:
    """Code the chunks and decode them.

    Raises
    ------
    NotTheSameError
        If what comes back differs.
    """
    small = [codec.encode(chunk) for chunk in whole]
    if any(codec.decode(a) != b for a, b in zip(small, whole, strict=True)):
        raise NotTheSameError(f"{codec.name} does not give {kind} back")
    raw = sum(map(len, whole))
    return Coded(
        kind,
        codec.name,
        raw / sum(map(len, small)),
        raw / 1e6 / _cpu_seconds(codec.encode, whole),
        raw / 1e6 / _cpu_seconds(codec.decode, small),
    )


def coded_table(kind: str, coded: list[Coded]) -> str:
    """Return the codecs on a kind of data as a Markdown table."""
    head = ("codec", "ratio", "encode MB/CPU s", "decode MB/CPU s")
    lines = [
        (
            one.codec,
            f"{one.ratio:.3f}",
            f"{one.encode_mb_per_cpu_s:.0f}",
            f"{one.decode_mb_per_cpu_s:.0f}",
        )
        for one in coded
        if one.kind == kind
    ]
    return markdown_table(f"codecs: {kind}, chunks of 64^3", [head, *lines])


def _blosc(compressor: str, level: int, shuffle: int, itemsize: int) -> Codec:
    names = {blosc.NOSHUFFLE: "none", blosc.SHUFFLE: "bytes", blosc.BITSHUFFLE: "bits"}

    def encode(chunk: bytes) -> bytes:
        voxels = np.frombuffer(chunk, f"u{itemsize}")  # blosc learns the size of an item from it
        return bytes(blosc.compress(voxels, compressor.encode(), level, shuffle))

    return Codec(f"blosc {compressor} {level}, shuffle {names[shuffle]}", encode, blosc.decompress)


def _cpu_seconds(code: Code, blocks: list[bytes]) -> float:
    """Return the CPU seconds of one go over the blocks: the median of passes."""
    return statistics.median(_one_pass(code, blocks) for _ in range(PASSES))


def _one_pass(code: Code, blocks: list[bytes]) -> float:
    times, began = 0, time.process_time()
    while (taken := time.process_time() - began) < PASS_S:
        for block in blocks:
            code(block)
        times += 1
    return taken / times
