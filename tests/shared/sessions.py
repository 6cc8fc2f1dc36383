"""Both ends of a sync session with their streams, as the sync server and the link drive them."""

import sys

from protocol import config, frame, messages, packed, session
from protocol.companion_session import CompanionSession
from protocol.messages import VERSION
from protocol.session import TerminalSession
from tests.shared.expect import Random

KEY = bytes(range(32))
DEVICE = "PZ000001"


def payload_of(seq):
    # Zeros and lengths vary, so that COBS and CBOR heads do too.
    return bytes([seq & 0xFF]) * (460 if seq % 64 == 40 else 9 + seq % 108)


class Ledger:
    """A terminal's journal in memory."""

    def __init__(self, first, count):
        self.first_seq = first
        self.next_seq = first + count
        self.released = first
        self.damaged = []
        self.releases = []

    def read(self, seq):
        assert self.first_seq <= seq < self.next_seq
        return None if seq in self.damaged else payload_of(seq)

    def release(self, seq):
        self.releases.append(seq)
        self.released = max(self.released, seq)


class Store:
    """What the companion has made durable. A record must arrive once and in order."""

    def __init__(self):
        self.items = []
        self.first = 1
        self.calls = 0

    def next_seq(self):
        return self.first + len(self.items)

    def seal_before(self, seq):
        index = seq - 1 - self.first
        payload = self.items[index] if index >= 0 else None
        return payload[-8:] if payload else b""

    def store(self, first, items):
        assert first == self.next_seq()
        self.items.extend(items)
        self.calls += 1


class Terminal:
    """The terminal's session with its stream decoder, as the sync server drives it."""

    def __init__(self, ledger, key=KEY, device=DEVICE, busy=False, serial=True, max_baud=0):
        self.ledger = ledger
        self.busy = busy
        self.device = device
        self.key = key
        self.wall = 0
        self.fill = (0, 0)
        self.lines = []
        # So that a whole window of frames has room in a board's heap, in one piece.
        self.at_once = 14
        self.session = TerminalSession("0.1.0", serial, max_baud)
        self.decoder = frame.Decoder(frame.MAX_TO_TERMINAL)
        self.nonces = Random(9)
        self.config = None
        self.escaped = False
        self.ended = []
        self.pushed = []
        self.refused_kinds = ()
        self.rates = []

    def feed(self, data):
        """Bytes in, payloads of the answers out."""
        out = []
        for payload in self.decoder.feed(data):
            effects = self.session.receive(payload)
            while effects:
                effect = effects.pop(0)
                if effect[0] == "send":
                    assert len(effect[1]) <= frame.MAX_TO_COMPANION
                    out.append(effect[1])
                elif effect[0] == "pack":
                    message = memoryview(bytearray(frame.MAX_TO_COMPANION))
                    length = packed.message_into(message, messages.PACKED, effect[1], effect[2])
                    out.append(bytes(message[:length]))
                else:
                    effects.extend(self.act(effect))
        return out

    def act(self, effect):
        name = effect[0]
        if name == "greet":
            ledger = self.ledger
            self.session.identify(self.device, self.key)
            return self.session.greet(
                ledger.first_seq,
                ledger.next_seq,
                ledger.released,
                self.nonces.bytes(16),
                self.wall,
                self.fill,
            )
        if name == "open":
            return self.session.fail(messages.BUSY, "busy") if self.busy else self.session.opened()
        if name == "recall":
            return self.session.recalled(self.recall(effect[1]))
        if name == "push":
            if effect[1] in self.refused_kinds:
                return self.session.refuse("not taken here")
            self.pushed.append(effect[1:])
            return self.session.pushed(effect[1])
        if name == "baud":
            self.rates.append(effect[1])
            return []
        if name == "log":
            lines = self.lines[effect[1] : effect[1] + 2]
            return self.session.logged(effect[1] + len(lines), "\n".join(lines))
        if name == "read":
            return self.session.records(effect[1], self.read(effect[1], effect[2], effect[3]))
        if name == "release":
            self.ledger.release(effect[1])
            return self.session.released(self.ledger.released, self.fill[0])
        if name == "provision":
            self.config = effect[1]
            fields = config.decode(effect[1])
            self.device, self.key = fields["device_id"], fields["sync_key"]
            return self.session.provisioned(self.device, self.key)
        if name == "escape":
            self.escaped = True
        else:
            self.ended.append(effect)
        return []

    def recall(self, seq):
        return self.ledger.read(seq) if seq >= self.ledger.first_seq else None

    def read(self, first, end, room):
        items = []
        while first < end and len(items) < self.at_once:
            payload = self.ledger.read(first)
            room -= session.item_size(payload)
            if room < 0:
                break
            items.append(payload)
            first += 1
        return items


