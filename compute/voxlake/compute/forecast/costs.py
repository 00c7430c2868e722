"""What a job costs by a price table that the user can edit. Arithmetic, and reading the table."""

from __future__ import annotations

import tomllib
from datetime import date
from importlib.resources import files
from typing import TYPE_CHECKING, Annotated

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from voxlake.documents.jobs.plan import CostDocument
from voxlake.platform.errors import InvalidInputError, faults

if TYPE_CHECKING:
    from pathlib import Path

    from voxlake.documents.jobs.plan import Requests

type Price = Annotated[float, Field(ge=0, allow_inf_nan=False)]

TERABYTE = 1e12


class StorageClass(BaseModel):
    """Another class of the same store: cheaper to keep, dearer to read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    storage_tb_month: Price
    get_per_1000: Price
    read_tb: Price = 0.0
    """10^12 bytes read, wherever they go."""
    least_days: int = Field(default=0, ge=0)
    """That an object is paid for, even if it is deleted before."""


class Prices(BaseModel):
    """A price table, as the TOML file has it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    as_of: date
    """Day on which the prices were looked up."""
    source: str = ""
    """Whose prices they are."""
    currency: str = "USD"
    storage_tb_month: Price
    """10^12 bytes stored for a month."""
    put_per_1000: Price
    get_per_1000: Price
    """GET and HEAD."""
    core_hour: Price
    egress_tb: Price = 0.0
    """10^12 bytes read out of the store."""
    classes: tuple[StorageClass, ...] = ()
    """Where else things may lie (`voxlake usage advise`)."""

    @property
    def present_class(self) -> StorageClass:
        """The class that all else is of, which has no name."""
        return StorageClass(
            name="", storage_tb_month=self.storage_tb_month, get_per_1000=self.get_per_1000
        )


def cost_of(
    prices: Prices, where: str, core_seconds: float, requests: Requests, stored_bytes: float
) -> CostDocument:
    """Return what a job costs, and what it leaves on the store costs a month.

    Parameters
    ----------
    where
        Where the price table is from.
    """
    compute = core_seconds / 3600 * prices.core_hour
    gets = requests.get + requests.head
    asked = requests.put / 1000 * prices.put_per_1000 + gets / 1000 * prices.get_per_1000
    return CostDocument(
        currency=prices.currency,
        compute=compute,
        requests=asked,
        once=compute + asked,
        storage_month=stored_bytes / TERABYTE * prices.storage_tb_month,
        read_out=stored_bytes / TERABYTE * prices.egress_tb,
        prices=f"{where} ({prices.source})" if prices.source else where,
        as_of=prices.as_of,
    )


def user_file() -> Path:
    """Return where the price table of this user is looked for."""
    return platformdirs.user_config_path("voxlake") / "prices.toml"


def read_prices(path: Path | None = None) -> tuple[Prices, str, str]:
    """Return the price table in force, where it is from, and its text.

    It is the one at `path`; else that of this user (see `user_file`); else the examples that come
    with voxlake.

    Raises
    ------
    InvalidInputError
        If the file is not there, or is no price table.
    """
    if path is None and user_file().is_file():
        path = user_file()
    if path is None:
        where = "the examples of voxlake"
        text = files("voxlake.compute.forecast").joinpath("prices.toml").read_text("utf-8")
    else:
        where, text = str(path), _text(path)
    try:
        return Prices.model_validate(tomllib.loads(text)), where, text
    except tomllib.TOMLDecodeError as error:
        raise InvalidInputError(
            f"price table {where} is no TOML ({error}); begin with voxlake plan --show-prices"
        ) from error
    except ValidationError as error:
        raise InvalidInputError(
            f"price table {where} cannot be used ({faults(error.errors())}); begin with voxlake "
            "plan --show-prices"
        ) from error


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(
            f"price table {path} cannot be read ({error}); check the path"
        ) from error
