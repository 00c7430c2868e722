"""Run one suite of a folder where names below `localhost` are this machine: `run_suite.py SUITE`.

Prints, as JSON, what became of each test: "" if it passed, else the end of its traceback.
"""

from __future__ import annotations

import json
import socket
import sys
import unittest
import warnings
from typing import Any, override

_look_up = socket.getaddrinfo


def _on_this_machine(host: Any, *others: Any, **named: Any) -> Any:
    """Look up a name as browsers do (RFC 6761, 6.3); resolvers of many systems do not."""
    here = isinstance(host, str) and host.endswith(".localhost")
    return _look_up("127.0.0.1" if here else host, *others, **named)


class Verdicts(unittest.TestResult):
    """Keeps what became of each test."""

    def __init__(self) -> None:
        super().__init__()
        self.verdicts: dict[str, str] = {}

    @override
    def addSuccess(self, test: unittest.TestCase) -> None:
        """Keep that a test passed."""
        self.verdicts[_name(test)] = ""

    @override
    def addError(self, test: unittest.TestCase, err: Any) -> None:
        """Keep why a test, or what prepares all of them, broke."""
        super().addError(test, err)
        self.verdicts[_name(test)] = self.errors[-1][1]

    @override
    def addFailure(self, test: unittest.TestCase, err: Any) -> None:
        """Keep why a test failed."""
        super().addFailure(test, err)
        self.verdicts[_name(test)] = self.failures[-1][1]

    @override
    def addSkip(self, test: unittest.TestCase, reason: str) -> None:
        """Keep that a test did not run, which is no way to pass."""
        self.verdicts[_name(test)] = f"skipped: {reason}"


def _name(test: unittest.TestCase) -> str:
    return test.id().rpartition(".")[2]


if __name__ == "__main__":
    socket.getaddrinfo = _on_this_machine
    warnings.simplefilter("ignore")  # of a client that is older than this Python
    sys.path.insert(0, "")
    result = Verdicts()
    unittest.defaultTestLoader.loadTestsFromName(sys.argv[1]).run(result)
    sys.stdout.write(json.dumps(result.verdicts))
