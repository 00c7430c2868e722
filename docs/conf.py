"""How Sphinx makes the site of the documentation: ``make docs``."""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1]))
from docs.reference_pages import write  # the folder is in no package

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "voxlake"
author = "the voxlake developers"
release = metadata.version("voxlake")

# The pages link to one another across folders, from the root of the repository.
include_patterns = [
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "deploy/**.md",
    "docs/**.md",
    "notebooks/*.py",
]
root_doc = "docs/index"

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
]
source_suffix = {".md": "myst-nb", ".py": "myst-nb"}
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4
nb_custom_formats = {".py": ["jupytext.reads", {"fmt": "py:percent"}]}
nb_execution_mode = "off"  # The tests run them; "force" shows what they print.
nb_execution_timeout = 300
default_role = "code"  # of names between single backticks in docstrings
autodoc_typehints = "description"
autodoc_member_order = "bysource"
autodoc_default_options = {"exclude-members": "model_config"}
copybutton_exclude = ".linenos, .gp, .go"

html_theme = "furo"
html_title = "voxlake"
html_extra_path = ["front"]


def setup(app: Sphinx) -> None:
    """Write what follows from the code before Sphinx looks for pages."""
    app.connect("config-inited", lambda *_: write())
