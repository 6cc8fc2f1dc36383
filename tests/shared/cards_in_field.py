"""Cards in a reader's field, by ISO/IEC 14443-3 type A: their states and what they answer.

Written from the standard, not from the driver: bits and CRC_A are worked out in another way.
"""

SILENCE = b""


class Clash(Exception):
    """Two cards answered with different bits."""


def crc_a(data: bytes) -> bytes:
    """Bit by bit: polynomial x^16 + x^12 + x^5 + 1, reflected, preset 6363."""
    register = 0x6363
    for byte in data:
        for bit in range(8):
            mixed = (register ^ byte >> bit) & 1
            register >>= 1
            if mixed:
                register ^= 0x8408
    return bytes([register & 0xFF, register >> 8])


class Card:
    """IDLE, READY (with its cascade level), ACTIVE or HALT."""

    def __init__(self, uid: bytes) -> None:
        self.uid = uid
        self.state = "IDLE"
        self._level = 0
        parts = []
        left = uid
        while len(left) > 4:
            parts.append(b"\x88" + left[:3])
            left = left[3:]
        assert len(left) == 4
        parts.append(left)
        self._parts = parts

    def _part(self) -> bytes:
        part = self._parts[self._level]
        return part + bytes([part[0] ^ part[1] ^ part[2] ^ part[3]])

    def hear(self, frame: bytes, bits: int) -> bytes:
        """The answer to one frame; ``bits`` of its last byte, 0 for all."""
        if bits == 7:
            woken = frame == b"\x26" and self.state == "IDLE"
            if woken or (frame == b"\x52" and self.state in ("IDLE", "HALT")):
                self.state = "READY"
                self._level = 0
                return bytes([0x04 | (len(self._parts) - 1) << 6, 0x00])
            if self.state in ("READY", "ACTIVE"):
                self.state = "IDLE"
            return SILENCE
        if self.state == "READY" and len(frame) > 1 and frame[0] == 0x93 + 2 * self._level:
            return self._resolve(frame)
        halted = self.state == "ACTIVE" and frame == b"\x50\x00" + crc_a(b"\x50\x00")
        if self.state in ("READY", "ACTIVE"):
            self.state = "HALT" if halted else "IDLE"
        return SILENCE

    def _resolve(self, frame: bytes) -> bytes:
        if frame[1:] == b"\x20":
            return self._part()
        if frame[1:] != b"\x70" + self._part() + crc_a(frame[:7]):
            self.state = "IDLE"
            return SILENCE
        last = self._level == len(self._parts) - 1
        sak = b"\x08" if last else b"\x04"
        if last:
            self.state = "ACTIVE"
        else:
            self._level += 1
        return sak + crc_a(sak)


class Field:
    """What lies on a reader. ``spoil(answer) -> answer`` stands for bad coupling."""

    def __init__(self) -> None:
        self.cards: list[Card] = []
        self.heard: list[tuple] = []
        self.spoil = lambda answer: answer

    def air(self, frame: bytes, bits: int) -> bytes:
        if len(self.heard) < 100:
            self.heard.append((bytes(frame), bits))
        answers = {card.hear(bytes(frame), bits) for card in self.cards} - {SILENCE}
        if len(answers) > 1:
            raise Clash
        return self.spoil(answers.pop() if answers else SILENCE)

    def off(self) -> None:
        """Without a field a card forgets everything."""
        for card in self.cards:
            card.state = "IDLE"
