"""Those who are told, on this computer: a webhook and a mail server that keep what they get."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any


class Hook:
    """A webhook: `got` has the documents that were posted; it answers with `status`."""

    def __init__(self, port: int) -> None:
        self.url = f"json://127.0.0.1:{port}/hook/s3cret-token"
        self.got: list[dict[str, Any]] = []
        self.status = 200
        # Called with each document before it is answered.
        self.on_post: Callable[[dict[str, Any]], None] = lambda document: None

    @property
    def texts(self) -> list[str]:
        return [one["message"] for one in self.got]


class Mailbox:
    """A mail server: `got` has the mails, `to` who each was for."""

    def __init__(self, port: int) -> None:
        self.url = f"mailto://127.0.0.1:{port}/?from=till@example.com&to=owner@example.com"
        self.got: list[EmailMessage] = []
        self.to: list[list[str]] = []


@contextmanager
def webhook() -> Iterator[Hook]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            document = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            hook.on_post(document)
            hook.got.append(document)
            self.send_response(hook.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        hook = Hook(server.server_port)
        with _serving(server):
            yield hook


@contextmanager
def mail_server() -> Iterator[Mailbox]:
    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self._say("220 ready")
            to: list[str] = []
            while line := self.rfile.readline().decode("ascii").strip():
                word = line[:4].upper()
                if word == "DATA":
                    self._say("354 go on")
                    mailbox.got.append(self._mail())
                    mailbox.to.append(to)
                    to = []
                elif word == "RCPT":
                    to.append(line.partition(":")[2].strip("<>"))
                elif word == "QUIT":
                    self._say("221 bye")
                    return
                self._say("250 fine")

        def _mail(self) -> EmailMessage:
            lines = []
            while (line := self.rfile.readline()) != b".\r\n":
                lines.append(line[1:] if line.startswith(b".") else line)
            mail = message_from_bytes(b"".join(lines), policy=policy.default)
            assert isinstance(mail, EmailMessage)
            return mail

        def _say(self, text: str) -> None:
            self.wfile.write(text.encode() + b"\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        mailbox = Mailbox(server.server_address[1])
        with _serving(server):
            yield mailbox


@contextmanager
def _serving(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
