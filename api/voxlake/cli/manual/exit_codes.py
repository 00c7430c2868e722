"""Exit codes of all commands, and what they mean: here, in their help, and in the reference."""

from __future__ import annotations

DONE, FAILURE, USAGE, REFUSED, NOT_FOUND, PARTIAL, INTERRUPTED = 0, 1, 2, 3, 4, 5, 130

MEANINGS = {
    DONE: "done",
    FAILURE: "failure",
    USAGE: "bad input",
    REFUSED: "not allowed",
    NOT_FOUND: "not found",
    PARTIAL: "ended partially or differences were found",
    INTERRUPTED: "interrupted",
}
