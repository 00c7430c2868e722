"""The order of names, which is that of their code points on every database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

if TYPE_CHECKING:
    from sqlalchemy.sql.compiler import SQLCompiler


class in_order(FunctionElement[str]):  # noqa: N801  (a function of SQL)
    """A column of names, to be sorted and compared by code points, as Python does."""

    name = "in_order"
    inherit_cache = True


@compiles(in_order)
def _as_it_is(element: in_order, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.clauses, **options)


@compiles(in_order, "postgresql")
def _collated(element: in_order, compiler: SQLCompiler, **options: Any) -> str:
    return f'{compiler.process(element.clauses, **options)} COLLATE "C"'
