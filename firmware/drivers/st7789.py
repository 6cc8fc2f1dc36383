"""ST7789 colour display, 320 x 170 lying, on an 8-bit parallel bus (LilyGO T-Display-S3).

Stock MicroPython knows no such bus, so the GPIO registers of the ESP32-S3 are written: one write
sets any number of pins. Not tried on hardware.
"""

from array import array

from drivers.lcd import Lcd

# ESP32-S3 Technical Reference Manual, "GPIO Matrix and IO MUX", registers: GPIO_OUT_W1TS is 0x08
# and W1TC 0x0C above the base for GPIO 0 to 31, GPIO_OUT1_W1TS 0x14 and W1TC 0x18 for 32 to 48.
_GPIO = 0x60004000
_SET = (0x08, 0x14)
_CLEAR = (0x0C, 0x18)
# MADCTL of the data sheet: MX, and no MV. The memory's short side comes first, so that a write
# goes down the lying glass; one of the two has to be mirrored. MY, 0x80, turns the picture round.
# TFT_eSPI has MX and MV for the same picture (rotation 1), with writes that go right first.
_DOWN_FIRST = 0x40
# The glass has 170 of the memory's 240 columns, in their middle.
_BESIDE = 35


class Parallel8:
    """``registers``: machine.mem32. ``data``: the GPIO numbers of D0 to D7, all below 32 or none.
    ``wr``: that of WR. All are outputs already; RD is high."""

    def __init__(self, registers, data: tuple, wr: int) -> None:
        bank = data[0] >> 5
        if len(data) != 8 or [pin for pin in data if pin >> 5 != bank]:
            raise ValueError("D0 to D7 are eight pins in one register")
        self._registers = registers
        self._set = _GPIO + _SET[bank]
        self._clear = _GPIO + _CLEAR[bank]
        self._strobe = 1 << (wr & 31)
        self._wr_set = _GPIO + _SET[wr >> 5]
        self._wr_clear = _GPIO + _CLEAR[wr >> 5]
        self._masks = array("I", [_mask(byte, data) for byte in range(256)])

    def write(self, data) -> None:
        """Each byte is taken by the display when WR rises. The lines change only when the byte
        does: dots are two equal bytes, and most are like the one before."""
        registers = self._registers
        on, off, strobe = self._wr_set, self._wr_clear, self._strobe
        there = -1
        for byte in data:
            if byte != there:
                registers[self._clear] = self._masks[0xFF]
                registers[self._set] = self._masks[byte]
                there = byte
            registers[off] = strobe
            registers[on] = strobe


def _mask(byte: int, data: tuple) -> int:
    mask = 0
    for i in range(8):
        if byte >> i & 1:
            mask |= 1 << (data[i] & 31)
    return mask


class St7789Parallel(Lcd):
    """``width`` and ``height``: the text's part of the glass, at the top left."""

    def __init__(
        self,
        bus,
        dc,
        cs,
        reset=None,
        width: int = 320,
        height: int = 170,
        scale: int = 2,
        madctl: int = _DOWN_FIRST,
        offset: int = _BESIDE,
        font=None,
        sleep_ms=None,
    ) -> None:
        area = (width, height)
        super().__init__(
            bus.write, cs, dc, reset, (320, 170), area, scale, madctl, offset, font, sleep_ms
        )
