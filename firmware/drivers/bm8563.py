"""Belling BM8563, NXP's PCF8563 by another maker: the clock that a cell keeps going in a Core2.

Cited: "DS" is NXP's data sheet PCF8563, Rev. 10. Not tried on hardware.

It keeps UTC. Other programs keep local time in it (the M5Stack's own from the factory), so a time
counts only with a mark beside it: a minute alarm that is switched off.
"""

_ADDRESS = 0x51
_CONTROL = 0x00  # Control_status_1, then 2
_SECONDS = 0x02  # then minutes, hours, days, weekdays, months, years: BCD; DS 8.4
_COUNT = 10  # from Control_status_1 to the minute alarm
_STOP = b"\x20\x00"  # the clock stands (DS 8.10), and no interrupt
_RUN = b"\x00\x00"
# VL: the supply was too low, or the oscillator stood: nobody knows the time (DS 8.4.1.1).
_LOW = 0x80
# C: nobody has written a time of this century. Which value means which is the writer's choice.
_CENTURY = 0x80
_MARK = 0xD9  # AE_M, switched off, at minute 59
# Bits that are not implemented read as anything.
_MASKS = b"\x7f\x7f\x3f\x3f\x07\x1f\xff"


def read(i2c) -> tuple | None:
    """What machine.RTC.datetime() takes; None when the chip has no time. Raises OSError."""
    # In one access: the counters wait for its end (DS 8.5).
    data = i2c.readfrom_mem(_ADDRESS, _CONTROL, _COUNT)
    if data[0] & _STOP[0] or data[2] & _LOW or data[7] & _CENTURY or data[9] != _MARK:
        return None
    values = []
    for i in range(len(_MASKS)):
        bcd = data[_SECONDS + i] & _MASKS[i]
        if bcd & 15 > 9 or bcd >> 4 > 9:
            return None
        values.append(10 * (bcd >> 4) + (bcd & 15))
    second, minute, hour, day, weekday, month, year = values
    if second > 59 or minute > 59 or hour > 23 or not (1 <= day <= 31 and 1 <= month <= 12):
        return None
    return 2000 + year, month, day, weekday, hour, minute, second, 0


def write(i2c, when: tuple) -> None:
    """Set it to what machine.RTC.datetime() gives, of 2000 to 2099. Raises OSError.

    It stands while it is written, and a power cut in between leaves it standing: then it has no
    time, rather than half of one.
    """
    year, month, day, weekday, hour, minute, second, _ = when
    i2c.writeto_mem(_ADDRESS, _CONTROL, _STOP)
    values = (second, minute, hour, day, weekday, month, year - 2000)
    data = bytes([value // 10 << 4 | value % 10 for value in values])
    i2c.writeto_mem(_ADDRESS, _SECONDS, data + bytes((_MARK,)))  # VL and C are 0 in it
    i2c.writeto_mem(_ADDRESS, _CONTROL, _RUN)
