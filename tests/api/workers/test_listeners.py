"""Several sockets listen at one address, and take it from nobody."""

from __future__ import annotations

import socket
from contextlib import ExitStack

import pytest

from voxlake.api.workers.listeners import listen, listen_together
from voxlake.platform.errors import InvalidInputError

HOST = "127.0.0.1"


def test_all_listen_at_one_address_and_are_given_connections() -> None:
    with ExitStack() as stack:
        together = [stack.enter_context(each) for each in listen_together(HOST, 0, 3)]
        [address] = {each.getsockname() for each in together}
        for _ in range(60):
            stack.enter_context(socket.create_connection(address))
        for each in together:
            each.settimeout(60)
            stack.enter_context(each.accept()[0])


@pytest.mark.parametrize("count", [1, 2])
def test_the_address_of_another_gateway_is_refused(count: int) -> None:
    with ExitStack() as stack:
        together = [stack.enter_context(each) for each in listen_together(HOST, 0, 2)]
        port = together[0].getsockname()[1]
        with pytest.raises(InvalidInputError, match=rf"127\.0\.0\.1:{port}, where .*--port 0"):
            listen_together(HOST, port, count) if count > 1 else listen(HOST, port)
