"""The documents of a zarr v3 array as if its inner chunks were objects of their own. Pure.

The chunks are those that lie in the shards, byte for byte; the keys are ``c/z/y/x`` of zarr v3, and
``z/y/x`` of zarr v2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from voxlake.ngff.metadata.seal import check_seal, sealed
from voxlake.ngff.metadata.writing import group_document
from voxlake.platform.errors import UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from voxlake.ngff.metadata.model import Multiscale

GROUP_V2 = {"zarr_format": 2}
"""``.zgroup`` of zarr v2."""

_SHUFFLES = {"noshuffle": 0, "shuffle": 1, "bitshuffle": 2}


def unsharded(document: dict[str, Any]) -> dict[str, Any]:
    """Return the ``zarr.json`` of an array whose chunks are the inner chunks of another's shards.

    Of an array without shards the chunks stay what they are. The keys are ``c/z/y/x``.

    Raises
    ------
    UnsupportedError
        If its shards are themselves coded, or lie within other codecs.

    Examples
    --------
    >>> sharding = {"chunk_shape": [2], "codecs": [{"name": "bytes"}]}
    >>> flat = unsharded({"codecs": [{"name": "sharding_indexed", "configuration": sharding}]})
    >>> flat["codecs"], flat["chunk_grid"]["configuration"]
    ([{'name': 'bytes'}], {'chunk_shape': [2]})
    """
    keys = {"name": "default", "configuration": {"separator": "/"}}
    flat = {**document, "chunk_key_encoding": keys}
    names = [codec["name"] for codec in document["codecs"]]
    if "sharding_indexed" in names:
        if len(names) > 1:
            raise UnsupportedError(
                f"its shards lie within the codecs {', '.join(names)}, so that their chunks are no "
                "chunks of the array; read it at /zarr"
            )
        inner = document["codecs"][0]["configuration"]
        shape = {"chunk_shape": inner["chunk_shape"]}
        flat["chunk_grid"] = {"name": "regular", "configuration": shape}
        flat["codecs"] = inner["codecs"]
    return flat if check_seal(document) is None else sealed(flat)


def array_v2(document: dict[str, Any]) -> dict[str, Any]:
    """Return the ``.zarray`` of zarr v2 of an array, given its ``zarr.json`` without shards.

    Raises
    ------
    UnsupportedError
        If zarr v2 has not its data type or one of its codecs, as numcodecs names them.
    """
    codecs = list(document["codecs"])
    kind, fill = document["data_type"], document["fill_value"]
    little = codecs[0].get("configuration", {}).get("endian", "little") == "little"
    try:
        dtype = np.dtype(kind).newbyteorder("<" if little else ">")
    except TypeError as error:
        raise _not_in_v2(f"the data type {kind}") from error
    if isinstance(fill, list) or (isinstance(fill, str) and fill.startswith("0")):
        raise _not_in_v2(f"the fill value {fill}")
    if codecs[0]["name"] != "bytes" or len(codecs) > 2:
        raise _not_in_v2(f"the codecs {', '.join(codec['name'] for codec in codecs)}")
    return {
        **GROUP_V2,
        "shape": document["shape"],
        "chunks": document["chunk_grid"]["configuration"]["chunk_shape"],
        "dtype": dtype.str,
        "compressor": _compressor(codecs[1:]),
        "fill_value": fill,
        "order": "C",
        "filters": None,
        "dimension_separator": "/",
    }


def attributes_v2(multiscale: Multiscale, *, of_image: bool = False) -> dict[str, Any]:
    """Return the ``.zattrs`` of the group of an image or of labels, as NGFF 0.4 has them.

    It says all that 0.5 does, at another place and by another number.
    """
    ome = group_document(multiscale, of_image=of_image)["attributes"]["ome"]
    del ome["version"]
    for each in (*ome["multiscales"], *([ome["image-label"]] if "image-label" in ome else ())):
        each["version"] = "0.4"
    return dict(ome)


def _compressor(codecs: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    if not codecs:
        return None
    name, said = codecs[0]["name"], codecs[0].get("configuration", {})
    if name not in _COMPRESSORS:
        raise _not_in_v2(f"the codec {name}")
    return {"id": name, **_COMPRESSORS[name](said)}


_COMPRESSORS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    # Readers need not know whether there are checksums, and some do not know the word.
    "zstd": lambda said: {"level": said.get("level", 0)},
    "gzip": lambda said: {"level": said["level"]},
    "blosc": lambda said: {
        "cname": said["cname"],
        "clevel": said["clevel"],
        "shuffle": _SHUFFLES[said["shuffle"]],
        "blocksize": said.get("blocksize", 0),
    },
}
"""What numcodecs says of a compressor, by the name that it has in both."""


def _not_in_v2(what: str) -> UnsupportedError:
    return UnsupportedError(f"zarr v2 has not {what}; read the array as zarr v3")
