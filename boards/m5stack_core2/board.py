"""M5Stack Core2 (v1.0, AXP192), wired as board.json says. Not tried on hardware."""

import time

from machine import I2C, RTC, SPI, UART, Pin
from micropython import const

from drivers import bm8563, chip
from drivers.axp192 import Axp192, Motor
from drivers.buzzer import Buzzer
from drivers.escpos import EscPos
from drivers.ili9342c import Ili9342c
from drivers.panel import Panel as DriverPanel
from drivers.rc522 import Rc522I2c
from drivers.touchkeys import CORE2, Ft6336, TouchKeys

NAME = "m5stack_core2"

_LCD_SCK = const(18)
_LCD_MOSI = const(23)
_LCD_MISO = const(38)
_LCD_CS = const(5)
_LCD_DC = const(15)
_SD_CS = const(4)
_I2C_SDA = const(21)
_I2C_SCL = const(22)
_PORT_A_SDA = const(32)
_PORT_A_SCL = const(33)
_PRINTER_TX = const(14)
_PRINTER_RX = const(13)
_TRACE = const(27)

_SCREEN_HEIGHT = const(240)
_TEXT_WIDTH = const(128)  # the drawn keys have the rest
# FT6336U: no report before its firmware runs, at most 300 ms after its reset.
_TOUCH_AWAKE_MS = const(300)
_TOUCH_STEP_MS = const(20)

partition = chip.partition
reset_cause = chip.reset_cause
unique_id = chip.unique_id
connect_wifi = chip.connect_wifi
set_baud = chip.set_baud
watchdog = chip.watchdog

_i2c = I2C(0, scl=Pin(_I2C_SCL), sda=Pin(_I2C_SDA), freq=400_000)
_power: Axp192 | None = None


class Clock(chip.Clock):
    """The ESP32's, which is lost with the power, set at the start from the one with a cell."""

    def __init__(self) -> None:
        try:
            kept = bm8563.read(_i2c)
        except OSError:
            return
        if kept:
            RTC().datetime(kept)

    def set(self, unix_seconds: int) -> None:
        chip.Clock.set(self, unix_seconds)
        try:
            bm8563.write(_i2c, RTC().datetime())
        except OSError:
            pass  # it is set for as long as the power stays, as on other boards


def power() -> Axp192:
    """The power chip, with the board's supplies on. OSError when it is another one."""
    global _power
    if _power is None:
        found = Axp192(_i2c)
        found.start()
        _power = found
    return _power


def safe_mode() -> bool:
    """A finger on the screen. Where another power chip is there is no screen to touch."""
    try:
        power()
    except OSError:
        return False
    touch = Ft6336(_i2c)
    for _ in range(0, _TOUCH_AWAKE_MS, _TOUCH_STEP_MS):
        try:
            touch.point()
        except OSError:
            pass  # not awake yet
        if touch.fingers:
            return True
        time.sleep_ms(_TOUCH_STEP_MS)
    return False


def max_baud() -> int:
    """What the board's USB-UART bridge surely carries."""
    return 921600


def sync_uart() -> None:
    """UART2 is the printer's."""


def trace_pin():
    return chip.trace(_TRACE)


def Panel() -> DriverPanel:
    """Screen, drawn keys, reader, printer and motor; OSError when the power chip is another."""
    motor = Motor(power())
    Pin(_SD_CS, Pin.OUT, value=1)  # a card in the slot must not answer to what the screen is told
    spi = SPI(2, 40_000_000, sck=Pin(_LCD_SCK), mosi=Pin(_LCD_MOSI), miso=Pin(_LCD_MISO))
    display = Ili9342c(
        spi,
        Pin(_LCD_CS, Pin.OUT, value=1),
        Pin(_LCD_DC, Pin.OUT, value=0),
        width=_TEXT_WIDTH,
        height=_SCREEN_HEIGHT,
        scale=1,
    )
    for name, x, y, width, height in CORE2:
        if y < _SCREEN_HEIGHT:
            display.button(x, y, width, height, name)
    port_a = I2C(1, scl=Pin(_PORT_A_SCL), sda=Pin(_PORT_A_SDA), freq=100_000)
    return DriverPanel(
        display,
        TouchKeys(Ft6336(_i2c)),
        Rc522I2c(port_a),
        EscPos(UART(2, 9600, tx=Pin(_PRINTER_TX), rx=Pin(_PRINTER_RX), timeout=0)),
        Buzzer(motor),
    )
