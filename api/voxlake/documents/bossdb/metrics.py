"""What bossDB's API asks and answers of usage and its limits. A limit below 0 is none."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Field, RootModel

from voxlake.documents.document import Document, Question
from voxlake.documents.people.asked import Line
from voxlake.platform.catalog.usage import Metric, parse_amount


def _amount(value: object) -> object:
    """Return bytes, which may be written as `10G`."""
    if not isinstance(value, str) or value.strip().removeprefix("-").isdigit():
        return value
    return parse_amount(value)


type Amount = Annotated[int, BeforeValidator(_amount), Field(ge=-1, le=2**63 - 1)]


class BossMetric(Document):
    """What all may have that have no limit of their own."""

    mtype: Metric
    units: Literal["byte_count"] = "byte_count"
    def_user_limit: int
    def_api_limit: int
    def_system_limit: int


class BossThreshold(Document):
    """What a subject may have in a month."""

    metric: str
    mtype: Metric
    units: Literal["byte_count"] = "byte_count"
    limit: int


class BossUsage(BossThreshold):
    """What a subject had."""

    since: str
    value: int


class BossLimit(Question):
    """A limit that is to be: bytes, or as `10G`."""

    metric: Line
    mtype: Metric
    limit: Amount


class BossDefaults(Question):
    """Limits that are to be of all that have none of their own."""

    mtype: Metric
    def_user_limit: Amount | None = None
    def_api_limit: Amount | None = None
    def_system_limit: Amount | None = None

    @property
    def limits(self) -> list[BossLimit]:
        """The limits that are given."""
        given = {
            "user:*": self.def_user_limit,
            "api:*": self.def_api_limit,
            "system": self.def_system_limit,
        }
        return [
            BossLimit(metric=subject, mtype=self.mtype, limit=limit)
            for subject, limit in given.items()
            if limit is not None
        ]


class BossLimits(RootModel[Annotated[list[BossLimit], Field(max_length=1000)]]):
    """Limits that are to be."""

    model_config = ConfigDict(frozen=True)


class BossManyDefaults(RootModel[Annotated[list[BossDefaults], Field(max_length=10)]]):
    """Limits that are to be of all that have none of their own."""

    model_config = ConfigDict(frozen=True)
