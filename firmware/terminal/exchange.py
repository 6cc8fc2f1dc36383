"""From the engine's intent to ISO 8583 bytes, and from an answer's bytes to what it means.

Keeps the dialect (protocol/iso8583 and the profile) out of the engine. Working keys are unwrapped
from the sign-in's key block under the TMK each time it changes and live in RAM only.
"""

from protocol.iso8583 import codec, keys, messages, wire
from protocol.iso8583.codec import Iso8583Error
from protocol.iso8583.dialect import ProfileError
from protocol.iso8583.keys import KeyBlockError
from terminal import transactions

_BATCH_FIELD = 60
_LATE_MTIS = ("0110", "0210", "0230")
_ARMED_VALUES = ("stan", "batch", "amount_minor", "entry")
# The journal's word for why, whatever the acquirer calls it.
_REASONS = {"98": "no_response", "96": "terminal_failed", "A0": "bad_mac", "06": "other"}


class RequestError(ValueError):
    """A request that the configuration or the profile does not allow to be built."""


class AnswerError(ValueError):
    """Bytes that are no usable answer; the message says what is wrong with them."""


class Request:
    """A request as sent: what an answer is matched against, and its framed bytes."""

    def __init__(self, mti: str, fields: dict, data: bytes) -> None:
        self.mti = mti
        self.fields = fields
        self.data = data

    @property
    def stan(self) -> int:
        return int(self.fields[11])


class Answer:
    """A decoded answer.

    ``differs`` names the first field that is not the request's, or is "". ``authentic``: it has a
    MAC and the MAC is right. ``forged``: it has one and it is wrong, or has none although the
    profile requires one with its code.
    """

    def __init__(self, profile, message, differs: str, authentic: bool) -> None:
        self.differs = differs
        self.authentic = authentic
        self.code = message.text(39).strip()
        required = self.code in profile.mac_required_on
        self.forged = not authentic and (required or bool(message.mac))
        self.amount_minor = int(message.text(4) or "0")
        self.balances = message.text(54)
        self.icc = message.blob(55)
        self.totals = message.text(48)
        self.rrn = message.text(37).strip()
        self.auth = message.text(38).strip()
        self.host_time = message.text(13) + message.text(12)
        self.key_block = keys.kept(message.blob(62), profile.key_block)
        self.batch = _batch(profile, message)
        self.wants_sign_in = profile.requirement(message.requirement) == "sign_in"


