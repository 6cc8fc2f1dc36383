"""Both ends of a session against a peer that sends anything.

A case is the whole stream of one peer, as it was in a good session, with messages that are
changed, left out, repeated, swapped, taken from another session or proved anew after a change.
The nonces are fixed, so what is not changed stays authentic and the state behind it is reached.
"""

from binascii import unhexlify

from protocol import cbor, config, frame, messages
from protocol.companion_session import MAX_MISSING
from tests.fuzz.mutation import bent, damage, encoded, leaf
from tests.fuzz.target import Target, pick
from tests.shared.expect import Random, vectors
from tests.shared.sessions import KEY, Companion, Ledger, Store, Terminal, payload_of, run

_RECORDS = 150
_MOST_ANSWERS = messages.MAX_WINDOW + 4
# A board's receive ring.
_RING = 259
_PUSHES = (
    (messages.PUSH_TIME, b"\x1a\x65\x53\xf1\x00"),
    (messages.PUSH_IDENTITY, bytes(300)),
    (200, b"refused"),
)


def _terminal(variant: int) -> Terminal:
    """A terminal to sync; 1 over the network, 4 without a configuration, 5 held by another."""
    ledger = Ledger(1, _RECORDS if variant != 3 else 3)
    ledger.damaged.extend((5, 6))
    terminal = Terminal(ledger, busy=variant == 5, serial=variant != 1, max_baud=921600)
    if variant == 4:
        terminal.device, terminal.key = "", b""
    terminal.refused_kinds = (200,)  # type: ignore[assignment]
    return terminal


def _companion(variant: int) -> Companion:
    """Variants: 0 version 2, 1 version 1, 2 with pushes and a rate, 3 a short journal."""
    if variant == 4:
        return Companion(Store(), config_bytes=unhexlify(vectors("record")["config"]["cbor"]))
    version = 1 if variant == 1 else messages.VERSION
    store = Store()
    if variant == 3:
        store.items = [Ledger(1, 9).read(seq) for seq in (1, 2, 3)]
    pushes = _PUSHES if variant == 2 else ()
    rate = 921600 if variant == 2 else 0
    return Companion(store, version=version, pushes=pushes, rate=rate)


class _Heard:
    """What crossed in one good session, towards each end."""

    def __init__(self, variant: int) -> None:
        self.to_terminal: list[bytes] = []
        self.to_companion: list[bytes] = []
        self._turn = 0
        run(_terminal(variant), _companion(variant), self._listen)
        self.proofs = None
        if variant != 4:
            hello, welcome = self.to_terminal[0], self.to_companion[0]
            self.proofs = messages.Proofs(KEY, hello, welcome)

    def _listen(self, data: bytes, crossed: int) -> bytes:
        # The two directions take turns, and the companion begins.
        heard = self.to_companion if self._turn else self.to_terminal
        heard.extend(frame.Decoder(frame.MAX_TO_COMPANION).feed(data))
        self._turn = 1 - self._turn
        return data


def _shuffled(dice: Random, good: "list[bytes]", other: "list[bytes]") -> "list[bytes]":
    """Messages left out, repeated, swapped and taken from elsewhere."""
    out = good[:]
    for _ in range(dice.below(3)):
        at = dice.below(len(out) + 1)
        what = dice.below(4)
        if at == len(out) or what == 0:
            out.insert(at, pick(dice, other))
        elif what == 1 and len(out) > 1:
            del out[at]
        elif what == 2:
            out.insert(at, out[at])
        else:
            out[at], out[-1] = out[-1], out[at]
    return out


class _Stream(Target):
    """What the two ends have in common: a stream of frames behind a byte for the variant."""

    steps = (40000, 60)

    def __init__(self) -> None:
        self.heard = [_Heard(variant) for variant in range(5)]

    def write(self, dice: Random, payloads: "list[bytes]", most: int) -> bytes:
        """The frames, some of them changed: as a value, as bytes, or on the line."""
        stream = b""
        changed = dice.below(len(payloads))  # one at least
        for number, payload in enumerate(payloads):
            what = dice.below(8)
            if what == 0 or number == changed:
                payload = bent(dice, payload, pick(dice, payloads))[:most]
            data = frame.encode(payload or b"\0")
            stream += damage(dice, data, data, 1) if what == 1 and not dice.below(4) else data
        return stream


