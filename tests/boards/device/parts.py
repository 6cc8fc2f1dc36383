"""What hangs on a board's wires, from the models that the drivers' own tests have: a reader with a
card in its field, and on the ESP32-DevKitC the screen's memory."""

import machine

from tests.shared.cards_in_field import Card

CARD = bytes((0x04, 0xA1, 0xB2, 0xC3, 0xD4, 0xE5, 0xF6))


class Screen:
    """The glass of an ESP32-DevKitC; other boards have none here."""

    def __init__(self):
        self._oled = None

    def connect(self):
        from tests.shared.glass import Oled

        self._oled = machine.chips[0x3C] = Oled()

    def wrong(self, lines):
        if not self._oled:
            return ""
        from tests.shared.glass import differs

        return differs(self._oled, lines, 64)


screen = Screen()


def connect(name, wired):
    """Connect the parts of a board, ``wired`` by its data, and return the reader's field."""
    if name == "t_display_s3":
        from tests.shared import test_pn532

        chip = test_pn532.Chip()
        machine.chips[0x24] = test_pn532.OnI2c(chip)
        return chip.field
    from tests.shared import test_rc522
    from tests.shared.wires import Spi

    chip = test_rc522.Chip()
    if name == "m5stack_core2":
        machine.chips[0x28] = test_rc522.I2cSide(chip)
        return chip.field
    screen.connect()
    bus = Spi(test_rc522.SpiSide(chip))
    machine.spis[wired["spi"]] = bus
    machine.told[wired["cs"]] = lambda level: bus.select(not level)
    return chip.field


def tap(field):
    field.cards.append(Card(CARD))
