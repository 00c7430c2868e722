"""A second S3 server of other makers: moto, in this process, which keeps objects in memory."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

import botocore.session  # type: ignore[import-untyped]  # it ships no types
from moto.server import ThreadedMotoServer
from tests.servers.s3 import ACCESS_KEY, BUCKET, SECRET_KEY, S3Server

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def run_moto() -> Iterator[S3Server]:
    """Run it with one bucket until the end of the block."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # It tells of every request.
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        endpoint = f"http://{host}:{port}"
        keys = {"aws_access_key_id": ACCESS_KEY, "aws_secret_access_key": SECRET_KEY}
        make = botocore.session.get_session().create_client
        make("s3", "us-east-1", endpoint_url=endpoint, **keys).create_bucket(Bucket=BUCKET)
        yield S3Server(endpoint, BUCKET)
    finally:
        server.stop()
