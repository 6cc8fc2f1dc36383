"""What is said on the line, in the words of the rules: UnionPay's, whatever the dialect.

The host's own codec reads the messages (companion/acquirer), which shares nothing with the
terminal's. A reversal is a 0400 here and its answer a 0410, also where they are a 0420, its repeat
0421 and a 0430.
"""

from __future__ import annotations

from dataclasses import replace

from companion.acquirer import dialects, kinds, wire
from protocol.iso8583.dialect import Profile

END_OF_UPLOAD = "0320 end"
_HEADER_BYTES = 6  # UnionPay's
_PROCESSING_OF_THE_END = "960000"  # iso8583_1987's, which has no code for it in field 60


class Speech:
    """One acquirer's dialect, and the host's rules that go with the terminal's profile of it."""

    def __init__(self, profile: Profile) -> None:
        name = profile.name
        self.dialect, policy = dialects.make(name)
        self.policy = replace(policy, completion_percent=profile.preauth_percent)
        self._mti_at = wire.TPDU_BYTES
        self._plain = dict.fromkeys(kinds.REVERSAL_MTIS, "0400")
        if name == dialects.UNIONPAY_POS:
            self._mti_at += _HEADER_BYTES
        else:
            self._plain["0430"] = "0410"

    def decode(self, data: bytes) -> wire.Message:
        """A request, without the length in front."""
        message = self.dialect.decode(data)
        return replace(message, mti=self._plain.get(message.mti, message.mti))

    def mti(self, data: bytes) -> str:
        """Of a request or an answer."""
        mti = data[self._mti_at :][:2].hex()
        return self._plain.get(mti, mti)

    def name(self, data: bytes) -> str:
        """The MTI; the end of an upload is told from its parts."""
        mti = self.mti(data)
        if mti in ("0320", "0330"):
            message = self.dialect.decode(data)
            if message.network_code in kinds.END_CODES or message.get(3) == _PROCESSING_OF_THE_END:
                return mti + END_OF_UPLOAD[4:]
        return mti
