"""How wide a text is on a screen or on paper: counted in half columns.

A character of ASCII is one wide, every other two: that is how a Chinese font, and a printer that
reads GB 18030, gives them room. Counted from the bytes of UTF-8: MicroPython keeps each text of
one character for ever, and Chinese has thousands.
"""


def width(text: str) -> int:
    """Half columns."""
    count = len(text)
    for byte in text.encode():
        if byte >= 0xC0:
            count += 1
    return count


def cut(text: str, columns: int) -> str:
    """What of a text fits into so many half columns, from its beginning."""
    i = 0
    for byte in text.encode():
        if byte & 0xC0 == 0x80:
            continue  # in the middle of a character
        columns -= 2 if byte >= 0xC0 else 1
        if columns < 0:
            return text[:i]
        i += 1
    return text


def words(text: str, columns: int) -> str:
    """The same without half a word at its end, if there is a space before it."""
    first = cut(text, columns)
    space = first.rfind(" ")
    whole = text[len(first) : len(first) + 1] in ("", " ")
    return first if whole or space < 1 else first[:space]


def pad(text: str, columns: int) -> str:
    """A text and the spaces that make it so wide, no less than one."""
    return text + " " * max(1, columns - width(text))
