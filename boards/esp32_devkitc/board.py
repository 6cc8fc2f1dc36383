"""ESP32-DevKitC V4, wired as board.json says. Not tried on hardware."""

from machine import I2C, SPI, UART, Pin
from micropython import const

from drivers import chip
from drivers.buzzer import Buzzer
from drivers.escpos import EscPos
from drivers.keypad import Keypad
from drivers.panel import Panel as DriverPanel
from drivers.ssd1306 import Ssd1306

NAME = "esp32_devkitc"
READER = "rc522"  # what is connected: "rc522", "pn532" or "serial_reader"

_I2C_SDA = const(21)
_I2C_SCL = const(22)
_READER_SCK = const(18)
_READER_MOSI = const(23)
_READER_MISO = const(35)
_READER_CS = const(5)
_SERIAL_TX = const(18)
_SERIAL_RX = const(35)
_PRINTER_TX = const(4)
_PRINTER_RX = const(34)
_KEY_ROW_1 = const(32)
_KEY_ROW_2 = const(33)
_KEY_ROW_3 = const(25)
_KEY_ROW_4 = const(26)
_KEY_COLUMN_1 = const(27)
_KEY_COLUMN_2 = const(14)
_KEY_COLUMN_3 = const(13)
_KEY_COLUMN_4 = const(15)
_BUZZER = const(19)
_TRACE = const(2)
_BOOT_BUTTON = const(0)

_SERIAL_RXBUF = const(1024)  # a message of the reader has up to 640 bytes
_SERIAL_TXBUF = const(512)  # and one to it up to 290: no write waits

partition = chip.partition
reset_cause = chip.reset_cause
unique_id = chip.unique_id
connect_wifi = chip.connect_wifi
set_baud = chip.set_baud
watchdog = chip.watchdog
Clock = chip.Clock


def safe_mode() -> bool:
    """CANCEL held on the keypad, or the BOOT button."""
    return chip.pressed(_BOOT_BUTTON) or chip.key_held(_KEY_ROW_1, _KEY_COLUMN_4)


def max_baud() -> int:
    """What the board's USB-UART bridge surely carries."""
    return 921600


def sync_uart() -> None:
    """No pins are left for a second serial port."""


def trace_pin():
    return chip.trace(_TRACE)


def Panel() -> DriverPanel:
    """Screen, keys, reader, printer and buzzer on their buses; OSError without a screen."""
    i2c = I2C(0, scl=Pin(_I2C_SCL), sda=Pin(_I2C_SDA), freq=400_000)
    rows = (_KEY_ROW_1, _KEY_ROW_2, _KEY_ROW_3, _KEY_ROW_4)
    columns = (_KEY_COLUMN_1, _KEY_COLUMN_2, _KEY_COLUMN_3, _KEY_COLUMN_4)
    return DriverPanel(
        Ssd1306(i2c),
        Keypad(
            [Pin(row, Pin.OPEN_DRAIN, value=1) for row in rows],
            [Pin(column, Pin.IN, Pin.PULL_UP) for column in columns],
        ),
        _reader(i2c),
        EscPos(UART(2, 9600, tx=Pin(_PRINTER_TX), rx=Pin(_PRINTER_RX), timeout=0)),
        Buzzer(Pin(_BUZZER, Pin.OUT, value=0)),
    )


def _reader(i2c: I2C):
    if READER == "pn532":
        from drivers.pn532 import I2cPort, Pn532

        return Pn532(I2cPort(i2c))
    if READER == "serial_reader":
        from drivers.serialreader import SerialReader

        uart = UART(
            1,
            115200,
            tx=Pin(_SERIAL_TX),
            rx=Pin(_SERIAL_RX),
            rxbuf=_SERIAL_RXBUF,
            txbuf=_SERIAL_TXBUF,
            timeout=0,
        )
        return SerialReader(uart)
    from drivers.rc522 import Rc522

    spi = SPI(2, 4_000_000, sck=Pin(_READER_SCK), mosi=Pin(_READER_MOSI), miso=Pin(_READER_MISO))
    return Rc522(spi, Pin(_READER_CS, Pin.OUT, value=1))
