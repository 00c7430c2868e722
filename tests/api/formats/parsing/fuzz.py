"""Bodies that nobody wrote, given to one parser by atheris, which looks for new ways through it.

``python -m tests.api.formats.parsing.fuzz NAME COUNT SEED``: it ends with 0 if each of COUNT bodies
was parsed to what was asked for, or refused, in bounded memory. One that was not is kept in a file.
"""

from __future__ import annotations

import random
import resource
import sys
import tempfile
import zlib
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["voxlake.api.formats"]):
    from voxlake.api.formats.parsing import PARSERS, Parser
    from voxlake.platform.errors import InvalidInputError

from tests.api.formats.parsing.bodies import BOXES, body_of, seeds_of, whole

MEMORY_BYTES = 1 << 30
"""Of address space above what the program has when it begins: a bomb that goes off ends it."""
REAL = 8
"""One of so many bodies begins with a real one of the box that is asked for."""


class Fuzz:
    """Gives bodies to a parser."""

    def __init__(self, parser: Parser) -> None:
        self.parser, self.parsed, self.refused = parser, 0, 0

    def one(self, given: bytes) -> None:
        """Try one body; the first byte says for which box."""
        cutout = BOXES[given[0] % len(BOXES)] if given else BOXES[0]
        body = memoryview(given[1:])
        try:
            voxels = self.parser.parse(cutout, body)
        except InvalidInputError:
            self.refused += 1
            return
        assert whole(voxels, cutout)
        self.parsed += 1

    def mutate(self, given: bytes, most: int, seed: int) -> bytes:
        """Return a body that is alike, and now and then one whose checksums hold again."""
        chosen = random.Random(seed)
        if chosen.randrange(REAL) == 0:
            number = chosen.randrange(len(BOXES))
            given = bytes([number]) + body_of(self.parser.name, BOXES[number], seed)
        mutated = bytes(atheris.Mutate(given, most))
        return mended(mutated) if self.parser.name == "npz" else mutated


def mended(body: bytes) -> bytes:
    """Return a ZIP file of one stored member whose checksum is that of its bytes, if it is one."""
    at = body.find(b"PK\x01\x02")
    if at < 60 or body[9:11] != b"\0\0" or len(body) < at + 20:
        return body
    name, extra = (int.from_bytes(body[begin : begin + 2], "little") for begin in (27, 29))
    crc = zlib.crc32(body[31 + name + extra : at]).to_bytes(4, "little")
    return body[: at + 16] + crc + body[at + 20 :]


def bound_memory() -> None:
    """Let no more memory be taken than there is in use, and a little."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def main(name: str, count: str, seed: str) -> None:
    """Try so many bodies."""
    [parser] = [each for each in PARSERS if each.name == name]
    fuzz = Fuzz(parser)
    folder = Path(tempfile.mkdtemp(prefix=f"voxlake-fuzz-{name}-"))
    for number, body in enumerate(seeds_of(name)):
        (folder / str(number)).write_bytes(body)
        fuzz.one(body)
    options = [f"-runs={count}", f"-seed={seed}", "-max_len=8192", "-print_final_stats=1"]
    options += ["-rss_limit_mb=0", f"-artifact_prefix={folder}/failed-"]
    bound_memory()
    atheris.Setup([sys.argv[0], *options, str(folder)], fuzz.one, custom_mutator=fuzz.mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