class TerminalSession(_Stream):
    """The terminal's end."""

    name = "terminal session"
    refusals = ()
    memory = (65536, 32)

    def __init__(self) -> None:
        super().__init__()
        self.rare = [messages.build(messages.ESCAPE), messages.build(messages.BYE)]
        for version in (0, 1, 2, 3, 200):
            self.rare.append(cbor.dumps([messages.HELLO, version, bytes(16)]))

    def make(self, dice: Random) -> bytes:
        variant = dice.below(6)
        heard = self.heard[variant % 5]
        other = self.heard[dice.below(5)].to_terminal + self.rare
        payloads = heard.to_terminal
        if len(payloads) > 4 and dice.below(2):
            payloads = payloads[: 1 + dice.below(len(payloads))]
        payloads = _shuffled(dice, payloads, other)
        if heard.proofs is not None and dice.below(2):
            payloads[dice.below(len(payloads)) + 1 :] = self._insider(dice, heard.proofs)
        return bytes([variant]) + self.write(dice, payloads, frame.MAX_TO_TERMINAL)

    def _insider(self, dice: Random, proofs: messages.Proofs) -> "list[bytes]":
        """Messages of a companion that has the key and breaks the rules."""
        seq = (0, 1, 2, 5, _RECORDS, _RECORDS + 1, _RECORDS + 2, 0xFFFFFFFF)[dice.below(8)]
        what = dice.below(4)
        if what == 0:
            return [messages.build(messages.ACK, seq, proofs.ack(seq))]
        if what == 1:
            seal = pick(dice, [b"", payload_of(seq - 1)[-8:], bytes(8), bytes(7)])
            return [messages.build(messages.PULL, seq, dice.below(24), seal)]
        if what == 2:
            rate = (0, 115200, 230400, 921600, 921601, 0xFFFFFFFF)[dice.below(6)]
            return [messages.build(messages.BAUD, rate)]
        kind = dice.below(6)
        data = dice.bytes(4) * (1 + dice.below(600))
        size = len(data) + dice.below(2)
        found = []
        for at in range(0, len(data), messages.MAX_CHUNK):
            chunk = data[at : at + messages.MAX_CHUNK]
            found.append(messages.build(messages.PUSH, kind, at, size, chunk))
        found.append(messages.build(messages.PUSH_END, kind, proofs.push(kind, data)))
        return found

    def read(self, data: bytes) -> "tuple[Terminal, bytes]":
        terminal = _terminal(data[0] % 6)
        proofs = messages.Proofs(b"", b"", b"")  # nobody's
        open_ = False
        hello = said = b""
        for payload in frame.Decoder(frame.MAX_TO_TERMINAL).feed(data[1:]):
            answers = terminal.feed(frame.encode(payload))
            assert len(answers) <= _MOST_ANSWERS, "more than a window in answer to one message"
            for answer in answers:
                message = messages.parse(answer, messages.TO_COMPANION)
                kind = message[0]
                if kind == messages.WELCOME:
                    hello, open_ = payload, False
                    proofs = messages.Proofs(terminal.key, hello, answer)
                elif kind == messages.PROOF:
                    assert payload.endswith(proofs.companion()), "PROOF to a stranger"
                    open_ = True
                elif kind in (messages.CLOSED, messages.ESCAPING) or (
                    kind == messages.ERROR and message[1] != messages.REFUSED
                ):
                    open_ = False
                elif kind == messages.RELEASED:
                    seq = messages.parse(payload, messages.TO_TERMINAL)[1]
                    assert payload.endswith(proofs.ack(seq)), "released without a proof"
                elif kind == messages.PUSHED:
                    proof = proofs.push(*terminal.pushed[-1])
                    assert payload.endswith(proof), "taken without a proof"
                assert open_ or kind not in _AFTER_PROOF, "a word too much to a stranger"
                said += answer[:3]
        return terminal, said

    def check(self, data: bytes, found: "tuple[Terminal, bytes]") -> bytes:
        terminal, said = found
        ledger = terminal.ledger
        assert all(1 < seq <= ledger.next_seq for seq in ledger.releases), "released too much"
        assert all(len(push[1]) <= messages.MAX_PUSH for push in terminal.pushed)
        assert all(rate <= 921600 for rate in terminal.rates)
        if terminal.config is not None:
            config.decode(terminal.config)
        return said + f"{len(terminal.pushed)} {len(ledger.releases)}".encode()


