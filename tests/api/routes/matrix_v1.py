"""The rows of bossDB's API: what each of its addresses demands, as bossDB has it."""

from __future__ import annotations

from voxlake.platform.access import Permission

_READ, _VOXELS = Permission.READ, Permission.READ_VOLUMETRIC_DATA
_ADD = Permission.ADD_VOLUMETRIC_DATA
_IN = "/{collection}/{experiment}/{dataset}"
_BOX = "{resolution}/{x}/{y}/{z}"
_IMAGE = f"image{_IN}/{{plane}}/{{resolution}}/{{x_args}}/{{y_args}}/{{z_args}}"
_TILE = f"tile{_IN}/{{plane}}/{{tile_size}}/{{resolution}}/{{x_idx}}/{{y_idx}}/{{z_idx}}"
_COLLECTION = "/v1/collection/{collection}"
_EXPERIMENT = f"{_COLLECTION}/experiment/{{experiment}}"

DATASETS: dict[tuple[str, str], Permission] = {
    ("GET", f"{_EXPERIMENT}/channel/{{dataset}}"): _READ,
    ("GET", f"/v1/downsample{_IN}"): _READ,
    **{
        ("GET", f"/v1/{resource}{_IN}/{_BOX}{end}"): _VOXELS
        for resource in ("cutout", "ids")
        for end in ("", "/{t}")
    },
    **{
        ("GET", f"/v1/{picture}{end}"): _VOXELS
        for picture, time in ((_IMAGE, "{t_args}"), (_TILE, "{t_idx}"))
        for end in ("", f"/{time}")
    },
    ("GET", f"/v1/boundingbox{_IN}/{{resolution}}/{{label}}"): _VOXELS,
    ("GET", f"/v1/reserve{_IN}/{{count}}"): _ADD,
    **{
        (method, f"/v1/cutout{to_black}{_IN}/{_BOX}{end}"): _ADD
        for method, to_black in (("POST", ""), ("PUT", "/to_black"))
        for end in ("", "/{t}")
    },
}
DATASETS |= {
    ("POST", f"/v1/downsample{_IN}"): _ADD,
    ("DELETE", f"/v1/downsample{_IN}"): Permission.DELETE_VOLUMETRIC_DATA,
    ("PUT", f"{_EXPERIMENT}/channel/{{dataset}}"): Permission.UPDATE,
    ("DELETE", f"{_EXPERIMENT}/channel/{{dataset}}"): Permission.DELETE,
}
PLACES: dict[tuple[str, str], Permission] = {
    ("POST", _COLLECTION): Permission.ADD,
    ("PUT", _COLLECTION): Permission.UPDATE,
    ("DELETE", _COLLECTION): Permission.DELETE,
    ("POST", _EXPERIMENT): Permission.ADD,
    ("PUT", _EXPERIMENT): Permission.UPDATE,
    ("DELETE", _EXPERIMENT): Permission.DELETE,
    ("POST", f"{_EXPERIMENT}/channel/{{dataset}}"): Permission.ADD,
    ("POST", "/v1/coord/{frame}"): Permission.ADD,
    ("GET", _COLLECTION): _READ,
    ("GET", f"{_COLLECTION}/experiment"): _READ,
    ("GET", _EXPERIMENT): _READ,
    ("GET", f"{_EXPERIMENT}/channel"): _READ,
}
_OF_META = {
    "GET": _READ,
    "POST": Permission.ADD,
    "PUT": Permission.UPDATE,
    "DELETE": Permission.DELETE,
}
DATASETS |= {(method, f"/v1/meta{_IN}"): needed for method, needed in _OF_META.items()}
PLACES |= {
    (method, f"/v1/meta/{place}"): needed
    for method, needed in _OF_META.items()
    for place in ("{collection}", "{collection}/{experiment}")
}
ON_PLACE_ABOVE = {
    _COLLECTION: "{collection}",
    _EXPERIMENT: "{experiment}",
    "/v1/coord/{frame}": "{frame}",
}
"""Addresses that a POST makes the last part of, for who may add to what lies above that."""
FOR_ANYONE = (("GET", "/v1/collection"), ("GET", "/v1/coord"), ("GET", "/v1/coord/{frame}"))
"""Everybody may ask, by a credential that holds or by none."""

BEGUN = ("GET", "/v1/ingest"), ("POST", "/v1/ingest")
"""Who is somebody may ask."""
UPLOADS = (
    ("GET", "/v1/ingest/{job}"),
    ("DELETE", "/v1/ingest/{job}"),
    ("GET", "/v1/ingest/{job}/status"),
    ("POST", "/v1/ingest/{job}/complete"),
)
"""Who began it, while they may write to its dataset."""

FILLED = {
    "{resolution}": "0",
    "{x}": "0:8",
    "{y}": "0:8",
    "{z}": "0:8",
    "{t}": "0:1",
    "{count}": "1",
    "{plane}": "xy",
    "{x_args}": "0:8",
    "{y_args}": "0:8",
    "{z_args}": "0",
    "{t_args}": "0",
    "{tile_size}": "8",
    "{x_idx}": "0",
    "{y_idx}": "0",
    "{z_idx}": "0",
    "{t_idx}": "0",
}
"""What parts of addresses are filled with that do not name a place."""

WORDS = {"{role}": "resource-manager", "{minor}": "8", "{rest:path}": "collection"}
"""What parts of addresses are filled with that stand for no thing that may be absent."""
