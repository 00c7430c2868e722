"""Memory that is freed: what a server asks for again and again is kept, and no more."""

from __future__ import annotations

import json
import subprocess
import sys

PROGRAM = """
import json, resource
import numpy as np, psutil
from voxlake.ngff.memory.freed import return_freed_memory

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def resident():
    return psutil.Process().memory_info().rss

return_freed_memory(64 << 20)
np.ones(2 << 20, np.uint8)
before = faults()
for _ in range(100):
    np.ones(2 << 20, np.uint8)
again, before = faults() - before, resident()
many = [np.ones(2 << 20, np.uint8) for _ in range(100)]
full = resident() - before
del many
print(json.dumps([again, full, resident() - before]))
"""


def test_what_is_asked_for_again_is_kept_and_the_rest_given_back() -> None:
    program = [sys.executable, "-c", PROGRAM]
    answer = subprocess.run(program, capture_output=True, text=True, check=True)
    again, full, kept = json.loads(answer.stdout)
    assert again < 1000  # of 512 a buffer, if each were fresh memory
    assert full > 190 << 20
    assert kept < 32 << 20