class Exchange:
    """Builds requests and reads answers for one terminal; building raises RequestError.

    ``reveal(cipher, key_id) -> (pan, expiry)`` opens a stored card, or raises ``vault_error``.
    """

    def __init__(self, config: dict, profile, reveal, vault_error) -> None:
        self._config = config
        self._profile = profile
        self._reveal = reveal
        self._vault_error = vault_error
        self._block: bytes | None = None
        self._mac_key = b""
        # After so many unanswered messages in a row a host is left for the other one; 0: never.
        self.backup_after: int = profile.backup_after

    def sign_in(self, stan: int) -> Request:
        """The 0800 that asks for working keys and a batch number."""
        return self._request("sign_in", {"stan": stan, "batch": 0}, None)

    def transact(self, armed: dict, card: dict, key_block: bytes) -> Request:
        """The request of an ARMED record, with the card that is still in RAM."""
        values = _named(armed, _ARMED_VALUES)
        for name in ("pan", "expiry", "track2"):
            values[name] = card[name]
        values["icc"] = armed["chip"]
        values["rrn"] = armed["orig_rrn"]
        values["auth"] = armed["orig_auth"]
        if transactions.asks(armed["txn"]):
            values["original_batch"] = armed["orig_batch"]
            values["original_stan"] = armed["orig_stan"]
            values["original_date"] = armed["orig_date"]
        return self._request(transactions.name(armed["txn"]), values, key_block)

    def again(self, armed: dict, key_block: bytes) -> Request | None:
        """The same request from its ARMED record alone; None when its card cannot be opened."""
        card = self._card(armed)
        return None if card is None else self.transact(armed, card, key_block)

    def balance(self, stan: int, batch: int, card: dict, key_block: bytes) -> Request:
        """The 0200 that asks for a balance."""
        values = _named(card, ("entry", "pan", "expiry", "track2"))
        values["stan"] = stan
        values["batch"] = batch
        values["icc"] = card.get("icc", b"")
        return self._request("balance", values, key_block)

    def closing(self, name: str, stan: int, batch: int, totals: str, key_block: bytes) -> Request:
        """A message that closes a batch; ``totals`` is F48."""
        values = {"stan": stan, "batch": batch, "totals": totals}
        return self._request(name, values, key_block)

    def reversal(self, armed: dict, reason: str, key_block: bytes, again: bool) -> Request | None:
        """The 0400 of an ARMED record; None when its card cannot be opened any more, or the
        profile does not let its kind be reversed. ``again`` for the second and later tries."""
        card = self._card(armed)
        if card is None or self.unanswered(armed["txn"]) != "reverse":
            return None
        values = _named(armed, _ARMED_VALUES)
        values["pan"] = card["pan"]
        values["expiry"] = card["expiry"]
        values["icc"] = armed["chip"]
        values["auth"] = armed["orig_auth"]
        values["reason"] = self._profile.reasons.get(_REASONS.get(reason), reason)
        values["of"] = transactions.name(armed["txn"])
        values["repeat"] = again
        return self._request("reversal", values, key_block)

    def _card(self, armed: dict) -> dict | None:
        try:
            pan, expiry = self._reveal(armed["card"], armed["card_key"])
        except self._vault_error:
            return None
        return {"pan": pan, "expiry": expiry, "track2": ""}

    def _request(self, name: str, values: dict, key_block: bytes | None) -> Request:
        values["terminal_no"] = self._config["terminal_no"]
        values["merchant_no"] = self._config["merchant_no"]
        try:
            mti, fields = messages.build(self._profile, name, values)
            mac_key = None if key_block is None else self._key(key_block)
            data = codec.encode(self._profile, mti, fields, self._config["tpdu"], mac_key)
        except (Iso8583Error, KeyBlockError, ProfileError) as error:
            raise RequestError(str(error))
        return Request(mti, fields, wire.wrap(data))

    def _key(self, key_block: bytes) -> bytes:
        if key_block != self._block:
            found = keys.unwrap_key_block(
                self._config["tmk"],
                key_block,
                self._profile.mac_key_lengths,
                self._profile.key_block,
            )
            self._mac_key = found[1]
            self._block = key_block
        return self._mac_key

    def bad_keys(self, key_block: bytes) -> str:
        """What is wrong with a key block, "" when nothing is."""
        try:
            self._key(key_block)
        except KeyBlockError as error:
            return str(error)
        return ""

    def read(self, request: Request, data: bytes, key_block: bytes) -> Answer:
        """Decode one answer (without its length prefix); raises AnswerError."""
        try:
            message = codec.decode(self._profile, data)
            differs = messages.match(self._profile, request.fields, request.mti, message) or ""
            authentic = not self.bad_keys(key_block) and codec.verify_mac(
                self._profile, message, self._mac_key
            )
            answer = Answer(self._profile, message, differs, authentic)
        except Iso8583Error as error:
            raise AnswerError(str(error))
        if not answer.code:
            raise AnswerError("F39 is missing")
        return answer

    def late(self, data: bytes, stans: list) -> tuple | None:
        """(stan, batch, mti, code, amount_minor) of a late answer to a sale of ``stans``."""
        try:
            message = codec.decode(self._profile, data)
            batch = _batch(self._profile, message)
        except Iso8583Error:
            return None
        stan = int(message.text(11) or "0")
        if message.mti not in _LATE_MTIS or stan not in stans:
            return None
        return stan, batch, message.mti, message.text(39), int(message.text(4) or "0")

    def action(self, to: str, code: str) -> str:
        """What the profile says to do about F39 ``code`` in an answer to ``to``."""
        return self._profile.action(to, code)

    def unanswered(self, txn: int) -> str:
        """What follows when nobody knows how it ended: "reverse", "resend" or "recon"."""
        try:
            return self._profile.transaction(transactions.name(txn)).unanswered
        except ProfileError:
            return "recon"

    def knows(self, txn: int) -> bool:
        """Whether the acquirer has this transaction."""
        return transactions.name(txn) in self._profile.transactions

    @property
    def takes_part(self) -> bool:
        """Whether a partial approval is an approval here; otherwise it is reversed (W30)."""
        return self._profile.partial == "accept"

    @property
    def same_day(self) -> bool:
        """Whether a reversal may only be sent on the day of what it undoes (W17)."""
        return self._profile.reversal_same_day

    @property
    def preauth_percent(self) -> int:
        """The most that may be completed, in percent of what was authorised (I8)."""
        return self._profile.preauth_percent


def _named(row: dict, names: tuple) -> dict:
    values = {}
    for name in names:
        values[name] = row[name]
    return values


def _batch(profile, message) -> int:
    text = message.text(_BATCH_FIELD)
    if not text:
        return 0
    batch = messages.split(profile, _BATCH_FIELD, text).get("batch", "0")
    # Where F60 is text, int() would take a sign, a space or an underscore, and raise for others.
    if not batch.isdigit():
        raise Iso8583Error("batch is not digits", _BATCH_FIELD)
    return int(batch)
