"""The Core2's power chip, by what goes over its bus."""

from drivers.axp192 import Axp192, Motor
from tests.shared.expect import raises

ADDRESS = 0x34
# X-Powers AXP192 datasheet, register defaults as far as they matter here: DC-DC1 supplies the
# ESP32 itself (REG 12H bit 0), and DC-DC1's voltage is REG 26H.
FRESH = {
    0x03: 0x03,
    0x12: 0x4D & ~0x40,
    0x27: 0x68,
    0x28: 0xCF,
    0x35: 0x21,
    0x91: 0x50,
    0x90: 0x07,
    0x95: 0x32,
}
DCDC1 = 0x01


class Bus:
    """The chip's registers, and a trace of what was written and waited."""

    def __init__(self, registers: dict) -> None:
        self.registers = dict(registers)
        self.trace: list = []
        self.failures = 0  # of the next transfers

    def readfrom_mem(self, address: int, register: int, count: int) -> bytes:
        assert address == ADDRESS
        if self.failures:
            self.failures -= 1
            raise OSError(110)
        return bytes([self.registers.get(register + i, 0) for i in range(count)])

    def writeto_mem(self, address: int, register: int, data: bytes) -> None:
        assert address == ADDRESS and len(data) == 1
        self.registers[register] = data[0]
        self.trace.append((register, data[0]))

    def wait(self, ms: int) -> None:
        self.trace.append(("wait", ms))


def started() -> tuple:
    bus = Bus(FRESH)
    power = Axp192(bus, wait_ms=bus.wait)
    power.start()
    return bus, power


def test_start_writes_exactly_this():
    bus, _ = started()
    assert bus.trace == [
        (0x28, 0xFF),  # LDO2 to 3.3 V, LDO3 as it was
        (0x27, 0x54),  # DC-DC3 to 2.8 V
        (0x35, 0xA2),  # the clock's cell is charged
        (0x12, 0x0F),  # LDO2 and DC-DC3 on
        (0x95, 0xB6),  # GPIO4 an open drain
        (0x96, 0x00),  # in reset
        ("wait", 20),
        (0x96, 0x02),
        ("wait", 120),
        (0x91, 0xF0),  # GPIO0's LDO to 3.3 V
        (0x90, 0x02),  # N_VBUSEN high
        (0x12, 0x4F),  # then the 5 V converter
    ]


def test_the_supply_of_the_esp32_is_never_touched():
    for outputs in (0x01, 0x4D, 0xFF):
        registers = dict(FRESH)
        registers[0x12] = outputs
        bus = Bus(registers)
        power = Axp192(bus, wait_ms=bus.wait)
        power.start()
        motor = Motor(power)
        motor.value(1)
        motor.value(0)
        written = [register for register, _ in bus.trace]
        assert 0x26 not in written and 0x25 not in written
        for register, value in bus.trace:
            assert register != 0x12 or value & DCDC1
        # What else was on stays on, but for the motor.
        assert bus.registers[0x12] & outputs & ~0x08 == outputs & ~0x08


def test_another_power_chip_at_the_address_is_refused_before_anything_is_written():
    for chip in (0x4A, 0x00, 0xFF):  # 0x4A: the AXP2101 of a Core2 v1.1
        bus = Bus({0x03: chip})
        error = raises(OSError, Axp192, bus)
        assert f"0x{chip:02X}" in str(error), error
        assert bus.trace == []


def test_the_motor_is_a_pin():
    bus, power = started()
    motor = Motor(power)
    assert bus.registers[0x28] == 0xF2  # LDO3 at 2.0 V, LDO2 as it was
    before = bus.registers[0x12] & ~0x08
    motor.value(1)
    assert bus.registers[0x12] == before | 0x08
    motor.value(0)
    assert bus.registers[0x12] == before


def test_a_motor_whose_bus_fails_raises_nothing_and_goes_off_with_the_next_beep():
    bus, power = started()
    motor = Motor(power)
    for failures, stays in ((1, 0), (2, 1)):
        motor.value(1)
        bus.failures = failures
        motor.value(0)
        assert bool(bus.registers[0x12] & 0x08) == bool(stays), failures
        motor.value(0)
        assert not bus.registers[0x12] & 0x08
