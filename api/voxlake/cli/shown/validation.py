"""What is wrong with an OME-Zarr, as people see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlake.cli.shown.output import Shown, facts, table

if TYPE_CHECKING:
    from voxlake.documents.datasets.validation import ValidationDocument

VERDICTS = {
    "right": "right, by all that it must be",
    "unsupported": "unsupported: it is not broken, and voxlake does not use all of it",
    "broken": "broken",
}


def shown_validation(document: ValidationDocument) -> Shown:
    """Yield what people see of a group that was validated."""
    yield facts([(document.url, VERDICTS[document.verdict])])
    if document.findings:
        rows = (
            (each.severity, each.rule, each.where.removeprefix(document.url) or "/", each.text)
            for each in document.findings
        )
        yield table(("", "rule", "where", "what"), rows)
