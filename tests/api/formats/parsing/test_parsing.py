"""Bodies are parsed to the very voxels, or refused in memory that is bounded by the box.

``VOXLAKE_FUZZED_BODIES`` says how many bodies of all formats atheris tries (``make fuzz``).
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tracemalloc
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.api.formats.parsing.bodies import BOXES, bombs_of, cutout_of, encoded, whole

from voxlake.api.formats.parsing import ENVELOPE_BYTES, PARSERS, Parser, parser_of
from voxlake.platform.errors import InvalidInputError, UnknownFormatError

if TYPE_CHECKING:
    from pathlib import Path

    from voxlake.api.formats import Cutout

BODIES = int(os.environ.get("VOXLAKE_FUZZED_BODIES", "4000"))
each_parser = pytest.mark.parametrize("parser", PARSERS, ids=lambda each: each.name)


@each_parser
@settings(max_examples=40)
@given(
    cutout=st.sampled_from(BOXES),
    value=st.integers(0, 255),
    seed=st.integers(0, 30),
    big=st.booleans(),
)
def test_what_is_encoded_is_parsed(
    parser: Parser, cutout: Cutout, value: int, seed: int, *, big: bool
) -> None:
    voxels = np.random.default_rng(seed).integers(0, value + 1, cutout.shape).astype(cutout.dtype)
    typed = parser.name in {"npy", "npz", "hdf5"}
    sent = voxels.astype(voxels.dtype.newbyteorder(">")) if big and typed else voxels
    body = encoded(parser.name, sent, seed)
    assert len(body) <= cutout.nbytes + ENVELOPE_BYTES
    parsed = parser.parse(cutout, memoryview(body))
    assert whole(parsed, cutout)
    np.testing.assert_array_equal(parsed, voxels)
    # An HDF5 file says where it ends.
    wrongs = [body[: len(body) // 2], b"", b"\0" + body]
    wrongs += [] if parser.name == "hdf5" else [body[:-1], body + b"\0"]
    for wrong in wrongs:
        with pytest.raises(InvalidInputError):
            parser.parse(cutout, memoryview(wrong))
    for other in (
        cutout_of((*cutout.shape[:-1], cutout.shape[-1] + 1), cutout.dtype.name),
        cutout_of(cutout.shape, "int8" if cutout.dtype != np.int8 else "int16"),
    ):
        if other.nbytes != cutout.nbytes or typed:
            with pytest.raises(InvalidInputError):
                parser.parse(other, memoryview(body))


@each_parser
def test_a_bomb_is_refused_in_little_memory(parser: Parser) -> None:
    parser.parse(BOXES[1], memoryview(encoded(parser.name, np.ones((1, 1, 1), "u1"))))  # imports
    for what, body in bombs_of(parser.name).items():
        tracemalloc.start()
        try:
            with pytest.raises(InvalidInputError) as refused:
                parser.parse(BOXES[0], memoryview(body))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 2 * len(body) + (1 << 20), what
        assert len(str(refused.value)) < 1000, what


def test_a_format_that_nobody_reads_is_named_with_those_that_are() -> None:
    for sent in (None, "", "application/x-nifti", "application/x-python-pickle", "a" * 999):
        with pytest.raises(UnknownFormatError, match="application/x-npz") as refused:
            parser_of(sent)
        assert len(str(refused.value)) < 400
    assert parser_of("Application/X-NPY; charset=binary").name == "npy"


@pytest.mark.timeout(3600)
@each_parser
def test_any_body_is_parsed_or_refused(parser: Parser, tmp_path: Path) -> None:
    count, seed = BODIES // len(PARSERS), int.from_bytes(os.urandom(3), "little")
    command = [sys.executable, "-m", "tests.api.formats.parsing.fuzz", parser.name]
    ran = subprocess.run(
        [*command, str(count), str(seed)],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        check=False,
        text=True,
    )
    assert ran.returncode == 0, f"seed {seed}: {ran.stdout[-2000:]}{ran.stderr[-4000:]}"
    assert re.search(rf"number_of_executed_units: {count}$", ran.stderr, re.MULTILINE)
