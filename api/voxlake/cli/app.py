"""The command line: one entry, one place where errors end."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.metadata import version

from cyclopts import App, Parameter

from voxlake.cli.loading import loading
from voxlake.cli.manual.help_end import help_end

COMMANDS = {
    "lake.demo:demo": "Build a lake from real electron microscopy and show it in Neuroglancer.",
    "lake.init:init": "Make a lake: test its store, make its catalog.",
    "lake.catalog:catalog": "The catalog: save what it says, make it again, prune it.",
    "jobs.plan:plan": "Tell what `voxlake ingest` with the same options will store, take and cost.",
    "jobs.ingest:ingest": "Write a new dataset from a source: sharded OME-Zarr, with its pyramid.",
    "jobs.upload:upload": "Upload a local source to a gateway: shards are coded here, and sent "
    "whole.",
    "jobs.import_:import_": "Copy a channel of a running bossDB: voxels, metadata, and frame.",
    "lake.create:create": "Make an empty dataset: it is ready, all zeros, and can be written to.",
    "lake.register:register": "Make an OME-Zarr that lies elsewhere a dataset, without a copy: it "
    "is only read.",
    "lake.credentials:credentials": "Make temporary keys of S3 that read one dataset, the labels "
    "inside it included.",
    "jobs.downsample:downsample": "Build levels 1 and above of a dataset anew from level 0.",
    "jobs.index:index": "Build the label index of labels anew: what each shard holds, and all of "
    "it by label.",
    "jobs.verify:verify": "Compare every voxel with the source, and every level with the one below "
    "it.",
    "jobs.fsck:fsck": "Find every damaged, missing or stale object of a dataset; mend what can be "
    "with --repair.",
    "lake.validate:validate": "Tell what is wrong with the metadata of an OME-Zarr, anybody's, and "
    "of the labels in it.",
    "lake.info:info": "Show a dataset: where it is stored, its levels, how they are cut and coded.",
    "lake.report:report": "Write a page about a dataset: slices, levels, which shards are there, "
    "values, its source.",
    "labels.labels:labels": "List the labels of a dataset with voxels, box and chunks; or those of "
    "a box, exactly.",
    "labels.label:label": "Show one label: voxels, box, chunks, a voxel inside it; and write its "
    "voxels to files.",
    "labels.merge:merge": "Merge bodies into the first of them; no voxel is rewritten.",
    "labels.cleave:cleave": "Take supervoxels out of a body, as a body of their own; no voxel is "
    "rewritten.",
    "labels.mapping:mapping": "Show the mapping from supervoxels to bodies, or replace it by that "
    "of a file.",
    "labels.reserve:reserve": "Reserve ids in a row that no voxel has, and that nobody else is "
    "ever given.",
    "labels.audit:audit": "Find the shards that other programs wrote, for the label index; decodes "
    "no voxels.",
    "labels.compact:compact": "Bring what was written into the order of labels: voxels, metadata "
    "of labels, and merges.",
    "lake.ls:ls": "List the datasets of a lake.",
    "lake.mv:mv": "Give a dataset, an experiment or a collection another name; no voxel is moved.",
    "places.collection:collection": "Collections: list them, make one, delete one.",
    "places.experiment:experiment": "Experiments: list those of a collection, make or delete one.",
    "places.frame:frame": "Coordinate frames: list them, make, change or delete one.",
    "places.search:search": "Find collections, experiments and datasets by words of names, "
    "descriptions and key-values.",
    "places.meta:meta": "What people say of a place: a description, and values by key.",
    "lake.publish:publish": "Let everybody read a dataset through the gateway; labels of an image "
    "keep what they had.",
    "lake.publish:unpublish": "Take back `voxlake publish`: only those with a right to it read a "
    "dataset at the gateway.",
    "people.share:share": "Let a group do what a role may at a place and below it; or list what is "
    "shared there.",
    "people.share:unshare": "Take back what a group was granted at a place; what it has from above "
    "stays.",
    "people.user:user": "Users: list them, add, disable or delete one, give one a role.",
    "people.usage:usage": "What was used of a lake, by whom; and limits of it.",
    "people.group:group": "Groups: list them, make or delete one, say who is in it.",
    "people.token:token": "Tokens of users: list them, make, revoke or rotate one.",
    "people.login:login": "Sign in at a gateway and keep a token for it, which Python sends there "
    "by itself.",
    "people.login:whoami": "Tell who you are at a gateway, by the token that is kept for it.",
    "people.login:logout": "Forget the token that is kept for a gateway; one that a login made is "
    "revoked.",
    "people.session:session": "Sessions: list the browsers in which people are signed in, end one.",
    "people.link:link": "Links that let others read a dataset: make, list or revoke one.",
    "people.history:history": "Tell who changed what of people, rights and names of datasets, the "
    "newest first.",
    "jobs.rm:rm": "Delete a dataset and its label index, for good; its name is free again.",
    "places.deleted:deleted": "List what was deleted and can be brought back, and until when.",
    "places.deleted:undelete": "Bring back a dataset, an experiment or a collection that was "
    "deleted: see `voxlake deleted`.",
    "places.deleted:purge": "Delete for good what was deleted, now, and tell that nothing of it is "
    "left on the store.",
    "lake.serve:serve": "Serve a lake and print a one-time login link, or where people sign in; "
    "Ctrl-C stops it.",
    "lake.login_link:login_link": "Make a new one-time login link of a gateway that you run.",
    "jobs.worker:worker": "Run queued jobs, those of all users in turn, for as long as it lives.",
    "lake.doctor:doctor": "Say what is wrong with an installation, and what to do about it.",
    "jobs.jobs:jobs": "Jobs: list them, look at one, resume or cancel it.",
}
"""Where in `voxlake.cli.commands` each command is, and its line in the list of all: the first of
its docstring, so that the list is shown without loading them."""


def command_line(words: Sequence[str]) -> App:
    """Return the command line for what was typed; loads no command until it is needed."""
    app = App(
        name="voxlake",
        help="A data lake for petascale volumetric images and their annotations.",
        help_epilogue=help_end(words),
        version=lambda: version("voxlake"),
        default_parameter=Parameter(negative=()),
        result_action="return_value",
        exit_on_error=False,
        print_error=False,
        suppress_keyboard_interrupt=False,
    )
    for number, (place, line) in enumerate(COMMANDS.items()):
        name = place.partition(":")[2].rstrip("_").replace("_", "-")
        # The page of a command itself is its whole docstring, which a line would replace.
        app.command(
            f"voxlake.cli.commands.{place}",
            name=name,
            help=None if name in words else line,
            sort_key=number,
        )
    app.register_install_completion_command()
    return app


def run(words: Sequence[str]) -> int:
    """Run the command and return its exit code; nothing leaves as a traceback unasked."""
    given = list(words)
    _forget_empty_settings()
    try:
        with loading():
            command, options, _ = command_line(given).parse_args(given)
        return int(command(*options.args, **options.kwargs) or 0)
    except SystemExit:
        raise
    except BaseException as error:  # noqa: BLE001  (the last resort: panics are no Exception)
        # Documents of problems take as long to load as all that is needed where nothing fails.
        from voxlake.cli.shown.problem import report

        return report(error, given)


def _forget_empty_settings() -> None:
    """Take a setting that is empty for one that is not given, as `Settings` does, for options."""
    for name in [name for name, value in os.environ.items() if not value]:
        if name.startswith("VOXLAKE_"):
            del os.environ[name]
