"""How wide a text is on a screen or on paper: counted in half columns.

A character of ASCII is one wide, every other two: that is how a Chinese font, and a printer that
reads GB 18030, gives them room.
"""


def width(text: str) -> int:
    """Half columns."""
    count = len(text)
    for char in text:
        if char > "~":
            count += 1
    return count


def cut(text: str, columns: int) -> str:
    """What of a text fits into so many half columns, from its beginning."""
    for i in range(len(text)):
        columns -= 2 if text[i] > "~" else 1
        if columns < 0:
            return text[:i]
    return text


def pad(text: str, columns: int) -> str:
    """A text and the spaces that make it so wide, no less than one."""
    return text + " " * max(1, columns - width(text))
