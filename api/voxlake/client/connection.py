"""A connection to a gateway: what is asked and answered, and failures in between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx2
import pyarrow as pa

from voxlake.client.failures import error_of, gateway_failures
from voxlake.platform.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voxlake.documents.document import Document

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 120.0
"""How long the gateway may stay silent: it sends the first byte when all voxels are read."""
ARROW = "application/vnd.apache.arrow.stream"


class Connection:
    """A gateway, and who asks it.

    Parameters
    ----------
    url
        Where the gateway is.
    token
        Bearer token; None to ask anonymously.
    """

    def __init__(self, url: str, token: str | None = None) -> None:
        self.url = url.rstrip("/")
        self.token = token
        self._http = httpx2.Client(
            headers={} if token is None else {"Authorization": f"Bearer {token}"},
            timeout=httpx2.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def ask[T: Document](
        self, answer: type[T], path: str, query: Mapping[str, str] | None = None
    ) -> T:
        """Return the document at `path`.

        Raises
        ------
        VoxlakeError
            What the server raised; StoreError if its answer is not understood.
        """
        with gateway_failures(self.url):
            return answer.model_validate_json(self.get(path, query).content)

    def change[T: Document](self, answer: type[T], method: str, path: str, body: Any) -> T:
        """Send a document, and return the one that is answered. Raises as `ask`."""
        with gateway_failures(self.url):
            return answer.model_validate_json(self.send(method, path, json=body).content)

    def table(self, path: str, query: Mapping[str, str], body: Any = None) -> pa.Table:
        """Return the Arrow table at `path`: by GET, or by POST of a `body`. Raises as `ask`."""
        method, sent = ("GET", {}) if body is None else ("POST", {"json": body})
        response = self.send(method, path, params={**query, "format": "arrow"}, **sent)
        return table_of(response, self.url)

    def get(self, path: str, query: Mapping[str, str] | None = None) -> httpx2.Response:
        """Return what is at `path`. Raises as `ask`."""
        return self.send("GET", path, params=query)

    def send(self, method: str, path: str, **options: Any) -> httpx2.Response:
        """Return the answer to a request; `options` are those of httpx. Raises as `ask`."""
        with gateway_failures(self.url):
            response = self._http.request(method, f"{self.url}{path}", **options)
        if not response.is_success:
            raise error_of(response)
        return response


def table_of(response: httpx2.Response, url: str) -> pa.Table:
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
        raise StoreError(f"the table that {url} sent is no Arrow stream ({error})") from error
