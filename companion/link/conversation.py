"""Runs one CompanionSession after another over a transport."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable
from typing import Any

from companion.link.transport import LinkError, Transport
from protocol import frame, messages
from protocol.companion_session import LOST, CompanionSession

# A session that is lost begins again, so long as sessions make progress. Fewer tries when no
# terminal was ever heard: then somebody waits for the word that the cable is out.
MAX_FRUITLESS = 5
MAX_UNHEARD = 2

Effect = tuple[Any, ...]
Act = Callable[[CompanionSession, Effect], list[Effect]]


def printable(text: str) -> str:
    """Text from a terminal, without what could act on a screen."""
    return "".join(char if char.isprintable() else "?" for char in text)


class Conversation:
    """``timeout``: seconds that the terminal may take for one answer."""

    def __init__(self, transport: Transport, timeout: float) -> None:
        self.transport = transport
        self.timeout = timeout
        self.heard = False
        self._version = messages.VERSION
        self._raised = False

    def run(self, act: Act, progress: Callable[[], int]) -> Effect:
        """Run sessions until one ends well; returns its last effect.

        ``act`` answers the session's effects other than "send". ``progress`` is a number that
        grows when a session achieved something. Raises LinkError when a session was refused or
        several in a row were lost without progress.
        """
        fruitless = 0
        while True:
            before = progress()
            self.transport.discard_input()
            try:
                last = self._session(act)
            except BaseException:
                # A full disk, an unknown terminal, Ctrl-C: the terminal must not wait for us.
                with contextlib.suppress(LinkError):
                    self.transport.write(frame.encode(messages.build(messages.BYE)))
                raise
            finally:
                self._end_rate()
            if last[0] != "failed":
                return last
            code, text = str(last[1]), printable(str(last[2]))
            if code == messages.BAD_VERSION and self._version > messages.OLDEST_VERSION:
                self._version -= 1
                self.transport.reopen()
                continue
            fruitless = 0 if progress() > before else fruitless + 1
            limit = MAX_FRUITLESS if self.heard else MAX_UNHEARD
            if code != LOST or fruitless >= limit:
                raise LinkError(f"{self.transport.name}: {text}", code)

    def _session(self, act: Act) -> Effect:
        session = CompanionSession(secrets.token_bytes(messages.NONCE_LENGTH), self._version)
        decoder = frame.Decoder(frame.MAX_TO_COMPANION)
        waiting: list[bytes] = []
        effects: list[Effect] = session.start()
        while True:
            last = self._carry_out(session, effects, act)
            if last is not None:
                return last
            deadline = time.monotonic() + self.timeout
            while not waiting:
                left = deadline - time.monotonic()
                # At least one look: this process may have stood still while the answer came.
                waiting.extend(decoder.feed(self.transport.read(max(0.0, left))))
                if left <= 0 and not waiting:
                    return ("failed", LOST, self._silence())
            self.heard = True
            effects = session.receive(waiting.pop(0))

    def _carry_out(
        self, session: CompanionSession, effects: list[Effect], act: Act
    ) -> Effect | None:
        last = None
        flight = b""
        while effects:
            effect = effects.pop(0)
            if effect[0] == "send":
                # What belongs to one flight leaves in one write, so in one packet.
                flight += frame.encode(effect[1])
                continue
            self._write(flight)
            flight = b""
            if effect[0] == "baud":
                self._raised = True
                self.transport.set_baud(effect[1])
            elif effect[0] in ("done", "failed", "provisioned"):
                last = effect
            else:
                effects[:0] = act(session, effect)
        self._write(flight)
        return last

    def _write(self, flight: bytes) -> None:
        if flight:
            self.transport.write(flight)

    def _end_rate(self) -> None:
        """Every session begins at the port's base rate, as the terminal's end does."""
        if self._raised:
            self._raised = False
            self.transport.set_baud(messages.BASE_BAUD)

    def _silence(self) -> str:
        if self.heard:
            return f"the terminal stopped answering for {self.timeout:g} s"
        return (
            f"no terminal answered within {self.timeout:g} s"
            " (is it on, and does it run the terminal firmware?)"
        )
