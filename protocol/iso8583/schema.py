"""Typed reading of parsed JSON: each function returns the value or names its path in the error."""

from protocol.iso8583.dialect import ProfileError


def members(
    value: object, path: str, required: tuple[str, ...], optional: tuple[str, ...] = ()
) -> dict[str, object]:
    """An object with all of the required keys and no key but these and the optional ones."""
    found = table(value, path)
    for key in required:
        if key not in found:
            raise ProfileError(under(path, key), "is missing")
    for key in sorted(found):
        if key not in required and key not in optional:
            raise ProfileError(under(path, key), "is not a known key")
    return found


def table(value: object, path: str) -> dict[str, object]:
    """An object whose keys are data."""
    if not isinstance(value, dict):
        raise ProfileError(path, "is not an object")
    return value


def items(value: object, path: str) -> list[object]:
    """An array."""
    if not isinstance(value, list):
        raise ProfileError(path, "is not an array")
    return value


def text(value: object, path: str, low: int, high: int) -> str:
    """Text of low to high characters, printable ASCII."""
    if not isinstance(value, str):
        raise ProfileError(path, "is not text")
    if len(value) < low or len(value) > high:
        raise ProfileError(path, f"has {len(value)} characters, not {low} to {high}")
    for char in value:
        if not " " <= char <= "~":
            raise ProfileError(path, "is not printable ASCII")
    return value


def digits(value: object, path: str, length: int) -> str:
    """Text of exactly ``length`` decimal digits."""
    found = text(value, path, length, length)
    for char in found:
        if char not in "0123456789":
            raise ProfileError(path, f"is not {length} digits")
    return found


def uint(value: object, path: str, low: int, high: int) -> int:
    """An integer from low to high."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise ProfileError(path, "is not an integer")
    if value < low or value > high:
        raise ProfileError(path, f"is {value}, not {low} to {high}")
    return value


def flag(value: object, path: str) -> bool:
    """true or false."""
    if not isinstance(value, bool):
        raise ProfileError(path, "is not true or false")
    return value


def choice(value: object, path: str, allowed: tuple[str, ...]) -> str:
    """One of the allowed texts."""
    for option in allowed:
        if value == option:
            return option
    raise ProfileError(path, f"is not one of {', '.join(allowed)}")


def once(value, pool: dict):  # type: ignore[no-untyped-def]
    """What is equal to ``value`` and was seen before: MicroPython's parser shares no texts."""
    return pool.setdefault(value, value)


def texts(value: object, path: str, low: int, pool: dict) -> dict[str, str]:
    """An object of texts of low to 32 characters."""
    found = {}
    for key, item in table(value, path).items():
        found[once(key, pool)] = once(text(item, f"{path}.{key}", low, 32), pool)
    return found


def under(path: str, key: str) -> str:
    """The path of a member."""
    return path + "." + key if path else key
