"""A terminal without a board: engine, state and exchange, with a host and a journal in lists.

``Bench.run`` carries effects out the way the runner does, in order, appends first folded into the
state; the log of what happened is what the tests read. ``cut_after`` drops everything behind the
n-th effect, as a power cut does.
"""

import gc
import sys

from protocol import record
from protocol.iso8583 import codec, messages
from protocol.iso8583 import profile as profiles
from protocol.iso8583.des import Des
from protocol.iso8583.mac import kcv
from terminal import cards, lookup, screens
from terminal.engine import Engine
from terminal.exchange import Exchange
from terminal.state import State

TMK = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")
PIN_KEY = bytes(range(16))
MAC_KEY = bytes.fromhex("1122334455667788")
PAN = "6222000000000000005"
CARD = {"pan": PAN, "expiry": "3012", "entry": "021", "track2": ""}
CONFIG = {
    "device_id": "PZ-TEST-1",
    "terminal_no": "10000001",
    "merchant_no": "104110070110001",
    "merchant_name": "Test shop",
    "tpdu": bytes.fromhex("6000030000"),
    "tmk": TMK,
    "response_ms": 1000,
    "reversal_tries": 3,
    "reversal_wait_ms": 500,
}


def key_block(mac_key: bytes = MAC_KEY) -> bytes:
    """F62 of a sign-in answer: key block 003 under the TMK."""
    master = Des(TMK)
    pin = master.encrypt(PIN_KEY) + kcv(PIN_KEY)
    return pin + master.encrypt(mac_key) + bytes(8) + kcv(mac_key)


class VaultError(Exception):
    pass


class Vault:
    """Stands in for the flash vault where only its promise matters: what it closed, it opens."""

    def __init__(self) -> None:
        self.lost = False

    def protect(self, pan: str, expiry: str) -> tuple:
        self._card = (pan, expiry)
        return bytes(16), 1

    def reveal(self, cipher: bytes, key_id: int) -> tuple:
        if self.lost:
            raise VaultError()
        return self._card


