"""LilyGO T-Display-S3 without touch, wired as board.json says. Not tried on hardware."""

from machine import I2C, UART, Pin, mem32
from micropython import const

from drivers import chip
from drivers.escpos import EscPos
from drivers.keypad import Keypad
from drivers.panel import Panel as DriverPanel
from drivers.pn532 import I2cPort, Pn532
from drivers.st7789 import Parallel8, St7789Parallel

NAME = "t_display_s3"

_LCD_POWER = const(15)
_LCD_BACKLIGHT = const(38)
_LCD_RESET = const(5)
_LCD_CS = const(6)
_LCD_DC = const(7)
_LCD_WR = const(8)
_LCD_RD = const(9)
_LCD_D0 = const(39)
_LCD_D1 = const(40)
_LCD_D2 = const(41)
_LCD_D3 = const(42)
_LCD_D4 = const(45)
_LCD_D5 = const(46)
_LCD_D6 = const(47)
_LCD_D7 = const(48)
_I2C_SDA = const(18)
_I2C_SCL = const(17)
_PRINTER_TX = const(3)
_KEY_ROW_1 = const(1)
_KEY_ROW_2 = const(2)
_KEY_ROW_3 = const(10)
_KEY_ROW_4 = const(11)
_KEY_COLUMN_1 = const(12)
_KEY_COLUMN_2 = const(13)
_KEY_COLUMN_3 = const(16)
_KEY_COLUMN_4 = const(21)
_KEY_BUTTON = const(14)

partition = chip.partition
reset_cause = chip.reset_cause
unique_id = chip.unique_id
connect_wifi = chip.connect_wifi
watchdog = chip.watchdog
Clock = chip.Clock


def safe_mode() -> bool:
    """The KEY button."""
    return chip.pressed(_KEY_BUTTON)


def max_baud() -> int:
    """0: the REPL is on the chip's own USB, which has no rate."""
    return 0


def set_baud(rate: int) -> None:
    """Nothing to change; nobody asks, as max_baud() says."""


def sync_uart() -> None:
    """No pins are left for a second serial port."""


def trace_pin() -> None:
    """No pin is left."""


def Panel() -> DriverPanel:
    """Screen, keys, reader and printer; there is no buzzer, and nothing comes from the printer."""
    Pin(_LCD_POWER, Pin.OUT, value=1)
    data = (_LCD_D0, _LCD_D1, _LCD_D2, _LCD_D3, _LCD_D4, _LCD_D5, _LCD_D6, _LCD_D7)
    for line in data:
        Pin(line, Pin.OUT, value=0)
    for line in (_LCD_WR, _LCD_RD):
        Pin(line, Pin.OUT, value=1)
    display = St7789Parallel(
        Parallel8(mem32, data, _LCD_WR),
        Pin(_LCD_DC, Pin.OUT, value=0),
        Pin(_LCD_CS, Pin.OUT, value=1),
        Pin(_LCD_RESET, Pin.OUT, value=1),
    )
    Pin(_LCD_BACKLIGHT, Pin.OUT, value=1)  # only now: before, the picture is noise
    rows = (_KEY_ROW_1, _KEY_ROW_2, _KEY_ROW_3, _KEY_ROW_4)
    columns = (_KEY_COLUMN_1, _KEY_COLUMN_2, _KEY_COLUMN_3, _KEY_COLUMN_4)
    i2c = I2C(0, scl=Pin(_I2C_SCL), sda=Pin(_I2C_SDA), freq=400_000)
    return DriverPanel(
        display,
        Keypad(
            [Pin(row, Pin.OPEN_DRAIN, value=1) for row in rows],
            [Pin(column, Pin.IN, Pin.PULL_UP) for column in columns],
        ),
        Pn532(I2cPort(i2c)),
        # A UART has a receive pin: the one it would take by itself, GPIO9, is the screen's RD. The
        # button idles high as a line does, and what it sends when pressed is no answer.
        EscPos(UART(1, 9600, tx=Pin(_PRINTER_TX), rx=Pin(_KEY_BUTTON), timeout=0), answers=False),
    )
