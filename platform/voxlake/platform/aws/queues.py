"""Queues of SQS, from which clients of boss-ingest take what they are to upload.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from itertools import batched
from typing import TYPE_CHECKING, Any

from voxlake.platform.aws.clients import client_of
from voxlake.platform.errors import (
    NotFoundError,
    StoreDeniedError,
    StoreError,
    StoreUnavailableError,
)
from voxlake.platform.store.failures import known_reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from voxlake.platform.settings import Settings

AT_ONCE = 10
"""Messages that SQS takes by one request."""
_ABSENT = {"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"}
_DENIED = {"AccessDenied", "InvalidClientTokenId", "SignatureDoesNotMatch", "InvalidAccessKeyId"}


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many messages a queue has, about."""

    visible: int = 0
    in_flight: int = 0
    """Those that clients have taken, and not yet deleted."""


@dataclass(frozen=True, slots=True)
class Queues:
    """The queues of an endpoint. All methods raise StoreError if it fails or does not answer."""

    endpoint: str | None
    """None: that of AWS."""
    region: str

    def make(self, name: str, *, kept_s: int, hidden_s: int) -> str:
        """Make a queue, if there is none of that name, and return its URL.

        Parameters
        ----------
        kept_s
            Seconds after which a message is forgotten.
        hidden_s
            Seconds after which a message that a client took, and did not delete, is given again.
        """
        asked = {"MessageRetentionPeriod": str(kept_s), "VisibilityTimeout": str(hidden_s)}
        with _failures(self, name):
            return str(self._client().create_queue(QueueName=name, Attributes=asked)["QueueUrl"])

    def url(self, name: str) -> str | None:
        """Return the URL of a queue; None if there is none of that name."""
        try:
            with _failures(self, name):
                return str(self._client().get_queue_url(QueueName=name)["QueueUrl"])
        except NotFoundError:
            return None

    def send(self, url: str, bodies: Iterable[str]) -> None:
        """Add messages; when this returns, all are on the queue."""
        for batch in batched(bodies, AT_ONCE):
            entries = [{"Id": str(i), "MessageBody": body} for i, body in enumerate(batch)]
            with _failures(self, url):
                said = self._client().send_message_batch(QueueUrl=url, Entries=entries)
            if failed := said.get("Failed"):
                raise StoreError(
                    f"queue {url} did not take {len(failed)} of {len(entries)} messages "
                    f"({failed[0].get('Message') or failed[0].get('Code')}); try again"
                )

    def waiting(self, url: str) -> Waiting:
        """Return how many messages a queue has; raise NotFoundError if it is gone."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        with _failures(self, url):
            said = self._client().get_queue_attributes(QueueUrl=url, AttributeNames=names)
        return Waiting(*(int(said["Attributes"][name]) for name in names))

    def delete(self, name: str) -> None:
        """Delete a queue; that it is not there is no error."""
        url = self.url(name)
        if url is None:
            return
        try:
            with _failures(self, url):
                self._client().delete_queue(QueueUrl=url)
        except NotFoundError:
            return

    def _client(self) -> Any:
        return client_of("sqs", self.endpoint, self.region)


def upload_queue(upload: str) -> str:
    """Return the name of the queue of what is to be uploaded."""
    return f"voxlake-upload-{upload}"


def index_queue(upload: str) -> str:
    """Return the name of the queue on which clients say what they have uploaded."""
    return f"voxlake-upload-{upload}-tiles"


def queues_of(settings: Settings) -> Queues:
    """Return the queues of the endpoint of the settings."""
    return Queues(settings.sqs_endpoint, settings.s3_region)


@contextmanager
def _failures(queues: Queues, name: str) -> Iterator[None]:
    # It takes as long to load as all else, and few servers have queues.
    from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]  # it ships no types

    try:
        yield
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in _ABSENT:
            raise NotFoundError(
                f"there is no queue {name} at {queues.endpoint or 'AWS'}"
            ) from error
        kind = StoreDeniedError if code in _DENIED else StoreUnavailableError
        raise kind(f"queue {name} of SQS cannot be used: {error}") from error
    except BotoCoreError as error:
        reason = known_reason(str(error)) or f"{error}; try again"
        raise StoreUnavailableError(f"SQS does not answer for queue {name}: {reason}") from error
