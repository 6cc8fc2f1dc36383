"""From the engine's intent to ISO 8583 bytes, and from an answer's bytes to what it means.

Keeps the dialect (protocol/iso8583 and the profile) out of the engine. Working keys are unwrapped
from the sign-in's key block under the TMK each time it changes and live in RAM only.
"""

from protocol.iso8583 import codec, keys, messages, wire
from protocol.iso8583.codec import Iso8583Error
from protocol.iso8583.keys import KeyBlockError
from protocol.iso8583.schema import ProfileError

_BATCH_FIELD = 60
_ARMED_VALUES = ("stan", "batch", "amount_minor", "entry")


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
    MAC and the MAC is right. ``forged``: it has one and it is wrong; a refusal may have none.
    """

    def __init__(self, profile, message, differs: str, authentic: bool) -> None:
        self.differs = differs
        self.authentic = authentic
        self.forged = 64 in message.fields and not authentic
        self.code = message.text(39).strip()
        self.rrn = message.text(37).strip()
        self.auth = message.text(38).strip()
        self.host_time = message.text(13) + message.text(12)
        self.key_block = message.blob(62)
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

    def sign_in(self, stan: int) -> Request:
        """The 0800 that asks for working keys and a batch number."""
        return self._request("sign_in", {"stan": stan, "batch": 0}, None)

    def sale(self, armed: dict, card: dict, key_block: bytes) -> Request:
        """The 0200 of an ARMED record, with the card that is still in RAM."""
        values = {"pan": card["pan"], "expiry": card["expiry"], "track2": card["track2"]}
        return self._request("sale", _original(armed, values), key_block)

    def reversal(self, armed: dict, reason: str, key_block: bytes) -> Request | None:
        """The 0400 of an ARMED record; None when its card cannot be opened any more."""
        try:
            pan, expiry = self._reveal(armed["card"], armed["card_key"])
        except self._vault_error:
            return None
        values = {"pan": pan, "expiry": expiry, "reason": reason, "of": "sale"}
        return self._request("reversal", _original(armed, values), key_block)

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
            self._mac_key = keys.unwrap_key_block(self._config["tmk"], key_block)[1]
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
        if message.mti != "0210" or stan not in stans:
            return None
        return stan, batch, message.mti, message.text(39), int(message.text(4) or "0")

    def action(self, to: str, code: str) -> str:
        """What the profile says to do about F39 ``code`` in an answer to ``to``."""
        return self._profile.action(to, code)


def _original(armed: dict, values: dict) -> dict:
    for name in _ARMED_VALUES:
        values[name] = armed[name]
    return values


def _batch(profile, message) -> int:
    text = message.text(_BATCH_FIELD)
    if not text:
        return 0
    return int(messages.split(profile, _BATCH_FIELD, text).get("batch", "0"))
