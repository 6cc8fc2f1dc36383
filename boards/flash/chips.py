"""The number of a chip in an image's header.

ESP-IDF, components/bootloader_support/include/esp_app_format.h: esp_chip_id_t.
"""

from __future__ import annotations

NUMBERS = {"esp32": 0, "esp32s2": 2, "esp32c3": 5, "esp32s3": 9, "esp32c6": 13}


def named(number: int) -> str:
    """The chip with this number, or the number."""
    return next((name for name, known in NUMBERS.items() if known == number), f"chip {number}")
