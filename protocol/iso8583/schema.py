"""Typed reading of parsed JSON: each function returns the value or names its path in the error."""


class ProfileError(ValueError):
    """A profile that breaks its format; the message starts with the path of the key."""


def members(
    value: object, path: str, required: tuple[str, ...], optional: tuple[str, ...] = ()
) -> dict[str, object]:
    """An object with all of the required keys and no key but these and the optional ones."""
    found = table(value, path)
    for key in required:
        if key not in found:
            raise ProfileError(f"{_join(path, key)} is missing")
    for key in sorted(found):
        if key not in required and key not in optional:
            raise ProfileError(f"{_join(path, key)} is not a known key")
    return found


def table(value: object, path: str) -> dict[str, object]:
    """An object whose keys are data."""
    if not isinstance(value, dict):
        raise ProfileError(f"{path or 'profile'} is not an object")
    return value


def items(value: object, path: str) -> list[object]:
    """An array."""
    if not isinstance(value, list):
        raise ProfileError(f"{path} is not an array")
    return value


def text(value: object, path: str, low: int, high: int) -> str:
    """Text of low to high characters."""
    if not isinstance(value, str):
        raise ProfileError(f"{path} is not text")
    if len(value) < low or len(value) > high:
        raise ProfileError(f"{path} has {len(value)} characters, not {low} to {high}")
    return value


def digits(value: object, path: str, length: int) -> str:
    """Text of exactly ``length`` decimal digits."""
    found = text(value, path, length, length)
    for char in found:
        if char not in "0123456789":
            raise ProfileError(f"{path} is not {length} digits")
    return found


def uint(value: object, path: str, low: int, high: int) -> int:
    """An integer from low to high."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise ProfileError(f"{path} is not an integer")
    if value < low or value > high:
        raise ProfileError(f"{path} is {value}, not {low} to {high}")
    return value


def flag(value: object, path: str) -> bool:
    """true or false."""
    if not isinstance(value, bool):
        raise ProfileError(f"{path} is not true or false")
    return value


def choice(value: object, path: str, allowed: tuple[str, ...]) -> str:
    """One of the allowed texts."""
    if not isinstance(value, str) or value not in allowed:
        raise ProfileError(f"{path} is not one of {', '.join(allowed)}")
    return value


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
