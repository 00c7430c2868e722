"""A connection to a gateway: what is asked and answered, and failures in between."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import httpx2
import pyarrow as pa

from voxlake.client.http.failures import error_of, gateway_failures
from voxlake.client.http.loopback import LoopbackTransport
from voxlake.platform.authorities import trusted
from voxlake.platform.errors import StoreError
from voxlake.platform.loopback import is_loopback
from voxlake.platform.secrets.credentials import refuse_credentials

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxlake.documents.document import Document
    from voxlake.platform.errors import VoxlakeError

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 120.0
"""How long the gateway may stay silent: it sends the first byte when all voxels are read."""


class Connection:
    """A gateway, and who asks it.

    Parameters
    ----------
    url
        Where the gateway is.
    token
        Bearer token; None to ask anonymously.

    Raises
    ------
    InvalidInputError
        If the URL holds a password or another secret.
    """

    scheme = "Bearer"
    """How the token is sent."""

    def __init__(self, url: str, token: str | None = None) -> None:
        refuse_credentials(url)
        self.url = url.rstrip("/")
        self.token = token
        self._http = self._opened()
        _OPEN.add(self)

    def _opened(self) -> httpx2.Client:
        is_plain = is_on_this_machine(self.url) and self.url.startswith("http:")
        sent = {} if self.token is None else {"Authorization": f"{self.scheme} {self.token}"}
        return httpx2.Client(
            headers=sent,
            timeout=httpx2.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
            verify=False if self.url.startswith("http:") else trusted(),
            # A proxy of the environment would see the token of what is on this machine.
            trust_env=not is_on_this_machine(self.url),
            transport=LoopbackTransport() if is_plain else None,
        )

    def renew(self) -> None:
        """Ask by sockets of this process' own, in a process that was forked.

        Two that ask by one socket are given one another's answers.
        """
        self._http = self._opened()

    def failure(self, response: httpx2.Response) -> VoxlakeError:
        """Return the error that an answer which is a failure stands for."""
        return error_of(response)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def ask[T: Document](
        self, answer: type[T], path: str, method: str = "GET", **options: Any
    ) -> T:
        """Return the document that is answered; as `send`."""
        with gateway_failures(self.url):
            return answer.model_validate_json(self.send(path, method, **options).content)

    @contextmanager
    def stream(self, path: str, headers: dict[str, str]) -> Iterator[Lines]:
        """Yield the lines of an answer as they come, within a ``with`` block; errors as `send`."""
        with (
            gateway_failures(self.url),
            self._http.stream("GET", f"{self.url}{path}", headers=headers) as response,
        ):
            if not response.is_success:
                response.read()
                raise self.failure(response)
            yield Lines(response)

    def send(self, path: str, method: str = "GET", **options: Any) -> httpx2.Response:
        """Return the answer to a request; `options` are those of httpx: `params`, `json`.

        Raises
        ------
        VoxlakeError
            What the server raised; StoreError if its answer is not understood.
        """
        with gateway_failures(self.url):
            response = self._http.request(method, f"{self.url}{path}", **options)
        if not response.is_success:
            raise self.failure(response)
        return response

    @contextmanager
    def receive(self, path: str, params: dict[str, str]) -> Iterator[httpx2.Response]:
        """Yield the answer to a GET, whose body is to be read within; errors as of `send`."""
        with gateway_failures(self.url):
            answer = self._http.stream("GET", f"{self.url}{path}", params=params)
            with answer as response:
                if not response.is_success:
                    response.read()
                    raise self.failure(response)
                yield response


_OPEN = WeakSet[Connection]()


def _renew_all() -> None:
    for each in _OPEN:
        each.renew()


os.register_at_fork(after_in_child=_renew_all)


class Lines:
    """The lines of an answer, as they come."""

    def __init__(self, response: httpx2.Response) -> None:
        self.status = response.status_code
        self._response = response

    def __iter__(self) -> Iterator[str]:
        return self._response.iter_lines()


def is_on_this_machine(url: str) -> bool:
    """Return whether a URL is of this machine alone.

    Examples
    --------
    >>> is_on_this_machine("http://127.0.0.1:8080"), is_on_this_machine("http://lab:8080")
    (True, False)
    >>> is_on_this_machine("http://[::1]/")
    True
    """
    try:
        return is_loopback(httpx2.URL(url).host)
    except httpx2.InvalidURL:
        return False


def table_of(response: httpx2.Response) -> pa.Table:
    """Return the table of an answer.

    Raises
    ------
    StoreError
        If it is none.
    """
    try:
        with pa.ipc.open_stream(response.content) as reader:
            return reader.read_all()
    except pa.ArrowException as error:
        url = response.url.copy_with(query=None)
        raise StoreError(f"the table that {url} sent is no Arrow stream ({error})") from error
