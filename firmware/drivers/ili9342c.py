"""ILI9342C colour display, 320 x 240, on SPI (M5Stack Core2).

SPI mode 0, up to 40 MHz. The reset may be missing where something else makes it, as the Core2's
power chip does. Not tried on hardware.
"""

from drivers.lcd import Lcd

# MADCTL of the ILI9342C's data sheet: MV, memory writes go down first; BGR, as the glass is wired.
# M5Stack's M5GFX has BGR alone for the same picture, with writes that go right first.
_DOWN_FIRST = 0x28


class Ili9342c(Lcd):
    """``width`` and ``height``: the text's part of the glass, at the top left."""

    def __init__(
        self,
        spi,
        cs,
        dc,
        reset=None,
        width: int = 320,
        height: int = 240,
        scale: int = 2,
        madctl: int = _DOWN_FIRST,
        font=None,
        sleep_ms=None,
    ) -> None:
        area = (width, height)
        super().__init__(
            spi.write, cs, dc, reset, (320, 240), area, scale, madctl, 0, font, sleep_ms
        )
