"""Relay boards on a serial port: the four-byte kind, and Modbus RTU."""

from __future__ import annotations

import serial

from tests.hil.power import PowerError

_TIMEOUT_S = 1.0


class _SerialSwitch:
    def __init__(self, port: str) -> None:
        try:
            self._port = serial.Serial(port, 9600, timeout=_TIMEOUT_S, write_timeout=_TIMEOUT_S)
        except (OSError, serial.SerialException) as error:
            raise PowerError(f"relay at {port}: {error}") from None
        self._name = port

    def on(self) -> None:
        self._switch(True)

    def off(self) -> None:
        self._switch(False)

    def read(self) -> bool | None:
        return None

    def close(self) -> None:
        self._port.close()

    def _switch(self, on: bool) -> None:
        raise NotImplementedError

    def _send(self, data: bytes) -> None:
        try:
            self._port.write(data)
            self._port.flush()
        except (OSError, serial.SerialException) as error:
            raise PowerError(f"relay at {self._name}: {error}") from None

    def _receive(self, size: int) -> bytes:
        try:
            return bytes(self._port.read(size))
        except (OSError, serial.SerialException) as error:
            raise PowerError(f"relay at {self._name}: {error}") from None


class UsbRelay(_SerialSwitch):
    """A0, channel, state, and the low byte of their sum, as the CH340 relay boards (LCUS) take it.
    They do not answer."""

    def __init__(self, port: str, channel: int = 1) -> None:
        super().__init__(port)
        self._channel = channel

    def _switch(self, on: bool) -> None:
        message = bytes([0xA0, self._channel, on])
        self._send(message + bytes([sum(message) & 0xFF]))


class ModbusRelay(_SerialSwitch):
    """Modbus RTU, "write single coil" (function 05), whose answer is its echo (MODBUS Application
    Protocol V1.1b3, 6.5)."""

    def __init__(self, port: str, channel: int = 1, unit: int = 1) -> None:
        super().__init__(port)
        self._coil, self._unit = channel - 1, unit

    def _switch(self, on: bool) -> None:
        value = 0xFF00 if on else 0
        message = bytes([self._unit, 5]) + self._coil.to_bytes(2, "big") + value.to_bytes(2, "big")
        message += crc(message).to_bytes(2, "little")
        self._port.reset_input_buffer()
        self._send(message)
        answer = self._receive(len(message))
        if answer != message:
            raise PowerError(
                f"relay at {self._name}: {message.hex(' ')} was answered by "
                f"{answer.hex(' ') or 'nothing'}"
            )


def crc(data: bytes) -> int:
    """Modbus RTU's CRC-16 (MODBUS over Serial Line V1.02, 6.2.2)."""
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ 0xA001 if value & 1 else value >> 1
    return value
