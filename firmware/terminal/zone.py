"""Times for people: a date from Unix seconds, in a time zone given as minutes east of UTC."""

from terminal.clock import BUILD_YEAR, unix_seconds


def civil(seconds: int) -> tuple:
    """(year, month, day, hour, minute, second) of Unix seconds; the inverse of clock.py's days,
    in 400 years of 146097 days that begin in March."""
    days, second = divmod(seconds, 86400)
    era, day = divmod(days + 719468, 146097)
    year = (day - day // 1460 + day // 36524 - day // 146096) // 365
    day -= 365 * year + year // 4 - year // 100
    month = (5 * day + 2) // 153
    day -= (153 * month + 2) // 5 - 1
    month += 3 if month < 10 else -9
    year += 400 * era + (month < 3)
    return year, month, day, second // 3600, second // 60 % 60, second % 60


def named(offset_min: int) -> str:
    """``480`` -> ``"+08:00"``."""
    sign = "-" if offset_min < 0 else "+"
    return "%s%02d:%02d" % (sign, abs(offset_min) // 60, abs(offset_min) % 60)


def of_host(host_time: str, offset_min: int, wall: int = 0) -> str:
    """A host's MMDDhhmmss in this zone; as it is when it is no time. ``wall``: Unix seconds of
    about then, as February may have 29 days; 0 when nobody knows."""
    year = civil(wall)[0] if wall else BUILD_YEAR
    if host_time[:4] == "0229":
        year += -year % 4
    try:
        seconds = unix_seconds(year, host_time)
    except ValueError:
        return host_time
    return "%02d%02d%02d%02d%02d" % civil(seconds + 60 * offset_min)[1:]
