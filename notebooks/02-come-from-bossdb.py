# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Come from bossDB
#
# A gateway speaks bossDB's API, so what was written with intern goes on as it is. This notebook
# makes an image and annotations of it with `intern.array`, writes and reads them, keeps metadata
# with them, and downloads a mesh. What it makes is an OME-Zarr, which is read directly at the end.
#
# It needs `pip install intern zmesh`. The lake is made for it, and is gone when the notebook ends.

# %%
import atexit
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import zarr
from intern import array
from intern.convenience.array import Metadata
from intern.remote.boss import BossRemote
from intern.resource.boss.resource import ChannelResource
from intern.service.mesh.service import VoxelUnits

from voxlake.client import connect

# The command of the environment that runs this notebook.
VOXLAKE = [sys.executable, "-m", "voxlake.cli"]

folder = tempfile.mkdtemp(prefix="voxlake-")
atexit.register(shutil.rmtree, folder, ignore_errors=True)
subprocess.run([*VOXLAKE, "init", "--lake", f"{folder}/lake"], check=True, capture_output=True)

server = subprocess.Popen(
    [*VOXLAKE, "serve", "--lake", f"{folder}/lake", "--port", "0", "--json"],
    stdout=subprocess.PIPE,
    stderr=subprocess.DEVNULL,
    text=True,
)
atexit.register(server.terminate)  # also if a cell fails
# Its first words are one JSON document, whose last line is a lone brace.
said = []
while not said or said[-1] not in {"}\n", ""}:
    said.append(server.stdout.readline())
serving = json.loads("".join(said))

# %% [markdown]
# ## Where to ask, and as whom
#
# The owner's token of your own machine here; `voxlake token add` makes one of a laboratory's lake.
# `bossdb://` addresses ignore `boss_config` and ask api.bossdb.io: leave the scheme away.

# %%
gateway = connect(serving["url"])
config = {
    "protocol": "http",
    "host": serving["url"].removeprefix("http://"),
    "token": gateway.token,
}

# %% [markdown]
# ## Create
#
# Collection, coordinate frame, experiment and channel, all that are not there yet.

# %%
shape = (24, 96, 128)  # z, y, x
space = {"extents": shape, "voxel_size": (40, 8, 8), "voxel_unit": "nanometers"}
image = array("lab/beads/em", create_new=True, dtype="uint16", boss_config=config, **space)
cells = array(
    "lab/beads/cells",
    create_new=True,
    dtype="uint64",
    source_channel="em",
    boss_config=config,
    **space,
)
print("shape:", image.shape, image.dtype, image.voxel_size, image.voxel_unit)

# %% [markdown]
# ## Write and read
#
# Ranges are given in full: intern fills what is left out from the wrong axis.

# %%
z, y, x = np.indices(shape)
signal = (1000 + z * 50 + y * 10 + x).astype(np.uint16)
ball = ((z - 12) * 40) ** 2 + ((y - 48) * 8) ** 2 + ((x - 64) * 8) ** 2 < 300**2
bodies = np.where(ball, np.uint64(2**63 + 7), (z < 3).astype(np.uint64))

image[0:24, 0:96, 0:128] = signal
cells[0:24, 0:96, 0:128] = bodies

print("the image agrees:", np.array_equal(image[5:9, 10:50, 20:100], signal[5:9, 10:50, 20:100]))
print("a slice agrees:", np.array_equal(image[7, 0:96, 0:128], signal[7]))
print("the annotations agree:", np.array_equal(cells[0:24, 0:96, 0:128], bodies))

# %% [markdown]
# ## Ids
#
# The index is current as soon as the voxels are written.

# %%
boss = BossRemote(config)
channel = boss.get_project(ChannelResource("cells", "lab", "beads"))
print("ids:", boss.get_ids_in_region(channel, 0, [0, 128], [0, 96], [0, 24]))
box = boss.get_bounding_box(channel, 0, 2**63 + 7, "tight")
print("the ball is in:", box["x_range"], box["y_range"], box["z_range"])
print("a new id:", boss.reserve_ids(channel, 1))

# %% [markdown]
# ## Metadata
#
# `array.metadata` asks api.bossdb.io whatever it was made with; `Metadata` takes a remote.

# %%
notes = Metadata("lab/beads/em", remote=boss)
notes["stain"] = "osmium & uranyl"
print("notes:", notes.to_dict())

# %% [markdown]
# ## A mesh
#
# intern downloads the annotations and makes the mesh itself. The size of a voxel is x, y, z, the
# place where the mesh is is not scaled by it: ask for whole extents, as here.

# %%
mesh = boss.mesh(
    channel,
    0,
    [0, 128],
    [0, 96],
    [0, 24],
    id_list=[2**63 + 7],
    voxel_unit=VoxelUnits.nm,
    voxel_size=[8, 8, 40],
)
obj = mesh.obj_mesh()
(Path(folder) / "ball.obj").write_bytes(obj)
vertices = np.array(
    [line.split()[1:] for line in obj.splitlines() if line.startswith(b"v ")], float
)
print(f"a mesh of {len(vertices)} vertices about", *vertices.mean(axis=0).round(), "nm")

# %% [markdown]
# ## The same, without intern
#
# What was made is an OME-Zarr that everything else reads, from the store or over the gateway.

# %%
stored = zarr.open_array(f"{folder}/lake/lab/beads/em.ome.zarr/0", mode="r")
print("the store agrees:", np.array_equal(stored[:], signal))
cutout = gateway.cutout("lab/beads/em", "0:24,0:96,0:128")
print("the gateway agrees:", np.array_equal(cutout, signal))

# %%
gateway.close()
server.terminate()
server.wait(30)
server.stdout.close()