class Bench:
    def __init__(self) -> None:
        if sys.implementation.name == "micropython":
            gc.collect()  # a board reads its dialect once, when nothing else is on its heap
        self.profile = profiles.load_file("protocol/iso8583/profiles/unionpay_pos.json")
        self.vault = Vault()
        self.config = dict(CONFIG)
        self.records: list[dict] = []  # None: damaged since
        self.mac_key = MAC_KEY
        self.fail_append = 0
        self.restart()

    def restart(self) -> None:
        """Power off and on: only the records stay."""
        self.known = State()
        for seq in range(len(self.records)):
            if self.records[seq] is None:
                self.known.lost(seq + 1)
            else:
                self.known.apply(seq + 1, self.records[seq])
        exchange = Exchange(self.config, self.profile, self.vault.reveal, VaultError)
        self.engine = Engine(self.config, exchange, self.known)
        self.log: list[tuple] = []
        self.timers: dict = {}  # name -> number of the newest
        self.link = 0
        self.host = None  # where the newest link goes
        self.request = None
        self.offered = None

    def give(self, *event: object, cut_after: int = 0) -> list:
        """One event; returns the effects that were carried out."""
        return self.give_effects(self.engine.handle(event), cut_after)

    def give_effects(self, effects: list, cut_after: int = 0) -> list:
        done = []
        again = False
        for effect in effects:
            if cut_after and len(done) == cut_after:
                return done
            if effect[0] == "append" and not self._append(effect[1]):
                return done + self.give("storage_failed", "flash fault")
            done.append(effect)
            self.log.append(effect)
            if effect[0] == "connect":
                self.link, self.host = effect[1:]
            elif effect[0] == "show":
                screens.lines(*effect[2:])
            elif effect[0] == "timer":
                self.timers[effect[1]] = effect[2]
            elif effect[0] == "send":
                self.request = codec.decode(self.profile, effect[2][2:])
            elif effect[0] == "next":
                again = True
            elif effect[0] == "offer":
                self.offered = effect
            elif effect[0] == "find":
                size = len(self.records) + 1
                event = lookup.find(self.read, self.known, size, *effect[1:])
                done = done + self.give(*event)
        if again:
            done = done + self.give("next")
        return done

    def _append(self, rec: dict) -> bool:
        if self.fail_append:
            self.fail_append -= 1
            if not self.fail_append:
                return False
        rec.setdefault("wall", 0)
        record.encode(rec)  # every record the engine writes fits its schema
        self.records.append(rec)
        self.known.apply(len(self.records), rec)
        return True

    def swipe(self, amount_minor: int = 1234, room: int = 1000) -> list:
        card = self.card()
        return self.give("transact", record.SALE, amount_minor, amount_minor, card, None, room)

    def card(self, pan: str = PAN, **more) -> dict:
        """A card as the runner hands it over."""
        card = dict(CARD)
        card.update(
            {"pan": pan, "masked": cards.masked(pan), "token": cards.token(bytes(32), pan)}
        )
        card["cipher"], card["key_id"] = self.vault.protect(pan, "3012")
        card.update(more)
        return card

    def deal(self, txn: int, amount_minor: int, original=None, **more) -> list:
        """A transaction of any kind, confirmed, with the card."""
        card = self.card(**more)
        return self.give("transact", txn, amount_minor, amount_minor, card, original, 1000)

    def approved(self, amount_minor: int = 500) -> str:
        """An approved sale; its STAN."""
        self.swipe(amount_minor)
        self.connect()
        stan = self.request.fields[11]
        self.reply("00")
        return stan

    def original(self, stan: str) -> dict:
        """What the look-up of an original by its STAN offers."""
        self.give_effects([("find", "original", record.VOID, int(stan))])
        return self.offered[3]

    def read(self, seq: int, part: bytes = b""):
        found = self.records[seq - 1] if 0 < seq <= len(self.records) else None
        return found if found and part in record.encode(found) else None

    def connect(self, **more) -> list:
        return self.give("connected", self.link, **more)

    def waited(self) -> "Bench":
        """The wait before the next try is over, and the line is there."""
        self.give("timer", "retry", self.timers["retry"])
        self.connect()
        return self

    def answer(
        self,
        code: str = "00",
        mac: bool = True,
        key: bytes = b"",
        header: int = 0,
        balance="1",
        **change,
    ):
        """The bytes of an answer to the last request; ``change`` replaces fields (f4=...),
        ``header`` is the processing requirement, ``balance`` the word on settlement totals."""
        request = self.request
        fields = {}
        for number in (3, 4, 11, 41, 42, 49, 60):
            if number in request.fields:
                fields[number] = request.fields[number]
        fields[12] = "093000"
        fields[13] = "1122"
        fields[37] = "000000000042"
        fields[39] = code
        mti = request.mti[:2] + f"{int(request.mti[2]) + 1}0"
        if request.mti == "0800":
            fields[62] = key_block(self.mac_key)
            parts = messages.split(self.profile, 60, request.fields[60])
            parts["batch"] = "000007"
            fields[60] = messages.join(self.profile, 60, parts)
            mac = False
        elif code == "00" and request.mti not in ("0500", "0320"):
            fields[38] = "A12345"
        elif request.mti == "0500":
            totals = str(request.fields[48])
            fields[48] = totals[:30] + balance + totals[31:]
        for name in change:
            number = int(name[1:])
            if change[name] is None:
                fields.pop(number)
            else:
                fields[number] = change[name]
        mac_key = (key or self.mac_key) if mac else None
        return codec.encode(self.profile, mti, fields, CONFIG["tpdu"], mac_key, header)

    def reply(self, *args, **change) -> list:
        return self.give("received", self.link, self.answer(*args, **change))

    def signed_in(self) -> "Bench":
        """Started and signed in, idle."""
        self.give("start", "PWRON", "test", "")
        self.swipe(1)
        self.connect()
        self.reply()
        self.connect()
        self.reply("51", mac=False)
        self.log = []
        return self

    def kinds(self) -> list[str]:
        return [record.kind_name(rec["kind"]) for rec in self.records]

    def did(self, name: str) -> list[tuple]:
        return [effect for effect in self.log if effect[0] == name]

    def screen(self) -> str:
        return self.did("show")[-1][2]


def restart(bench: Bench) -> Bench:
    """Power off and on, up to the screen that a start ends with."""
    bench.restart()
    bench.give("start", "PWRON", "test", "")
    return bench


def refusal(effects: list) -> str:
    """Why the terminal did not begin what was asked for."""
    shown = [effect for effect in effects if effect[0] == "show"]
    assert shown[0][2] == "refused"
    return shown[0][3]
