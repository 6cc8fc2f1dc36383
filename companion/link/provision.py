"""Give a terminal its configuration, and get a terminal's port back from its firmware."""

from __future__ import annotations

import time
from typing import Any

from companion.link.conversation import Conversation, printable
from companion.link.pull import DEFAULT_TIMEOUT
from companion.link.transport import LinkError, Transport
from protocol import config, frame, messages
from protocol.companion_session import CompanionSession, Identity

# Storing a configuration may format the journal: 128 sectors of 45 ms typically, 400 ms at worst.
STORE_TIMEOUT = 60.0
# A reset of the chip, the mount of its file system, and the start up to the prompt.
REPL_TIMEOUT = 10.0
_PROMPT = b">>> "
_SEEN = 256


def provision(transport: Transport, config_bytes: bytes, timeout: float = DEFAULT_TIMEOUT) -> str:
    """Store a configuration (protocol/config.py's encoding) on a terminal that has none.

    Returns the device id. A terminal that already has this very configuration is no error, so
    that a lost last answer can be made good by asking again. Raises LinkError; ConfigError or
    CborError when the bytes are no configuration.
    """
    fields = config.decode(config_bytes)
    device_id = str(fields["device_id"])
    conversation = Conversation(transport, timeout)

    def act(session: CompanionSession, effect: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        identity: Identity = effect[1]
        if not identity.device_id:
            conversation.timeout = max(timeout, STORE_TIMEOUT)
            return session.provision(config_bytes)
        if identity.device_id != device_id:
            raise LinkError(
                f"this terminal is {printable(identity.device_id)} already",
                messages.ALREADY_PROVISIONED,
            )
        return session.authenticate(fields["sync_key"], -1)

    last = conversation.run(act, lambda: 0)
    if last[0] == "provisioned" and last[1] != device_id:
        raise LinkError(
            f"the terminal calls itself {printable(last[1])}, not {device_id}", messages.BAD_CONFIG
        )
    return device_id


def escape(transport: Transport, timeout: float = DEFAULT_TIMEOUT) -> None:
    """Make the terminal leave its main loop, so that mpremote finds the REPL on the port."""
    decoder = frame.Decoder(frame.MAX_TO_COMPANION)
    transport.discard_input()
    transport.write(frame.encode(messages.build(messages.ESCAPE)))
    deadline = time.monotonic() + timeout
    while (left := deadline - time.monotonic()) > 0:
        for payload in decoder.feed(transport.read(left)):
            answer = _answer(payload)
            if answer[0] == messages.ESCAPING:
                return
            if answer[0] == messages.ERROR:
                raise LinkError(f"{transport.name}: {printable(answer[2])}", str(answer[1]))
    raise LinkError(f"{transport.name}: no terminal answered within {timeout:g} s", "LOST")


def await_repl(transport: Transport, timeout: float = REPL_TIMEOUT) -> bool:
    """Whether the REPL's prompt has come. A board whose watchdog runs gets there by a reset, and
    what is sent to it before is lost."""
    seen = b""
    deadline = time.monotonic() + timeout
    while (left := deadline - time.monotonic()) > 0:
        seen = (seen + transport.read(left))[-_SEEN:]
        if _PROMPT in seen:
            return True
    return False


def _answer(payload: bytes) -> list[Any]:
    try:
        return messages.parse(payload, messages.TO_COMPANION)
    except messages.MessageError:
        return [0]
