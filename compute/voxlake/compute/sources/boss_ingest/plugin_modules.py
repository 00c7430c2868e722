"""Plug-in classes by their dotted path: installed, on PYTHONPATH, or beside the configuration."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any

from voxlake.compute.sources.boss_ingest.stand_in import offer_stand_in
from voxlake.platform.errors import SourceError

if TYPE_CHECKING:
    from types import ModuleType

_PACKAGES = {
    "PIL": "pillow",
    "cv2": "opencv-python-headless",
    "cloudvolume": "cloud-volume",
    "ingestclient": "--no-deps boss-ingest",
    "pkg_resources": "'setuptools<81'",
    "skimage": "scikit-image",
    "yaml": "pyyaml",
}
"""What to install for a module of another name."""

_importing = RLock()
_beside: dict[str, str] = {}
"""Top-level modules imported from beside a configuration, and from which files of what content.

Another configuration may have a module of the same name, and a module may be edited: a process that
works for many jobs must not run one's plug-in for the other.
"""


def load_plugin(name: str, folder: Path) -> type[Any]:
    """Return the class at the dotted path `name`.

    A module that Python finds by itself comes first, then one in `folder`.

    Raises
    ------
    SourceError
        If there is no such module or class, or the module needs what is not installed.
    """
    offer_stand_in()
    module_name, _, class_name = name.rpartition(".")
    with _importing:
        module = _import(module_name, folder)
    plugin = getattr(module, class_name, None)
    if not isinstance(plugin, type):
        raise SourceError(
            f"plug-in {name}: the module {module_name} ({module.__file__}) has no class "
            f"{class_name}; check the configuration"
        )
    return plugin


def plugin_digest(plugin: type[Any]) -> str:
    """Return a digest of the file that holds the class; the same wherever that is installed."""
    file = getattr(sys.modules.get(plugin.__module__), "__file__", None)
    return _digest(Path(file)) if file and Path(file).is_file() else ""


def _import(name: str, folder: Path) -> ModuleType:
    top = name.partition(".")[0]
    own = _find_beside(top, folder)
    if top in _beside and _beside[top] != own:
        _forget(top)
    if own is None or (top not in _beside and _is_found(top)):
        return _import_module(name, folder)
    _beside[top] = own
    # Compiled modules are matched by whole seconds: one edited at once would be run as it was.
    writes_not, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    sys.path.append(str(folder))
    try:
        return _import_module(name, folder)
    finally:
        sys.path.remove(str(folder))
        sys.dont_write_bytecode = writes_not


def _import_module(name: str, folder: Path) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            raise SourceError(
                f"plug-in module {name} is not found; put it beside the configuration in {folder}, "
                "or on PYTHONPATH, or install the package it is in, on the workers too "
                f"(what is ingestclient.*: pip install {_PACKAGES['ingestclient']})"
            ) from error
        missing = str(error.name).partition(".")[0]
        raise SourceError(
            f"plug-in module {name} imports {error.name}, which is not installed; where voxlake "
            f"and its workers run: pip install {_PACKAGES.get(missing, missing)}"
        ) from error
    except Exception as error:  # whatever the code of users raises
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise SourceError(
            f"plug-in module {name} does not import: {reason}; it may be written for older "
            "versions of Python or of its libraries"
        ) from error


def _find_beside(top: str, folder: Path) -> str | None:
    """Return what tells the module in `folder` from others of its name; None if there is none."""
    for file in (folder / f"{top}.py", folder / top / "__init__.py"):
        if file.is_file():
            return f"{file.absolute()} {_digest(file)}"
    return str((folder / top).absolute()) if (folder / top).is_dir() else None


def _is_found(top: str) -> bool:
    try:
        return top in sys.modules or importlib.util.find_spec(top) is not None
    except (ImportError, ValueError):
        return False


def _forget(top: str) -> None:
    del _beside[top]
    for name in [n for n in sys.modules if n == top or n.startswith(f"{top}.")]:
        del sys.modules[name]
    importlib.invalidate_caches()


def _digest(file: Path) -> str:
    try:
        return hashlib.blake2b(file.read_bytes(), digest_size=16).hexdigest()
    except OSError as error:
        raise SourceError(f"plug-in {file} cannot be read ({error}); check it") from error
