"""The page of all settings, as it follows from their fields: ``python -m tests.docs.settings_page``
writes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import AliasChoices
from tests.docs.pages import ROOT

from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

PAGE = ROOT / "docs" / "reference" / "settings.md"

_HEAD = """# Settings

Every program of voxlake reads its settings from environment variables when it starts. One that is
empty counts as not given; a list of nothing is written as `[]`. This page
follows from their descriptions: `python -m tests.docs.settings_page` writes it.

| variable | default | |
|---|---|---|
"""


def page() -> str:
    """Return the page."""
    return _HEAD + "".join(_row(name, about) for name, about in Settings.model_fields.items())


def _row(name: str, about: FieldInfo) -> str:
    described = (about.description or "").replace("|", "\\|")
    return f"| {_names(name, about)} | {_shown(about.get_default())} | {described} |\n"


def _names(name: str, about: FieldInfo) -> str:
    alias = about.validation_alias
    names = alias.choices if isinstance(alias, AliasChoices) else [f"VOXLAKE_{name.upper()}"]
    return ", ".join(f"`{each}`" for each in names)


def _shown(default: object) -> str:
    match default:
        case None | ():
            return ""
        case bool():
            return f"`{int(default)}`"
        case tuple():
            return f"`{','.join(map(str, default))}`"
        case _:
            return f"`{default}`"


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page())
