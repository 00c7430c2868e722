"""What was used of a lake in a month, and how much may be."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from voxlake.documents.document import Document, Question
from voxlake.documents.people.asked import Line
from voxlake.platform.catalog.usage import Metric

if TYPE_CHECKING:
    from collections.abc import Iterable

    from voxlake.platform.catalog.stored import StoredSize
    from voxlake.platform.catalog.usage import Limits, UsedOfDataset

MONTH = "^[0-9]{4}-(0[1-9]|1[0-2])$"


class UsedDocument(Document):
    """What an account had of a dataset."""

    account: str = Field(description="A user; in parentheses, who is none.")
    dataset: str
    requests: int
    egress: int = Field(description="Bytes that were sent.")
    ingress: int = Field(description="Bytes that were received.")
    compute: int = Field(description="Bytes that jobs worked on.")


class UsageDocument(Document):
    """What was used in a month: of each dataset by each account, most that was sent first."""

    month: str
    used: tuple[UsedDocument, ...]


class StoredDocument(Document):
    """What is stored of a dataset."""

    dataset: str
    objects: int
    bytes: int
    measured_at: datetime


class StoredList(Document):
    """What is stored of datasets, the largest first."""

    stored: tuple[StoredDocument, ...]


class ClassAdviceDocument(Document):
    """What a dataset costs a month where it is, and where it would cost least."""

    dataset: str
    stored_bytes: int = Field(description="As they were measured last.")
    read_bytes: float = Field(description="In a month, on average, by way of gateways.")
    requests: float = Field(description="In a month, on average.")
    storage_class: str = Field(description="The cheapest; nothing: that which it is in.")
    present: float = Field(description="Cost of a month where it is.")
    cheapest: float = Field(description="Cost of a month in the cheapest class.")


class ClassAdviceList(Document):
    """Which class of storage is the cheapest for each dataset; what saves most comes first."""

    currency: str
    prices: str = Field(description="Where the price table is from.")
    months: tuple[str, ...] = Field(description="By whose usage.")
    saved: float = Field(description="In a month, by all of it together.")
    advice: tuple[ClassAdviceDocument, ...]


class LimitDocument(Document):
    """How much a subject may have in a month, or may store."""

    subject: str = Field(
        description="system, api:NAME, user:NAME, where `*` is all others; place:PLACE."
    )
    metric: Metric
    limit: int = Field(description="Bytes.")


class LimitList(Document):
    """Limits, sorted by subject."""

    limits: tuple[LimitDocument, ...]


class LimitQuestion(Question):
    """A limit that is to be."""

    subject: Line
    metric: Metric
    limit: Annotated[int, Field(ge=0, le=2**63 - 1, strict=True)] | None = Field(
        None, description="Bytes, in a month or stored; null: no limit."
    )


def used_document(used: UsedOfDataset) -> UsedDocument:
    """Return what an account had of a dataset."""
    counts = used.counts
    return UsedDocument(
        account=used.account,
        dataset=used.dataset,
        requests=counts.requests,
        egress=counts.egress,
        ingress=counts.ingress,
        compute=counts.compute,
    )


def stored_list(sizes: Iterable[StoredSize]) -> StoredList:
    """Return what is stored of datasets."""
    return StoredList(stored=tuple(map(StoredDocument.model_validate, sizes)))


def limit_list(limits: Limits) -> LimitList:
    """Return limits."""
    return LimitList(
        limits=tuple(
            LimitDocument(subject=subject, metric=metric, limit=amount)
            for (subject, metric), amount in sorted(limits.items())
        )
    )
