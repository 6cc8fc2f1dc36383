"""ESP32-S3-DevKitC-1, wired as board.json says. Not tried on hardware."""

from machine import I2C, SPI, UART, Pin
from micropython import const

from drivers import chip
from drivers.buzzer import Buzzer
from drivers.escpos import EscPos
from drivers.keypad import Keypad
from drivers.panel import Panel as DriverPanel
from drivers.ssd1306 import Ssd1306

NAME = "esp32s3_devkitc"
READER = "rc522"  # what is connected: "rc522", "pn532" or "serial_reader"

_I2C_SDA = const(8)
_I2C_SCL = const(9)
_READER_SCK = const(12)
_READER_MOSI = const(11)
_READER_MISO = const(13)
_READER_CS = const(10)
_READER_RESET = const(14)
_SERIAL_TX = const(15)
_SERIAL_RX = const(16)
_PRINTER_TX = const(17)
_PRINTER_RX = const(18)
_KEY_ROW_1 = const(4)
_KEY_ROW_2 = const(5)
_KEY_ROW_3 = const(6)
_KEY_ROW_4 = const(7)
_KEY_COLUMN_1 = const(1)
_KEY_COLUMN_2 = const(2)
_KEY_COLUMN_3 = const(42)
_KEY_COLUMN_4 = const(41)
_BUZZER = const(40)
_TRACE = const(21)
_BOOT_BUTTON = const(0)

_SERIAL_RXBUF = const(1024)  # a message of the reader has up to 640 bytes
_SERIAL_TXBUF = const(512)  # and one to it up to 290: no write waits

partition = chip.partition
reset_cause = chip.reset_cause
unique_id = chip.unique_id
connect_wifi = chip.connect_wifi
watchdog = chip.watchdog
Clock = chip.Clock


def safe_mode() -> bool:
    """CANCEL held on the keypad, or the BOOT button."""
    return chip.pressed(_BOOT_BUTTON) or chip.key_held(_KEY_ROW_1, _KEY_COLUMN_4)


def max_baud() -> int:
    """0: the REPL is on the chip's own USB, which has no rate."""
    return 0


def set_baud(rate: int) -> None:
    """Nothing to change; nobody asks, as max_baud() says."""


def sync_uart() -> None:
    """The USB port serves both ways."""


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
        EscPos(UART(1, 9600, tx=Pin(_PRINTER_TX), rx=Pin(_PRINTER_RX), timeout=0)),
        Buzzer(Pin(_BUZZER, Pin.OUT, value=0)),
    )


def _reader(i2c: I2C):
    if READER == "pn532":
        from drivers.pn532 import I2cPort, Pn532

        return Pn532(I2cPort(i2c))
    if READER == "serial_reader":
        from drivers.serialreader import SerialReader

        uart = UART(
            2,
            115200,
            tx=Pin(_SERIAL_TX),
            rx=Pin(_SERIAL_RX),
            rxbuf=_SERIAL_RXBUF,
            txbuf=_SERIAL_TXBUF,
            timeout=0,
        )
        return SerialReader(uart)
    from drivers.rc522 import Rc522

    spi = SPI(1, 4_000_000, sck=Pin(_READER_SCK), mosi=Pin(_READER_MOSI), miso=Pin(_READER_MISO))
    return Rc522(spi, Pin(_READER_CS, Pin.OUT, value=1), Pin(_READER_RESET, Pin.OUT, value=1))
