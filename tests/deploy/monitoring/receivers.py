"""Who is told of alerts: a webhook and a mailbox that keep what comes."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from aiosmtpd.controller import Controller
from tests.servers.processes import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator, Set
    from email.message import EmailMessage

    from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class Receivers:
    """What was told, oldest first."""

    web_port: int = 0
    mail_port: int = 0
    posted: list[dict[str, Any]] = field(default_factory=list)
    mailed: list[EmailMessage] = field(default_factory=list)

    def alerts(self, status: str) -> dict[str, dict[str, Any]]:
        """Return the last alert of each name that came as `firing`, or as `resolved`."""
        return {
            alert["labels"]["alertname"]: alert
            for message in list(self.posted)
            for alert in message["alerts"]
            if alert["status"] == status
        }

    def unheard(self, names: Set[str]) -> set[str]:
        """Return the names of alerts that one of both has not heard of."""
        posted, mailed = self.alerts("firing"), "\n".join(self.texts())
        return {name for name in names if name not in posted or f"{name}: " not in mailed}

    def texts(self) -> list[str]:
        """Return what the mails say."""
        return [text_of(mail) for mail in list(self.mailed)]

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  (its name)
        """Take a mail."""
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        self.mailed.append(mail)
        return "250 OK"


def text_of(mail: EmailMessage) -> str:
    """Return what a mail says."""
    body = mail.get_body()
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


@contextmanager
def receiving() -> Iterator[Receivers]:
    """Run both until the end of the block."""
    receivers = Receivers(mail_port=free_ports(1)[0])
    mailbox = Controller(receivers, "127.0.0.1", receivers.mail_port)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receivers.posted.append(json.loads(body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (as in the base)
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receivers.web_port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    mailbox.start()
    thread.start()
    try:
        yield receivers
    finally:
        mailbox.stop()
        server.shutdown()
        server.server_close()
        thread.join()
