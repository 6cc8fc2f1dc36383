"""The authorisation desk: decide one request and book the decision, durably, before it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from companion.acquirer import faults, keys, rules, wire
from companion.acquirer.clock import HostClock
from companion.acquirer.faults import Fault
from companion.acquirer.ledger import Ledger
from companion.acquirer.posting import Posting
from companion.acquirer.records import Card, LogMessage, Session
from companion.acquirer.rules import Decision, Known, Moment
from companion.acquirer.terminals import Terminal
from companion.acquirer.wire import Message

_MAC_PLACEHOLDER = "00" * 8


@dataclass(frozen=True)
class Answer:
    """An encoded answer, whose request and effects are durable in the ledger."""

    data: bytes
    mti: str
    f39: str
    rrn: str
    batch: str
    """Of a sign-in, the batch it assigned."""


class Desk:
    """Host logic on one ledger. One request at a time: callers share the event loop's thread."""

    def __init__(
        self, ledger: Ledger, terminals: Mapping[str, Terminal], clock: HostClock
    ) -> None:
        self._ledger = ledger
        self._terminals = terminals
        self._clock = clock

    def handle(self, request: Message, fault: Fault | None) -> Answer:
        """Decide and book. When this returns, everything is committed; LedgerError means that
        nothing was booked and nothing may be answered."""
        card = self._ledger.card(request.pan) if request.pan else None
        with self._ledger.begin() as posting:
            now = self._clock.now(posting.sales_since)
            moment = Moment(now, posting.next_serial(), keys.fresh_keys())
            known = self._known(posting, request, card)
            decision = rules.decide(request, known, moment, fault)
            logs = _logs(request, decision, card, fault)
            for change in (logs[0], *decision.writes, logs[1]):
                posting.write(change, now)
        return _encoded(request, decision, fault)

    def refuse_malformed(self, partial: Message) -> Answer:
        """The answer to a message that is broken beyond its identity; nothing is booked."""
        return _encoded(partial, rules.refuse_malformed(partial), None)

    def _known(self, posting: Posting, request: Message, card: Card | None) -> Known:
        terminal = self._terminals.get(request.terminal_no)
        session = posting.session(request.terminal_no)
        identity = rules.identity(request)
        return Known(
            terminal=terminal,
            session=session,
            session_keys=_session_keys(terminal, session),
            card=card,
            original=posting.transaction(identity),
            reversal=posting.reversal(identity),
        )


def _session_keys(terminal: Terminal | None, session: Session | None) -> keys.SessionKeys | None:
    if terminal is None or session is None:
        return None
    try:
        return keys.unwrap(terminal.tmk, session.key_block)
    except keys.KeyBlockError:
        return None  # its master key was changed since it signed in: it has to sign in again


def _logs(
    request: Message, decision: Decision, card: Card | None, fault: Fault | None
) -> tuple[LogMessage, LogMessage]:
    identity = rules.identity(request)
    amount, masked = request.amount_minor, card.masked if card else ""
    return (
        LogMessage(identity, request.mti, amount, masked, request.get(39), ""),
        LogMessage(
            identity, decision.mti, amount, masked, decision.f39, fault.do if fault else ""
        ),
    )


def _encoded(request: Message, decision: Decision, fault: Fault | None) -> Answer:
    fields = dict(decision.fields)
    prefix = wire.answer_prefix(request.prefix, decision.requirement)
    if decision.mac_key is not None:
        fields[64] = _MAC_PLACEHOLDER
    data = wire.encode(decision.mti, fields, prefix)
    if decision.mac_key is not None:
        mac = keys.cup_ecb(decision.mac_key, wire.mac_data(data))
        if fault is not None and fault.do == faults.BAD_MAC:
            mac = bytes(byte ^ 1 for byte in mac)
        data = wire.set_mac(data, mac)
    return Answer(data, decision.mti, decision.f39, fields.get(37, ""), fields.get(60, "")[2:8])
