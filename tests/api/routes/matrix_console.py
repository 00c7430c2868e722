"""The routes of the console, in the table of all routes: what each demands."""

from __future__ import annotations

from voxlake.platform.access import Permission

_DATASET = "/datasets/{collection}/{experiment}/{dataset}"
_COLLECTION = "/collections/{collection}"
_EXPERIMENT = f"{_COLLECTION}/experiments/{{experiment}}"
_READ, _READ_VOXELS = Permission.READ, Permission.READ_VOLUMETRIC_DATA

DATASETS = {
    ("GET", _DATASET): _READ,
    ("POST", _DATASET): Permission.UPDATE,
    ("GET", f"{_DATASET}/thumbnail"): _READ,
    ("GET", f"{_DATASET}/coverage"): _READ_VOXELS,
    ("GET", f"{_DATASET}/coverage.svg"): _READ_VOXELS,
    ("GET", f"{_DATASET}/labels"): _READ_VOXELS,
    ("POST", f"{_DATASET}/labels/merge"): Permission.ADD_VOLUMETRIC_DATA,
    ("GET", f"{_DATASET}/labels/history"): _READ_VOXELS,
    ("POST", f"{_DATASET}/labels/undo"): Permission.ADD_VOLUMETRIC_DATA,
    ("GET", f"{_DATASET}/edit"): Permission.UPDATE,
    ("POST", f"{_DATASET}/delete"): Permission.DELETE,
    ("GET", f"{_DATASET}/links"): Permission.ASSIGN_GROUP,
    ("POST", f"{_DATASET}/links"): Permission.ASSIGN_GROUP,
    ("POST", f"{_DATASET}/links/end"): Permission.REMOVE_GROUP,
}
"""About a dataset, and the permission on it."""

PLACES = {
    ("POST", "/collections"): Permission.ADD,
    ("GET", _COLLECTION): _READ,
    ("POST", f"{_COLLECTION}/experiments"): Permission.ADD,
    ("GET", _EXPERIMENT): _READ,
    ("POST", f"{_EXPERIMENT}/datasets"): Permission.ADD,
    ("GET", f"{_EXPERIMENT}/ingest"): Permission.ADD,
    ("POST", f"{_EXPERIMENT}/ingest"): Permission.ADD,
    ("POST", f"{_EXPERIMENT}/ingest/look"): Permission.ADD,
    **{
        row: permission
        for place in (_COLLECTION, _EXPERIMENT)
        for row, permission in {
            ("GET", f"{place}/edit"): Permission.UPDATE,
            ("POST", place): Permission.UPDATE,
            ("POST", f"{place}/delete"): Permission.DELETE,
        }.items()
    },
    ("GET", "/sharing"): _READ,
    ("POST", "/sharing"): Permission.ASSIGN_GROUP,
    ("POST", "/sharing/end"): Permission.REMOVE_GROUP,
    ("POST", "/values"): Permission.UPDATE,
    ("POST", "/values/drop"): Permission.UPDATE,
}
"""About a place, and the permission on it."""

FOR_EVERYONE = [
    ("GET", "/favicon.ico"),
    ("GET", "/console/style.css"),
    ("GET", "/console/watch.js"),
]
FOR_ANYONE = [("GET", "/"), ("GET", "/collections"), ("GET", "/jobs")]
FOR_SIGNED_IN = [
    ("GET", "/account"),
    ("GET", "/usage"),
    ("GET", "/groups"),
    ("GET", "/tokens"),
    ("GET", "/views"),
    ("GET", "/deleted"),
    ("POST", "/deleted/restore"),
    # Whose it is, and what somebody may there, is said of a form that can be read.
    ("POST", "/jobs"),
    ("POST", "/tokens"),
    ("POST", "/tokens/rotate"),
    ("POST", "/tokens/end"),
    ("POST", "/views"),
    ("POST", "/views/end"),
]
FOR_UNLIMITED = [
    ("POST", "/groups"),
    ("POST", "/groups/{group}/members"),
    ("POST", "/groups/{group}/members/end"),
    ("POST", "/groups/{group}/delete"),
]
FOR_ADMINISTRATORS = [
    ("GET", "/audit"),
    ("GET", "/users"),
    ("POST", "/users"),
    ("POST", "/users/disabled"),
    ("POST", "/users/roles"),
]
FOR_TEAM = [("GET", "/groups/{group}")]
FOR_JOB_WATCHERS = [("GET", "/jobs/{job_id}")]
FOR_JOB_MANAGERS = [("POST", f"/jobs/{{job_id}}/{act}") for act in ("retry", "cancel", "start")]
