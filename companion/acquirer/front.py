"""The host's front, without sockets or sleeps: a message in, what is due and when out.

Faults on the way in and on the way back are carried out here, so that the TCP server and a
simulation in virtual time get the same ones. ``line`` is whatever the caller knows a connection
by. A request that the desk has not seen yet (delayed) comes out as ``Arrival`` and goes back in by
``arrive`` when its time has come; everything else that comes out is for the line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from companion.acquirer import faults, rules, wire
from companion.acquirer.desk import Answer, Desk
from companion.acquirer.events import Listener, about
from companion.acquirer.faults import Fault, FaultScript
from companion.acquirer.ledger import LedgerError
from companion.acquirer.wire import Message, MessageError

Line = Any


@dataclass(frozen=True)
class Arrival:
    """A request that reaches the host ``delay_ms`` from now: give it to ``arrive`` then."""

    delay_ms: int
    line: Line
    request: Message


@dataclass(frozen=True)
class Sending:
    """Bytes for the line ``delay_ms`` from now, each answer with its length in front; with
    ``close`` the connection ends after them, with ``reset`` it is reset."""

    delay_ms: int
    line: Line
    data: bytes = b""
    close: bool = False
    reset: bool = False
    request: Message | None = None
    answer: Answer | None = None


Due = Arrival | Sending


class Front:
    """One host's front. Not for several threads."""

    def __init__(self, desk: Desk, script: FaultScript, tell: Listener) -> None:
        self._desk = desk
        self._dialect = desk.dialect
        self._script = script
        self._tell = tell
        self._held_requests: list[tuple[Message, Line]] = []
        self._held_answers: list[Sending] = []

    def receive(self, data: bytes, line: Line = None, fault: Fault | None = None) -> list[Due]:
        """One message without its length. ``fault`` strikes instead of the script's."""
        try:
            request = self._dialect.decode(data)
            if not rules.is_request(request.mti):
                raise MessageError(f"MTI {request.mti} is not a request")
        except MessageError as error:
            return self._malformed(error, line)
        fault = fault or self._script.take(request)
        self._tell(about("request", request))
        do = fault.do if fault is not None else ""
        if fault is None or do not in _ON_REQUEST:
            return self._released(self._process(request, fault, line))
        self._strike(request, fault)
        if do == faults.DELAY_REQUEST:
            return [Arrival(fault.ms, line, request)]
        if do == faults.REORDER_REQUEST:
            self._held_requests.append((request, line))
        elif do == faults.DUPLICATE_REQUEST:
            twice = self._process(request, None, line) + self._process(request, None, line)
            return self._released(twice)
        elif do == faults.TRUNCATE_REQUEST:
            try:
                self._dialect.decode(data[: fault.bytes])
            except MessageError as error:
                return self._malformed(error, line)
            return self._released(self._process(request, None, line))  # longer than it is
        elif do == faults.RESET_REQUEST and fault.bytes >= len(wire.frame(data)):
            for sending in self._process(request, None, line):
                self.lost(sending)  # the whole request was there; its answer has nowhere to go
        else:
            self._tell(about("dropped", request, what="request"))
        return [Sending(0, line, reset=True)] if do == faults.RESET_REQUEST else []

    def arrive(self, arrival: Arrival) -> list[Due]:
        """What a delayed request leads to, now that it is there."""
        return self._released(self._process(arrival.request, None, arrival.line))

    def sent(self, sending: Sending) -> None:
        """Tell that the bytes have gone."""
        request, answer = sending.request, sending.answer
        if request is not None and answer is not None:
            event = about("answer", request, f39=answer.f39, rrn=answer.rrn)
            self._tell(event | {"mti": answer.mti, "batch": answer.batch})

    def lost(self, sending: Sending) -> None:
        """Tell that the connection had ended before the bytes could go."""
        request, answer = sending.request, sending.answer
        if request is not None and answer is not None:
            gone = "the connection was gone"
            self._tell(about("dropped", request, what="answer", f39=answer.f39, error=gone))

    def _malformed(self, error: MessageError, line: Line) -> list[Due]:
        self._tell({"event": "rejected", "error": str(error)})
        if error.partial is None or not rules.is_request(error.partial.mti):
            return [Sending(0, line, close=True)]
        answer = self._desk.refuse_malformed(error.partial)
        return [_sending(error.partial, answer, line)]

    def _process(self, request: Message, fault: Fault | None, line: Line) -> list[Sending]:
        try:
            answer = self._desk.handle(request, fault)
        except LedgerError as error:
            # Nothing is booked, so nothing may be said: to the terminal the outcome is unknown.
            self._tell(about("ledger_failed", request, error=str(error)))
            return [Sending(0, line, close=True)]
        if fault is None:
            return [_sending(request, answer, line)]
        self._strike(request, fault, f39=answer.f39)
        if fault.do == faults.DROP_ANSWER:
            self._tell(about("dropped", request, what="answer", f39=answer.f39))
            return []
        if fault.do == faults.HOLD_ANSWER:
            return []
        sending = _sending(request, answer, line, fault)
        if fault.do == faults.REORDER_ANSWER:
            self._held_answers.append(sending)
            return []
        return [sending, sending] if fault.do == faults.DUPLICATE_ANSWER else [sending]

    def _released(self, decided: list[Sending]) -> list[Due]:
        """What was just decided, then what was held to come after it."""
        due: list[Due] = [*decided]
        requests, self._held_requests = self._held_requests, []
        for request, line in requests:
            due += self._process(request, None, line)
        if any(isinstance(item, Sending) for item in due):
            due += self._held_answers
            self._held_answers = []
        return due

    def _strike(self, request: Message, fault: Fault, **more: str) -> None:
        self._tell(about("fault", request, do=fault.do, line=fault.line, **more))


_ON_REQUEST = (
    faults.DROP_REQUEST,
    faults.DELAY_REQUEST,
    faults.DUPLICATE_REQUEST,
    faults.REORDER_REQUEST,
    faults.TRUNCATE_REQUEST,
    faults.RESET_REQUEST,
)
_ON_ANSWER = (faults.DELAY_ANSWER, faults.TRUNCATE_ANSWER, faults.RESET_ANSWER)


def _sending(request: Message, answer: Answer, line: Line, fault: Fault | None = None) -> Sending:
    whole, do = wire.frame(answer.data), fault.do if fault is not None else ""
    if fault is None or do not in _ON_ANSWER:
        return Sending(0, line, whole, request=request, answer=answer)
    if do == faults.TRUNCATE_ANSWER:
        whole = wire.frame(answer.data[: fault.bytes])
    reset = do == faults.RESET_ANSWER
    data = whole[: fault.bytes] if reset else whole
    return Sending(fault.ms, line, data, reset, reset, request, answer)
