"""Labels as a graph, in the form that PyChunkedGraph has, CAVE's server of graphs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, RootModel

from voxlake.documents.document import Document, Question
from voxlake.documents.labels.labels import Digits, LabelAsked
from voxlake.documents.viewer.precomputed import VolumeInfo

MOST_NODES = 100_000
"""Nodes of one question."""

type Node = Annotated[int | str, Field(description="Text if `int64_as_str` asks for it.")]
"""An id of a supervoxel or a root."""
type Place = Annotated[float, Field(ge=-1e18, le=1e18)]
"""A coordinate in nanometres."""
type Chosen = tuple[LabelAsked, Place, Place, Place]
"""A supervoxel or a root, and a point x, y, z in it."""


class GraphDocument(Document):
    """How ids and chunks of the graph are."""

    chunk_size: tuple[int, int, int] = Field(description="Voxels x, y, z: a shard of the labels.")
    n_bits_for_layer_id: int
    cv_mip: Literal[0] = 0
    n_layers: int
    spatial_bit_masks: dict[str, int] = Field(description="No layer has places in its ids.")


class AppDocument(Document):
    """What the server speaks."""

    supported_api_versions: tuple[int, ...] = (0, 1)


class GraphInfo(VolumeInfo):
    """The document ``info`` of a graph."""

    data_dir: str = Field(description="Where the supervoxels are, a precomputed volume.")
    graph: GraphDocument
    app: AppDocument = AppDocument()
    chunks_start_at_voxel_offset: bool = True
    verify_mesh: bool = False


class RootDocument(Document):
    """The root of a supervoxel."""

    root_id: Node


class RootsDocument(Document):
    """The roots of supervoxels, in their order."""

    root_ids: tuple[Node, ...]


class LeavesDocument(Document):
    """The supervoxels of a root."""

    leaf_ids: tuple[Node, ...]


class ChildrenDocument(Document):
    """What a root is made of: its supervoxels, as there is nothing between."""

    children_ids: tuple[Node, ...]


class NodesAsked(Question):
    """Some nodes."""

    node_ids: Annotated[tuple[LabelAsked, ...], Field(max_length=MOST_NODES)]


class RootsAsked(Question):
    """Some roots."""

    root_ids: Annotated[tuple[LabelAsked, ...], Field(max_length=MOST_NODES)]


class LatestDocument(Document):
    """Whether roots are not over, in their order."""

    is_latest: tuple[bool, ...]


class TimestampsDocument(Document):
    """When roots were made, in seconds since 1970, in their order."""

    timestamp: tuple[float, ...]


class MergeAsked(RootModel[tuple[Chosen, Chosen]]):
    """Two supervoxels or roots to merge."""

    model_config = ConfigDict(frozen=True)


class SplitAsked(Question):
    """Supervoxels to part from one another."""

    sources: Annotated[tuple[Chosen, ...], Field(min_length=1, max_length=MOST_NODES)]
    sinks: Annotated[tuple[Chosen, ...], Field(min_length=1, max_length=MOST_NODES)]


class OperationAsked(Question):
    """A change of the graph."""

    operation_id: Annotated[int, Digits(1, (1 << 63) - 1)]


class EditDocument(Document):
    """What a change did."""

    operation_id: int
    new_root_ids: tuple[Node, ...]
    new_lvl2_ids: tuple[Node, ...] = ()


class PreviewDocument(Document):
    """What a split would do."""

    supervoxel_connected_components: tuple[tuple[Node, ...], ...]
    illegal_split: bool


class EditsOfUser(Document):
    """How much one user changed."""

    n_merges: int
    n_splits: int


class ChangeLogDocument(Document):
    """What made a root what it is."""

    n_merges: int
    n_splits: int
    operations_ids: tuple[int, ...]
    past_ids: tuple[Node, ...]
    user_info: dict[str, EditsOfUser]


class OperationDocument(Document):
    """One change."""

    operation: Literal["merge", "split", "replace"]
    timestamp: str
    user: str
    roots: tuple[Node, ...] = Field(description="That it made.")
    labels: tuple[str, ...] = Field(
        description="The bodies that were merged into another, or the supervoxels taken out."
    )


class LineageNode(Document):
    """A root."""

    id: Node
    timestamp: float = Field(description="When it was made, in seconds since 1970.")
    operation_id: int | None = Field(description="By which change; null: by an import, or none.")


class LineageLink(Document):
    """A root, and one that came from it."""

    source: Node
    target: Node


class LineageDocument(Document):
    """Related roots, as networkx reads them."""

    directed: bool = True
    multigraph: bool = False
    graph: dict[str, str] = Field(default_factory=dict)
    nodes: tuple[LineageNode, ...]
    links: tuple[LineageLink, ...]


class OldestDocument(Document):
    """When the graph began."""

    iso: str
    epoch: float
