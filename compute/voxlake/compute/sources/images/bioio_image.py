"""Whatever bioio opens (CZI, LIF, ND2, LSM, ...), where it and a reader plug-in are installed.

Asked after all other readers, for local files. ``?scene=NAME``, or its number from 0, selects
another scene than the first. ``pip install 'voxlake[bioio]'`` and the plug-in of a format, such as
``bioio-czi``.
"""

from __future__ import annotations

import importlib
import importlib.util
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from voxlake.compute.sources.arranged_source import ArrangedSource
from voxlake.compute.sources.arrangement import arrange_named
from voxlake.compute.sources.calibration import Calibration, axis_scale, known_scales
from voxlake.compute.sources.fingerprint import fingerprint_files
from voxlake.compute.sources.location import local_path
from voxlake.compute.sources.source import native
from voxlake.ngff.grid.axes import SPATIAL
from voxlake.ngff.grid.box import Box
from voxlake.platform.errors import SourceError, UnsupportedError

if TYPE_CHECKING:
    from pathlib import Path

    from voxlake.compute.sources.source import Source

_SCENE = "?scene="

PLUGINS = {
    ".czi": "bioio-czi",
    ".nd2": "bioio-nd2",
    ".lif": "bioio-lif",
    ".lsm": "bioio-tifffile",
    ".dv": "bioio-dv",
    ".r3d": "bioio-dv",
    ".oib": "bioio-bioformats",
    ".oif": "bioio-bioformats",
    ".oir": "bioio-bioformats",
    ".vsi": "bioio-bioformats",
    ".zvi": "bioio-bioformats",
    ".lei": "bioio-bioformats",
    ".mvd2": "bioio-bioformats",
    ".ndpi": "bioio-bioformats",
    ".dm3": "bioio-bioformats",
    ".dm4": "bioio-bioformats",
}
"""The plug-in of a format, by the ending of its names: what to install where nothing reads it."""


def open_bioio(location: str) -> Source | None:
    """Open a file with the plug-in that bioio has for it.

    Raises
    ------
    SourceError
        If the plug-in fails, there is no such scene, or the axes are none of voxlake's.
    UnsupportedError
        If it is a microscope's file whose plug-in is not installed.
    """
    name, _, scene = location.partition(_SCENE)
    path = local_path(name)
    if path is None or not path.exists():
        return None
    image = _opened(path) if _is_installed("bioio") else None
    if image is None:
        _refuse_known(path)
        return None
    _set_scene(image, scene, path)
    lazy = image.xarray_dask_data
    array, names = _without_samples(lazy.data, "".join(map(str, lazy.dims)).lower(), path)
    return ArrangedSource(
        arrangement=arrange_named(names, array.shape, f"image {path}"),
        dtype=native(np.dtype(array.dtype), f"image {path}"),
        fingerprint=fingerprint_files(_files(path), "bioio", scene),
        read_stored=partial(_read, array, path),
        stored_block=array.chunksize,  # what the plug-in reads at once: a plane, if it can
        calibration=_calibration(image),
        check_stored=partial(_check, array, path),
    )


def _read(array: Any, path: Path, box: Box) -> np.ndarray:
    """Read the blocks that `box` touches of a scene as bioio gives it: a lazy array."""
    try:
        # In this thread: never on the cluster whose task this may be.
        return np.asarray(array[box.slices].compute(scheduler="synchronous"))
    except Exception as error:  # each plug-in has errors of its own
        raise SourceError(
            f"image {path} is not read by its bioio plug-in ({error}); restore the file"
        ) from error


def _check(array: Any, path: Path) -> None:
    """Read the first voxel and the last: bioio has no way to look at more without decoding."""
    for corner in ((0,) * array.ndim, tuple(n - 1 for n in array.shape)):
        _read(array, path, Box(corner, tuple(n + 1 for n in corner)))


def _opened(path: Path) -> Any | None:
    """Return a ``BioImage``; None if no plug-in that is installed takes the file."""
    bioio = importlib.import_module("bioio")
    unsupported = importlib.import_module("bioio_base").exceptions.UnsupportedFileFormatError
    try:
        return bioio.BioImage(path, use_plugin_cache=True, chunk_dims=["Y", "X"])
    except unsupported:
        return None
    except TypeError:  # a plug-in that has no such option
        return bioio.BioImage(path, use_plugin_cache=True)
    except Exception as error:  # each plug-in has errors of its own
        raise SourceError(
            f"image {path} is not opened by its bioio plug-in ({error}); restore the file"
        ) from error


def _refuse_known(path: Path) -> None:
    """Raise the reason why nothing opens a file, if the ending of its name says what it is."""
    plugin = PLUGINS.get(path.suffix.lower())
    if plugin is None:
        return
    missing = [name for name in ("bioio", plugin) if not _is_installed(name)]
    if missing:
        raise UnsupportedError(
            f"image {path} is read by bioio and its plug-in {plugin}, and {missing[-1]} is not "
            f"installed; install both: pip install 'voxlake[bioio]' {plugin}"
        )
    raise SourceError(f"image {path} is taken by no plug-in of bioio; restore the file")


def _is_installed(distribution: str) -> bool:
    return importlib.util.find_spec(distribution.replace("-", "_")) is not None


def _set_scene(image: Any, scene: str, path: Path) -> None:
    names = list(image.scenes)
    if scene and scene not in names and not (scene.isdecimal() and int(scene) < len(names)):
        raise SourceError(
            f"image {path} has no scene {scene}; it has {', '.join(names)}, or 0 to "
            f"{len(names) - 1}"
        )
    if scene:
        image.set_scene(scene if scene in names else int(scene))


def _without_samples(array: Any, names: str, path: Path) -> tuple[Any, str]:
    """Return the array and its axes with the samples of a pixel (``s``) as channels."""
    if "s" not in names:
        return array, names
    channel = names.find("c")
    if channel >= 0 and array.shape[channel] > 1:
        raise SourceError(
            f"image {path} has channels and samples of a pixel; voxlake reads one of them"
        )
    if channel >= 0:
        array = array[(slice(None),) * channel + (0,)]
    return array, names.replace("c", "").replace("s", "c")


def _calibration(image: Any) -> Calibration:
    """Return sizes in the units that bioio has; it attaches none to sizes by themselves."""
    sizes, properties = image.physical_pixel_sizes, image.dimension_properties
    units = {axis: _unit(properties, axis) for axis in (*SPATIAL, "t")}
    steps = {axis: getattr(sizes, axis.upper()) for axis in SPATIAL}
    steps["t"] = _seconds(image.time_interval)
    if not isinstance(image.time_interval, int | float):
        units["t"] = "second"
    return Calibration(
        known_scales({axis: axis_scale(step, units[axis]) for axis, step in steps.items()})
    )


def _unit(properties: Any, axis: str) -> object:
    return getattr(getattr(properties, axis.upper(), None), "unit", None)


def _seconds(interval: Any) -> object:
    return interval.total_seconds() if isinstance(interval, timedelta) else interval


def _files(path: Path) -> list[Path]:
    return sorted(path.rglob("*")) if path.is_dir() else [path]
