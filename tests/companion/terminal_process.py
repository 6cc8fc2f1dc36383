"""A sync server with an in-memory journal, in a process of its own, on either interpreter.

    TERMINAL='{"port": 4000, "records": 100}' micropython tests/companion/terminal_process.py

(Not an argument: MicroPython's cannot be longer than 255 bytes.) With "port" it serves TCP there,
with "identity" too TLS (MicroPython only), and without both its stdin and stdout, a pty. What
happens goes to stderr, a line each. Only the journal is replaced: records are made from their
number.
"""

import asyncio
import json
import os
import sys

from protocol import config
from terminal.sync import SyncServer
from tests.companion.plain import listen

MICROPYTHON = sys.implementation.name == "micropython"


def say(*words):
    print(*words, file=sys.stderr)


class MemoryLedger:
    """Records first..next-1; counts what is read between two turns of the event loop."""

    def __init__(self, options):
        self.first_seq = options.get("first", 1)
        self.next_seq = self.first_seq + options.get("records", 0)
        self.released = self.first_seq
        self._damaged = options.get("damaged", [])
        self._fault_at = options.get("fault_at", 0)
        self._die_at = options.get("die_at", 0)
        self.burst = 0
        self.longest_burst = 0

    def read(self, seq):
        if seq == self._fault_at:
            raise OSError("flash read failed")
        if seq == self._die_at:
            sys.exit(9)
        self.burst += 1
        self.longest_burst = max(self.longest_burst, self.burst)
        return None if seq in self._damaged else payload(seq)

    def release(self, seq):
        self.released = seq
        say("released", seq, "burst", self.longest_burst)


def payload(seq):
    """As test_link.payload."""
    return bytes([seq & 0xFF, (seq >> 8) & 0xFF]) * (10 + seq % 48)


async def other_work(ledger):
    """Stands for selling: it must get its turns during a sync."""
    while True:
        ledger.burst = 0
        await asyncio.sleep(0)


async def serial_streams():
    if MICROPYTHON:
        from terminal.console import Console

        console = Console(sys.stdin.buffer, sys.stdout.buffer)
        return console, console
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    transport, protocol = await loop.connect_write_pipe(
        asyncio.streams.FlowControlMixin, sys.stdout
    )
    return reader, asyncio.StreamWriter(transport, protocol, reader, loop)


async def main(options):
    sync_config = bytes.fromhex(options["config"]) if options.get("config") else None
    settings = config.decode(sync_config) if sync_config else None
    ledger = MemoryLedger(options)

    def provision(data):
        server.ledger = ledger
        say("provisioned", data.hex())
        return not options.get("refuse")

    server = SyncServer(
        settings,
        ledger if settings else None,
        provision,
        lambda: say("escape"),
        "0.1.0",
        lambda: os.urandom(16),
    )
    server.silence_s = options.get("silence_s", 10)
    server.on_refused = lambda where, why: say("refused", where, why)
    worker = asyncio.create_task(other_work(ledger))
    if options.get("identity"):
        from terminal.tlsport import TlsPort

        await TlsPort(server.serve_stream, server.on_refused).open(
            options["port"], bytes.fromhex(options["identity"])
        )
        say("ready")
        await worker
    if options.get("port"):
        await listen(server, options["port"])
        say("ready")
        await worker
    reader, writer = await serial_streams()
    say("ready")
    await server.serve_stream(reader, writer, True)


asyncio.run(main(json.loads(os.getenv("TERMINAL"))))