class Companion:
    """The companion's session with its stream decoder, as the link drives it."""

    def __init__(
        self, store, key=KEY, nonce_seed=1, config_bytes=None, version=VERSION, pushes=(), rate=0
    ):
        self.store = store
        self.key = key
        self.config_bytes = config_bytes
        self.session = CompanionSession(Random(nonce_seed).bytes(16), version)
        self.pushes = list(pushes)
        self.answers = []
        self.rate = rate
        self.decoder = frame.Decoder(frame.MAX_TO_COMPANION)
        self.missing = []
        self.asks_log = False
        self.lines = []
        self.result = None
        self.largest = 0

    def begin(self):
        return self.carry_out(self.session.start())

    def feed(self, data):
        out = []
        for payload in self.decoder.feed(data):
            out.extend(self.carry_out(self.session.receive(payload)))
        return out

    def carry_out(self, effects):
        out = []
        while effects:
            effect = effects.pop(0)
            if effect[0] == "send":
                self.largest = max(self.largest, len(effect[1]))
                out.append(effect[1])
            else:
                effects.extend(self.act(effect))
        return out

    def act(self, effect):
        name = effect[0]
        if name == "identified":
            if self.config_bytes is not None and not effect[1].device_id:
                return self.session.provision(self.config_bytes)
            from_seq = -1 if self.config_bytes else self.store.next_seq()
            last = self.store.seal_before(from_seq)
            return self.session.authenticate(self.key, from_seq, last, self.rate)
        if name == "ready" and self.asks_log and not self.pushes:
            return self.session.log(len(self.lines))
        if name == "ready":
            return self.session.push(*self.pushes.pop(0)) if self.pushes else self.session.finish()
        if name == "logged":
            self.lines.extend(effect[2].split("\n") if effect[2] else [])
            self.asks_log = bool(effect[2])
            assert effect[1] == len(self.lines)
        elif name in ("pushed", "refused", "baud"):
            self.answers.append(effect)
        elif name == "missing":
            self.missing.append(effect[1:])
            self.store.store(effect[1], [None] * (effect[2] - effect[1]))
        elif name == "store":
            self.store.store(effect[1], effect[2])
            return self.session.stored()
        else:
            self.result = effect
        return []


def frames(payloads):
    return b"".join([frame.encode(payload) for payload in payloads])


def run(terminal, companion, spoil=None):
    """Carry bytes both ways until both are silent; ``spoil(data, offset)`` alters the stream.

    Returns the number of bytes that crossed in either direction. Afterwards ``companion.flights``
    is how often the companion waited for an answer; for new records it does not wait.
    """
    crossed = 0
    companion.flights = 0
    payloads = companion.begin()
    while payloads:
        if any(payload[1] != messages.CREDIT for payload in payloads):
            companion.flights += 1
        to_terminal = frames(payloads)
        data = spoil(to_terminal, crossed) if spoil else to_terminal
        crossed += len(to_terminal)
        to_companion = frames(terminal.feed(data))
        data = spoil(to_companion, crossed) if spoil else to_companion
        crossed += len(to_companion)
        payloads = companion.feed(data)
    return crossed


def sync(ledger, store):
    terminal = Terminal(ledger)
    companion = Companion(store)
    crossed = run(terminal, companion)
    assert companion.result == ("done", ledger.next_seq, ledger.released), companion.result
    return crossed


def expected(ledger):
    return [ledger.read(seq) for seq in range(1, ledger.next_seq)]


def open_session(ledger, key=KEY, version=VERSION, **options):
    """A terminal with an authenticated session, and the session's proofs."""
    terminal = Terminal(ledger, **options)
    hello = messages.build(messages.HELLO, version, bytes(16))
    welcome = terminal.feed(frame.encode(hello))[0]
    proofs = messages.Proofs(key, hello, welcome)
    answers = terminal.feed(frame.encode(messages.build(messages.AUTH, proofs.companion())))
    assert answers == [messages.build(messages.PROOF, proofs.terminal())]
    return terminal, proofs


def refusal(terminal, message):
    """The ERROR code that a message earns; the session must be over then."""
    answers = terminal.feed(frame.encode(message))
    answer = messages.parse(answers[-1], messages.TO_COMPANION)
    assert answer[0] == messages.ERROR, answer
    assert not terminal.session.active
    return answer[1]


# Every byte on CPython; on MicroPython every seventh, to keep the run short.
STEP = 1 if sys.implementation.name == "cpython" else 7
