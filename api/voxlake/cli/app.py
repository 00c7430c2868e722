"""The command line: one entry, one place where errors end."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated

import typer

from voxlake.cli.commands.jobs.downsample import downsample
from voxlake.cli.commands.jobs.fsck import fsck
from voxlake.cli.commands.jobs.index import index
from voxlake.cli.commands.jobs.ingest import ingest
from voxlake.cli.commands.jobs.jobs import app as jobs
from voxlake.cli.commands.jobs.plan import plan
from voxlake.cli.commands.jobs.verify import verify
from voxlake.cli.commands.jobs.worker import worker
from voxlake.cli.commands.labels.audit import audit
from voxlake.cli.commands.labels.cleave import cleave
from voxlake.cli.commands.labels.compact import compact
from voxlake.cli.commands.labels.label import label
from voxlake.cli.commands.labels.labels import labels
from voxlake.cli.commands.labels.mapping import mapping
from voxlake.cli.commands.labels.merge import merge
from voxlake.cli.commands.labels.reserve import reserve
from voxlake.cli.commands.lake.demo import demo
from voxlake.cli.commands.lake.doctor import doctor
from voxlake.cli.commands.lake.info import info
from voxlake.cli.commands.lake.init import init
from voxlake.cli.commands.lake.ls import ls
from voxlake.cli.commands.lake.serve import serve
from voxlake.cli.shown.problem import INTERRUPTED, report

app = typer.Typer(
    name="voxlake",
    help="A data lake for petascale volumetric images and their annotations.",
    epilog="Exit codes: 0 done, 1 failure, 2 bad input, 3 not allowed, 4 not found, 5 ended "
    "partially or differences found, 130 interrupted.",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(version("voxlake"))
        raise typer.Exit


@app.callback(invoke_without_command=True)
def start(
    context: typer.Context,
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Say the version."),
    ] = False,
) -> None:
    """Take the options that come before the command."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


for command in (
    demo,
    init,
    plan,
    ingest,
    downsample,
    index,
    verify,
    fsck,
    info,
    labels,
    label,
    merge,
    cleave,
    mapping,
    reserve,
    audit,
    compact,
    ls,
    serve,
    worker,
    doctor,
):
    app.command(command.__name__)(command)
app.add_typer(jobs, name="jobs")


def run(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code; nothing leaves as a traceback unasked."""
    given = list(arguments)
    json, debug = "--json" in given, "--debug" in given
    try:
        code = typer.main.get_command(app).main(given, "voxlake", standalone_mode=False)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  (the last resort)
        return report(error, json=json, debug=debug)
    if code == INTERRUPTED:  # how typer tells of Ctrl-C
        return report(KeyboardInterrupt(), json=json, debug=debug)
    return int(code or 0)
