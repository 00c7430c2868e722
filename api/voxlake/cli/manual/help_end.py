"""What the help of every command ends with, as a page of a manual does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlake.cli.manual.examples import examples_for
from voxlake.cli.manual.exit_codes import MEANINGS

if TYPE_CHECKING:
    from collections.abc import Sequence


_ENVIRONMENT = (
    "**Environment**: what has an *env var* may be said by it instead. All settings are "
    "`VOXLAKE_*` variables: docs/reference/settings.md."
)


def help_end(words: Sequence[str]) -> str:
    """Return examples of the command that words begin with, its environment and exit codes.

    It is Markdown, whose lists keep each example on lines of its own.
    """
    examples = "\n".join(f"- `{each}`" for each in examples_for(words))
    codes = ", ".join(f"{code} {meaning}" for code, meaning in MEANINGS.items())
    parts = (f"**Examples**\n\n{examples}", _ENVIRONMENT, f"**Exit codes**: {codes}.")
    return "\n\n".join(parts if examples else parts[1:])
