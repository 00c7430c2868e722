"""Lines of code that open a dataset in the programs that people use. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from voxlake.documents.datasets.dataset import DatasetDocument


@dataclass(frozen=True, slots=True)
class Snippet:
    """Lines to copy."""

    title: str
    code: str


def snippets_of(dataset: DatasetDocument, gateway: str) -> list[Snippet]:
    """Return how a dataset is opened.

    Parameters
    ----------
    dataset
        It knows its addresses at the gateway.
    gateway
        Address of the gateway, without a slash at its end.
    """
    name, first = dataset.name, dataset.levels[0].path
    corner = ", ".join(f"0:{min(64, size)}" for size in dataset.shape)
    query = "&".join(
        f"{axis}=0:{min(64, size)}"
        for axis, size in zip(dataset.axis_names, dataset.shape, strict=True)
    )
    made = [
        Snippet(
            "Python",
            "from voxlake.client import connect\n\n"
            f'lake = connect("{gateway}")\nvoxels = lake["{name}"]\n'
            f"corner = voxels[{corner}]",
        ),
        Snippet(
            "xarray",
            "from voxlake.client import open_xarray\n\n"
            f'voxels = open_xarray("{dataset.zarr_url}", level=0)',
        ),
        Snippet(
            "zarr",
            f'import zarr\n\nvoxels = zarr.open_array("{dataset.zarr_url}/{first}", mode="r")\n'
            f"corner = voxels[{corner}]",
        ),
        Snippet(
            "Dask",
            f'import dask.array as da\nimport zarr\n\narray = zarr.open_array("{dataset.zarr_url}/'
            f'{first}", mode="r")\nvoxels = da.from_zarr(array, chunks=array.shards)',
        ),
        Snippet(
            "TensorStore",
            "import tensorstore as ts\n\nvoxels = ts.open(\n"
            f'    {{"driver": "zarr3", "kvstore": "{dataset.zarr_url}/{first}/"}}\n).result()',
        ),
        Snippet(
            "curl",
            f'curl "{gateway}/v2/datasets/{name}/cutout?level=0&{query}&format=npy" -o corner.npy',
        ),
        Snippet("Neuroglancer", f"zarr://{dataset.zarr_url}/"),
    ]
    if len(dataset.shape) == 3:
        made.append(Snippet("intern", _intern(name, gateway, corner)))
    if dataset.precomputed_url is not None:
        made.append(
            Snippet(
                "CloudVolume",
                "from cloudvolume import CloudVolume\n\n"
                f'voxels = CloudVolume("precomputed://{dataset.precomputed_url}")',
            )
        )
    return made


def _intern(name: str, gateway: str, corner: str) -> str:
    """Return how intern opens it."""
    protocol, _, host = gateway.partition("://")
    config = f'{{"protocol": "{protocol}", "host": "{host}", "token": "public"}}'
    return (
        "from intern.convenience.array import array\n\n"
        f'voxels = array("{name}", boss_config={config})\ncorner = voxels[{corner}]'
    )