_AFTER_PROOF = (
    messages.RECORDS,
    messages.PACKED,
    messages.END,
    messages.RELEASED,
    messages.PUSH_NEXT,
    messages.PUSHED,
    messages.BAUD_OK,
)


class CompanionSession(_Stream):
    """The companion's end."""

    name = "companion session"
    refusals = ()
    memory = (200000, 32)

    def __init__(self) -> None:
        super().__init__()
        codes = [messages.BUSY, messages.BAD_VERSION, messages.NO_SESSION, messages.REFUSED]
        codes += [messages.BAD_HISTORY, messages.BAD_RANGE, messages.FAULT, "OF A LATER VERSION"]
        self.rare = [messages.error(code, "why") for code in codes]
        self.rare.append(messages.build(messages.END, _RECORDS))
        self.rare.append(messages.build(messages.PUSHED, 7))

    def make(self, dice: Random) -> bytes:
        variant = dice.below(5)
        heard = self.heard[variant]
        payloads = heard.to_companion
        if not dice.below(8):
            payloads = self._insider(dice, variant) + payloads[2:]
        if len(payloads) > 4 and dice.below(2):
            payloads = payloads[: 1 + dice.below(len(payloads))]
        other = self.heard[dice.below(5)].to_companion + self.rare
        payloads = _shuffled(dice, payloads, other)
        return bytes([variant]) + self.write(dice, payloads, frame.MAX_TO_COMPANION)

    def _insider(self, dice: Random, variant: int) -> "list[bytes]":
        """WELCOME and PROOF of a terminal that has the key and says odd things."""
        companion = _companion(variant)
        hello = companion.begin()[0]
        message = cbor.loads(self.heard[variant].to_companion[0])
        assert isinstance(message, list)
        for _ in range(1 + dice.below(2)):
            seq = (0, 1, 4, _RECORDS, _RECORDS + 1, 8192, 8200, 0xFFFFFFFF)[dice.below(8)]
            message[5 + dice.below(3)] = seq
        if not dice.below(4):
            message[3 + dice.below(len(message) - 3)] = leaf(dice)
        welcome = encoded(message, hello)[: frame.MAX_TO_COMPANION]
        proofs = messages.Proofs(KEY, hello, welcome)
        return [welcome, messages.build(messages.PROOF, proofs.terminal())]

    def read(self, data: bytes) -> "tuple[Companion, bytes]":
        companion = _companion(data[0] % 5)
        hello = companion.begin()[0]
        before = companion.store.next_seq()
        proofs = None
        proved = False
        said = b""
        for payload in frame.Decoder(frame.MAX_TO_COMPANION).feed(data[1:]):
            over = companion.result
            answers = companion.feed(frame.encode(payload))
            if over is not None:
                assert not answers and companion.result == over, "an end after the end"
            elif proofs is None and answers:
                proofs = messages.Proofs(KEY, hello, payload)
            elif proofs is not None and payload.endswith(proofs.terminal()):
                proved = True
            assert proved or companion.store.next_seq() == before, "stored from a stranger"
            size = 0
            for answer in answers:
                assert len(answer) <= frame.MAX_TO_TERMINAL
                size += len(frame.encode(answer))
                messages.parse(answer, messages.TO_TERMINAL)
                said += answer[:3]
            assert size <= _RING, "a flight that the terminal's ring does not hold"
        return companion, said

    def check(self, data: bytes, found: "tuple[Companion, bytes]") -> bytes:
        companion, said = found
        items = companion.store.items
        most = MAX_MISSING + messages.MAX_RECORDS * len(data)
        assert len(items) <= most, "stored without an end"
        return said + str(len(items)).encode()
