"""Nordic's Power Profiler Kit II as the source: switches in microseconds, and sees the current.

Its serial protocol has no document; what is used of it here is what the programs that drive it
agree on: 11 mode (2: source), 0D voltage in millivolts, 0C output, 06 and 07 start and stop
samples of four bytes, little-endian, whose bits 14 to 16 are the range of measurement.
"""

from __future__ import annotations

import serial

from tests.hil.power import PowerError

_TIMEOUT_S = 1.0
_SAMPLES = 256
# Ranges 0 and 1 are for microamperes: no ESP32 that runs takes so little.
_FIRST_RANGE_OF_MILLIAMPERES = 2


class Ppk2:
    """At most 1 A and 5 V: enough for a board, not for its printer."""

    def __init__(self, port: str, millivolts: int = 5000) -> None:
        if not 800 <= millivolts <= 5000:
            raise PowerError(f"PPK2: {millivolts} mV is not in 800..5000")
        try:
            self._port = serial.Serial(port, timeout=_TIMEOUT_S, write_timeout=_TIMEOUT_S)
        except (OSError, serial.SerialException) as error:
            raise PowerError(f"PPK2 at {port}: {error}") from None
        self._name = port
        self._send(b"\x11\x02")
        self._send(b"\x0d" + millivolts.to_bytes(2, "big"))

    def on(self) -> None:
        self._send(b"\x0c\x01")

    def off(self) -> None:
        self._send(b"\x0c\x00")

    def read(self) -> bool | None:
        """Whether milliamperes flow: the median of some 2.5 ms."""
        self._port.reset_input_buffer()
        self._send(b"\x06")
        data = self._port.read(4 * _SAMPLES)
        self._send(b"\x07")
        if len(data) < 4 * _SAMPLES:
            raise PowerError(f"PPK2 at {self._name} gives no samples")
        samples = [int.from_bytes(data[at : at + 4], "little") for at in range(0, len(data), 4)]
        ranges = sorted(sample >> 14 & 7 for sample in samples)
        return ranges[len(ranges) // 2] >= _FIRST_RANGE_OF_MILLIAMPERES

    def close(self) -> None:
        self._port.close()

    def _send(self, data: bytes) -> None:
        try:
            self._port.write(data)
            self._port.flush()
        except (OSError, serial.SerialException) as error:
            raise PowerError(f"PPK2 at {self._name}: {error}") from None
