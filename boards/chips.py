"""What each chip's pins may not be used for.

ESP32: "ESP32 Series Datasheet" (pin overview, strapping pins, IO MUX),
"ESP32-WROOM-32E Datasheet".
ESP32-S3: "ESP32-S3 Series Datasheet" (pins, their state at reset, strapping pins),
"ESP32-S3-WROOM-1 Datasheet".
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Chip:
    gpios: frozenset[int]
    flash: frozenset[int]
    quad: frozenset[int]  # taken when there is quad PSRAM
    octal: frozenset[int]  # taken when there is octal PSRAM
    input_only: frozenset[int]
    straps: dict[int, str]
    high_at_reset: frozenset[int]  # by a pull-up of their own, until the program sets them
    repl: frozenset[int]
    usb: frozenset[int]
    bootloader: int  # where esptool puts it


CHIPS = {
    "esp32": Chip(
        gpios=frozenset({*range(20), 21, 22, 23, 25, 26, 27, *range(32, 40)}),
        flash=frozenset(range(6, 12)),
        quad=frozenset({16, 17}),
        octal=frozenset(),
        input_only=frozenset(range(34, 40)),
        straps={
            0: "low at reset: download mode",
            2: "must be low or open for download mode",
            5: "timing of the SDIO slave",
            12: "high at reset: flash at 1.8 V",
            15: "low at reset: no boot messages",
        },
        high_at_reset=frozenset({0, 1, 3, 5, 14, 15}),
        repl=frozenset({1, 3}),
        usb=frozenset(),
        bootloader=0x1000,
    ),
    "esp32s3": Chip(
        gpios=frozenset({*range(22), *range(26, 49)}),
        flash=frozenset(range(26, 33)),
        quad=frozenset(),  # shares the flash's pins but for its CS, GPIO26
        octal=frozenset(range(33, 38)),
        input_only=frozenset(),
        straps={
            0: "low at reset: download mode",
            3: "where JTAG comes from, when an eFuse asks for it",
            45: "voltage of the flash",
            46: "boot messages; must be low or open for download mode",
        },
        high_at_reset=frozenset({0, 39, 43, 44}),  # 39: MTCK
        repl=frozenset({43, 44}),
        usb=frozenset({19, 20}),
        bootloader=0x0,
    ),
}
