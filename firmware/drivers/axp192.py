"""The power chip of an M5Stack Core2: supplies of screen, motor, ports (5 V) and clock's cell.

Register numbers and bits: X-Powers "AXP192 datasheet", register description (REG 00H to FFH).
What hangs on which output: M5Stack's Core2 documentation, "PinMap", and its M5Core2 library.

Outputs that share a register with the ESP32's own supply (DC-DC1) are changed bit by bit: a write
of the whole register could switch the chip off that does it.
"""

import time

_ADDRESS = 0x34
_ENODEV = 19

_CHIP = 0x03  # 0x03 here; 0x4A in the AXP2101 of a Core2 v1.1, at the same address
_OUTPUTS = 0x12  # a bit for each output
_DCDC3_VOLTS = 0x27  # 0.7 V and 25 mV a step, 7 bits
_LDO_VOLTS = 0x28  # 1.8 V and 100 mV a step; LDO2 high nibble, LDO3 low
_BACKUP = 0x35  # charging of the clock's cell: bit 7 on, 6 and 5 volts, 1 and 0 current
_GPIO0 = 0x90  # low 3 bits: 010 is its LDO
_GPIO0_VOLTS = 0x91  # high nibble: 1.8 V and 100 mV a step
_GPIO34 = 0x95  # bit 7: they are GPIOs; bits 3 and 2 are 01: GPIO4 is an open drain
_GPIO34_LEVEL = 0x96  # bit 1: GPIO4

_DCDC3 = 0x02  # Core2: the backlight
_LDO2 = 0x04  # Core2: the screen's logic and the SD card
_LDO3 = 0x08  # Core2: the vibration motor
_EXTEN = 0x40  # Core2: the 5 V converter of the ports
# As M5Stack's library has it for the MS614SE cell (M5Core2, AXP192::begin and pull request 18).
_CHARGED = 0xA2

_CHIP_AXP192 = 0x03
_RESET_MS = 20  # ILI9342C and FT6336U both want at least some ms; see start()
_AWAKE_MS = 120


class Axp192:
    """``i2c`` is the board's internal bus. Raises OSError when another chip answers there."""

    def __init__(self, i2c, address: int = _ADDRESS, wait_ms=None) -> None:
        self._i2c = i2c
        self._address = address
        self._wait_ms = wait_ms
        if self._read(_CHIP) != _CHIP_AXP192:
            # Its registers mean other things: a write could damage what it supplies.
            raise OSError(_ENODEV, "no AXP192: chip 0x%02X" % self._read(_CHIP))

    def start(self, backlight_mv: int = 2800) -> None:
        """Supply the screen, release it and the touch panel from reset, and put 5 V on the ports.

        The two share their reset line, so no touch is reported until they are awake.
        """
        wait_ms = self._wait_ms or time.sleep_ms
        self._change(_LDO_VOLTS, 0xF0, 15 << 4)  # 3.3 V
        self._change(_DCDC3_VOLTS, 0x7F, (backlight_mv - 700) // 25)
        self._change(_BACKUP, 0xE3, _CHARGED)
        self._change(_OUTPUTS, _LDO2 | _DCDC3, _LDO2 | _DCDC3)
        self._change(_GPIO34, 0x8C, 0x84)
        self._change(_GPIO34_LEVEL, 0x02, 0x00)
        wait_ms(_RESET_MS)
        self._change(_GPIO34_LEVEL, 0x02, 0x02)
        # ILI9342C datasheet, "Reset timing": 120 ms from reset to sleep-out.
        wait_ms(_AWAKE_MS)
        # N_VBUSEN high first: else the converter would feed its own input through the 5 V rail.
        self._change(_GPIO0_VOLTS, 0xF0, 15 << 4)
        self._change(_GPIO0, 0x07, 0x02)
        self._change(_OUTPUTS, _EXTEN, _EXTEN)

    def _read(self, register: int) -> int:
        return self._i2c.readfrom_mem(self._address, register, 1)[0]

    def _change(self, register: int, mask: int, bits: int) -> None:
        value = self._read(register) & ~mask & 0xFF | bits
        self._i2c.writeto_mem(self._address, register, bytes((value,)))


class Motor:
    """The vibration motor as an output pin: what drives a buzzer drives it."""

    def __init__(self, power: Axp192) -> None:
        self._power = power
        power._change(_LDO_VOLTS, 0x0F, 2)  # 2.0 V

    def value(self, on: int) -> None:
        """Raises nothing, as a pin. What stays on because the bus failed twice goes off with the
        next beep."""
        for _ in range(2):
            try:
                self._power._change(_OUTPUTS, _LDO3, _LDO3 if on else 0)
                break
            except OSError:
                pass
