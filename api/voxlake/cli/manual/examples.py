"""How each command is used, by its words: the end of its help, and of its page in the reference.

Tests run them, in this order and in one folder, on a lake that ``VOXLAKE_LAKE`` names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

EXAMPLES: dict[str, tuple[str, ...]] = {
    # Lakes, and what is in them.
    "demo": ("voxlake demo --size 64 --no-serve --lake phantom",),
    "init": ("voxlake init --lake new-lake",),
    "ingest": (
        "voxlake ingest slices/ lab/mouse/em --kind image --voxel-size 40,4,4nm",
        "voxlake ingest cells.h5::/stack lab/mouse/cells --kind labels --of em --index",
    ),
    "plan": (
        "voxlake plan slices/ lab/mouse/next --kind image --voxel-size 40,4,4nm",
        "voxlake plan lab/mouse/em --job downsample",
    ),
    "import": ("voxlake import bossdb://api.bossdb.io/lab/brain/em lab/brain/em",),
    "create": (
        "voxlake create lab/mouse/synapses --kind labels --of em",
        "voxlake create lab/mouse/mean --kind image --dtype uint8 --shape 9,20,30 --voxel-size 8nm",
    ),
    "register": ("voxlake register /data/open/em.ome.zarr lab/mouse/open",),
    "credentials": ("voxlake credentials lab/mouse/em",),
    "ls": ("voxlake ls", "voxlake ls lab/mouse --json"),
    "info": ("voxlake info lab/mouse/em",),
    "downsample": (
        "voxlake downsample lab/mouse/em --stale",
        "voxlake downsample lab/mouse/em --box 0:8,0:16,0:16",
    ),
    "index": ("voxlake index lab/mouse/cells", "voxlake index lab/mouse/cells --queue"),
    "verify": ("voxlake verify lab/mouse/em --source slices/ --report proof.jsonl",),
    "fsck": ("voxlake fsck lab/mouse/em --repair", "voxlake fsck --all --quick"),
    "validate": (
        "voxlake validate lab/mouse/em",
        "voxlake validate /data/open/em.ome.zarr",
    ),
    "report": ("voxlake report lab/mouse/em em.html --verified proof.jsonl",),
    "catalog save": ("voxlake catalog save",),
    "catalog prune": ("voxlake catalog prune",),
    "catalog rebuild": ("voxlake catalog rebuild --merge --dry-run",),
    "doctor": ("voxlake doctor",),
    "serve": (
        "voxlake serve --lake lake",
        "voxlake serve --host 0.0.0.0 --workers 4",
    ),
    # Jobs.
    "worker": ("voxlake worker --once",),
    "jobs": ("voxlake jobs", "voxlake jobs --gateway $GATEWAY"),
    "jobs ls": ("voxlake jobs ls --json",),
    "jobs resume": ("voxlake jobs resume $JOB",),
    "jobs show": ("voxlake jobs show $JOB",),
    "jobs watch": ("voxlake jobs watch $JOB",),
    "jobs log": ("voxlake jobs log $JOB",),
    "jobs cancel": ("voxlake jobs cancel $JOB",),
    "jobs look": ("voxlake jobs look /data/slices lab/mouse/next --gateway $GATEWAY",),
    "jobs plan": ("voxlake jobs plan verify lab/mouse/em --gateway $GATEWAY",),
    "jobs start": (
        "voxlake jobs start downsample lab/mouse/em --gateway $GATEWAY --set stale=true",
    ),
    "upload": (
        "voxlake upload slices/ lab/mouse/copy --kind image --voxel-size 8nm --gateway $GATEWAY",
    ),
    # Labels.
    "labels": (
        "voxlake labels lab/mouse/cells --top 10",
        "voxlake labels lab/mouse/cells --box 0:8,0:16,0:16 --ids",
    ),
    "label": (
        "voxlake label lab/mouse/cells 7",
        "voxlake label lab/mouse/cells 7 --mask seven.npy --rles seven.rles",
    ),
    "merge": ("voxlake merge lab/mouse/cells 7 12 13",),
    "mapping": ("voxlake mapping lab/mouse/cells",),
    "cleave": ("voxlake cleave lab/mouse/cells 7 12",),
    "reserve": ("voxlake reserve lab/mouse/cells 1000",),
    "audit": ("voxlake audit lab/mouse/cells",),
    "compact": ("voxlake compact lab/mouse/cells",),
    # Collections, experiments, frames, and what is said of them.
    "collection": ("voxlake collection",),
    "collection ls": ("voxlake collection ls",),
    "collection add": ("voxlake collection add attic --description 'Of earlier years.'",),
    "frame": ("voxlake frame",),
    "frame ls": ("voxlake frame ls --json",),
    "frame add": ("voxlake frame add bench 0:100,-5:20,0:90 40,8,8nm",),
    "frame update": ("voxlake frame update bench --description 'Of the light microscope.'",),
    "experiment add": ("voxlake experiment add attic/eye --frame bench",),
    "experiment": ("voxlake experiment ls attic",),
    "experiment ls": ("voxlake experiment ls lab",),
    "experiment frame": ("voxlake experiment frame attic/eye bench",),
    "meta describe": ("voxlake meta describe lab/mouse 'A mouse, imaged by FIB-SEM.'",),
    "meta put": ("voxlake meta put lab/mouse/em licence CC-BY-4.0",),
    "meta get": ("voxlake meta get lab/mouse/em licence",),
    "meta": ("voxlake meta ls lab/mouse/em",),
    "meta ls": ("voxlake meta ls lab/mouse/em --json",),
    "meta sources": ("voxlake meta sources lab/mouse/cells lab/mouse/em",),
    "search": ("voxlake search 'mouse CC-BY'",),
    "meta rm": ("voxlake meta rm lab/mouse/em licence",),
    "mv": ("voxlake mv attic/eye attic/left-eye", "voxlake mv attic loft"),
    "experiment rm": ("voxlake experiment rm loft/left-eye",),
    "collection rm": ("voxlake collection rm loft",),
    "frame rm": ("voxlake frame rm bench",),
    # People and rights.
    "user": ("voxlake user",),
    "user ls": ("voxlake user ls",),
    "user add": ("voxlake user add ada --full-name 'Ada Lovelace'",),
    "user give": ("voxlake user give ada resource-manager",),
    "user take": ("voxlake user take ada resource-manager",),
    "user disable": ("voxlake user disable ada",),
    "user enable": ("voxlake user enable ada",),
    "group": ("voxlake group",),
    "group ls": ("voxlake group ls",),
    "group add": ("voxlake group add mappers ada",),
    "group join": ("voxlake group join mappers bob --as maintainer",),
    "group leave": ("voxlake group leave mappers bob",),
    "group map": ("voxlake group map mappers /lab/mappers",),
    "group unmap": ("voxlake group unmap mappers",),
    "share": (
        "voxlake share lab/mouse mappers annotator --until 2100-01-01",
        "voxlake share lab/mouse",
    ),
    "unshare": ("voxlake unshare lab/mouse mappers",),
    "publish": ("voxlake publish lab/mouse/em",),
    "unpublish": ("voxlake unpublish lab/mouse/em",),
    "token": ("voxlake token",),
    "token ls": ("voxlake token ls ada",),
    "token make": ("voxlake token make ada laptop --role viewer --until 2100-01-01",),
    "token rotate": ("voxlake token rotate 1",),
    "token revoke": ("voxlake token revoke 2",),
    "session": ("voxlake session",),
    "session ls": ("voxlake session ls ada",),
    "session end": ("voxlake session end 1",),
    "link": ("voxlake link make lab/mouse/em",),
    "link make": ("voxlake link make lab/mouse/em --box 0:8,0:16,0:16 --note 'for reviewers'",),
    "link ls": ("voxlake link ls lab/mouse/em",),
    "link revoke": ("voxlake link revoke lab/mouse/em 1",),
    "usage": ("voxlake usage",),
    "usage ls": ("voxlake usage ls --month 2026-11",),
    "usage limit": ("voxlake usage limit user:ada egress 100G",),
    "usage limits": ("voxlake usage limits",),
    "usage measure": ("voxlake usage measure lab",),
    "usage stored": ("voxlake usage stored",),
    "usage advise": ("voxlake usage advise --months 1",),
    "history": ("voxlake history --limit 20",),
    "group rm": ("voxlake group rm mappers",),
    "user rm": ("voxlake user rm ada",),
    "catalog": ("voxlake catalog save",),
    "rm": ("voxlake rm lab/mouse/mean --later", "voxlake rm lab/mouse/em --with-labels"),
    "deleted": ("voxlake deleted",),
    "undelete": ("voxlake undelete lab/mouse/mean --to lab/mouse/average",),
    "purge": ("voxlake purge lab/mouse/average",),
    # At a gateway.
    "login": (
        "voxlake login https://lake.example.org",
        "voxlake login --token https://lake.example.org < token",
    ),
    "whoami": ("voxlake whoami https://lake.example.org",),
    "login-link": ("voxlake login-link http://127.0.0.1:8080",),
    "logout": ("voxlake logout https://lake.example.org",),
}


def examples_for(words: Sequence[str]) -> tuple[str, ...]:
    """Return the examples of the command that words begin with; none if they begin with none.

    Examples
    --------
    >>> examples_for(["jobs", "show", "--help"])
    ('voxlake jobs show $JOB',)
    >>> examples_for(["ls", "lab", "--help"])[0], examples_for(["--help"])
    ('voxlake ls', ())
    """
    return EXAMPLES.get(" ".join(words[:2])) or EXAMPLES.get(" ".join(words[:1]), ())
