"""The authorisation desk: decide one request and book the decision, durably, before it answers."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from companion.acquirer import faults, keys, kinds, rules, wire
from companion.acquirer.answers import (
    SIGN_IN_AGAIN,
    Decision,
    Known,
    Moment,
    Policy,
    identity,
    refuse_malformed,
)
from companion.acquirer.clock import Clock
from companion.acquirer.dialects import Dialect, UnionPay
from companion.acquirer.faults import Fault
from companion.acquirer.kinds import Kind
from companion.acquirer.ledger import Ledger
from companion.acquirer.posting import Posting
from companion.acquirer.records import (
    APPROVED,
    Card,
    Identity,
    LogMessage,
    Session,
    Transaction,
    Write,
)
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
        self,
        ledger: Ledger,
        terminals: Mapping[str, Terminal],
        clock: Clock,
        policy: Policy | None = None,
        random: Callable[[int], bytes] = secrets.token_bytes,
        note: Callable[[Write], None] | None = None,
        dialect: Dialect | None = None,
    ) -> None:
        """``random`` makes session keys; ``note`` is told every write once it is durable."""
        self._ledger = ledger
        self._terminals = terminals
        self._clock = clock
        self._policy = policy or Policy()
        self.dialect = dialect or UnionPay()
        self._random = random
        self._note = note

    def handle(self, request: Message, fault: Fault | None) -> Answer:
        """Decide and book. When this returns, everything is committed; LedgerError means that
        nothing was booked and nothing may be answered."""
        card = self._ledger.card(request.pan) if request.pan else None
        with self._ledger.begin() as posting:
            now = self._clock.now(posting.booked_since)
            fresh = keys.fresh_keys(self._random, self._policy.scheme)
            moment = Moment(now, posting.next_serial(), fresh, self._policy)
            known = self._known(posting, request, card, fault)
            decision = rules.decide(request, known, moment, fault)
            asked, answered = _logs(request, decision, card, fault)
            for change in (asked, *decision.writes, answered):
                posting.write(change, now)
        if self._note is not None:
            for change in decision.writes:
                self._note(change)
        return self._encoded(request, decision, fault)

    def refuse_malformed(self, partial: Message) -> Answer:
        """The answer to a message that is broken beyond its identity; nothing is booked."""
        return self._encoded(partial, refuse_malformed(partial), None)

    def _known(
        self, posting: Posting, request: Message, card: Card | None, fault: Fault | None
    ) -> Known:
        terminal = self._terminals.get(request.terminal_no)
        session = posting.session(request.terminal_no)
        # A sign-in asks what has become of the terminal's batch; all others name one.
        number = session.batch if request.mti == "0800" and session else request.batch
        known = Known(
            terminal=terminal,
            session=session,
            session_keys=self._session_keys(terminal, session),
            card=card,
            batch=posting.batch(request.terminal_no, number),
        )
        if request.mti == "0500":
            return replace(known, sums=posting.sums(request.terminal_no, request.batch))
        if request.mti == "0320":
            count = posting.detail_count(request.terminal_no, request.batch)
            return replace(known, details=count)
        kind = kinds.of(request)
        if kind is None or card is None:
            return known
        loose = fault is not None and fault.do == faults.LOOSE_LOOKUP
        if kind.name == kinds.BALANCE:
            return replace(known, exposure=posting.exposure(card.token))
        if request.mti in kinds.REVERSAL_MTIS:
            return _known_reversal(posting, request, kind, known, loose)
        found = _find_original(posting, request, kind, card, loose) if kind.originals else None
        return replace(
            known,
            booked=posting.transaction(identity(request)),
            reversal=posting.reversal(identity(request)),
            original=posting.original(found) if found else None,
        )

    def _session_keys(
        self, terminal: Terminal | None, session: Session | None
    ) -> keys.SessionKeys | None:
        if terminal is None or session is None:
            return None
        try:
            return keys.unwrap(terminal.tmk, session.key_block, self._policy.scheme)
        except keys.KeyBlockError:
            return None  # master key or scheme changed since it signed in: it has to sign in again

    def _encoded(self, request: Message, decision: Decision, fault: Fault | None) -> Answer:
        do = fault.do if fault is not None else ""
        fields = dict(decision.fields)
        if do == faults.NO_F39:
            del fields[39]
        if decision.keys is not None:
            fields[64] = _MAC_PLACEHOLDER
        requirement = SIGN_IN_AGAIN if do == faults.SIGN_IN_AGAIN else decision.requirement
        data = self.dialect.encode(request, decision.mti, fields, requirement)
        if decision.keys is not None:
            mac = decision.keys.seal(self.dialect.mac_data(data))
            if do == faults.BAD_MAC:
                mac = bytes(byte ^ 1 for byte in mac)
            data = wire.set_mac(data, mac)
        return Answer(
            data, decision.mti, decision.f39, fields.get(37, ""), fields.get(60, "")[2:8]
        )


def _known_reversal(
    posting: Posting, request: Message, kind: Kind, known: Known, loose: bool
) -> Known:
    meant: Identity = identity(request, kind)
    if loose:
        booked = posting.by_stan(request.terminal_no, None, request.stan, ())
    else:
        booked = posting.transaction(meant)
    if booked is not None and booked.type != kind.name and not loose:
        booked = None  # the same MTI, batch and STAN, but not what the reversal says it undoes
    return replace(
        known,
        booked=booked,
        reversal=posting.reversal(booked.identity if booked else meant),
        original=posting.original(booked) if booked else None,
    )


def _find_original(
    posting: Posting, request: Message, kind: Kind, card: Card, loose: bool
) -> Transaction | None:
    """By RRN, by authorisation code and date, or by batch and STAN; always of the same card."""
    batch, stan, month_day = request.get(61)[:6], request.get(61)[6:12], request.get(61)[12:16]
    merchant = request.merchant_no
    if kind.name == kinds.REFUND:
        found = posting.by_rrn(merchant, request.get(37), kind.originals)
        if found and month_day != found.business_date[5:].replace("-", "") and not loose:
            found = None
    elif kinds.PREAUTH in kind.originals:
        auth = request.get(38)
        found = posting.by_auth(merchant, auth, month_day, card.token, kind.originals)
    else:
        place = None if loose else batch
        found = posting.by_stan(request.terminal_no, place, stan, kind.originals)
        if found and request.get(37) not in ("", found.rrn) and not loose:
            found = None
    if found is None or found.card_token != card.token or found.status != APPROVED:
        return None
    return found


def _logs(
    request: Message, decision: Decision, card: Card | None, fault: Fault | None
) -> tuple[LogMessage, LogMessage]:
    who = identity(request)
    amount, masked = request.amount_minor, card.masked if card else ""
    done = fault.do if fault else ""
    return (
        LogMessage(who, request.mti, amount, masked, request.get(39), ""),
        LogMessage(who, decision.mti, amount, masked, decision.f39, done),
    )
