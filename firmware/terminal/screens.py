"""What the screen says: a name and its values in, lines of at most 21 half columns out.

Pure data and formatting. A screen that reports an outcome is shown only after the outcome's
record is durable; the engine sees to that by the order of its effects. The program speaks English
to itself, to the journal and to the companion: only what a person reads here is looked up in the
texts of the language that ``use`` chose.
"""

from terminal import columns, money

WIDTH = 21
MAX_LINES = 8  # in any language
ENGLISH = 0
CHINESE = 1
_LINES = 0
_MONEY = 1
_PHRASES = 2
_SCREENS = 3

# By F39, one string for all: a board's heap counts objects.
_DECLINES = """
13 Bad amount
14 Bad card number
51 Not enough money
54 Card expired
55 Wrong PIN
58 Not allowed here
61 Over the limit
91 Bank not reachable
"""
_chosen: list = []


def use(language: int) -> None:
    """From now on in this language; a terminal chooses once, and has only that one in memory."""
    if language == CHINESE:
        from terminal import texts_zh

        _chosen[:] = [texts_zh.LINES, texts_zh.MONEY, texts_zh.PHRASES, texts_zh.SCREENS]
    else:
        from terminal import texts_en

        _chosen[:] = [texts_en.LINES, texts_en.MONEY, texts_en.PHRASES, texts_en.SCREENS]


def _rare(which: int) -> str:
    """The same of the texts that few ever see."""
    if _text(_PHRASES):
        from terminal import texts_rare_zh

        return texts_rare_zh.SCREENS if which == _SCREENS else texts_rare_zh.PHRASES
    from terminal import texts_rare_en

    return texts_rare_en.SCREENS if which == _SCREENS else texts_rare_en.PHRASES


def _text(which: int):
    if not _chosen:
        use(ENGLISH)
    return _chosen[which]


def max_lines() -> int:
    """So many lines has a screen in the language in use."""
    return _text(_LINES)


def money_mark() -> str:
    """What stands before an amount."""
    return _text(_MONEY)


def decline_text(code: str) -> str:
    """A few words for the cashier about a declining F39, in English."""
    start = _DECLINES.find("\n" + code + " ")
    if start < 0:
        return "Declined by the bank"
    return _DECLINES[start + 4 : _DECLINES.find("\n", start + 4)]


def say(text: str, rare: bool = False) -> str:
    """What the program says in English, in the language in use; as it is when that has no words
    for it. Any number is looked up as 0 and put back in its place. ``rare``: first among the
    texts that few ever see."""
    phrases = _text(_PHRASES)
    if not phrases:
        return text
    key, numbers = _numberless(text)
    start = -1
    if rare:
        phrases = _rare(_PHRASES)
        start = phrases.find("\n" + key + "=")
    if start < 0:
        phrases = _text(_PHRASES)
        start = phrases.find("\n" + key + "=")
    if start < 0:
        return text
    start += len(key) + 2
    parts = phrases[start : phrases.find("\n", start)].split("0")
    said = parts[0]
    for i in range(len(numbers)):
        said += numbers[i] + parts[i + 1]
    return said


def _numberless(text: str) -> tuple[str, list]:
    key = ""
    numbers = []
    number = ""
    for char in text + "\n":
        if char.isdigit():
            number += char
            continue
        if number:
            key += "0"
            numbers.append(number)
            number = ""
        key += char
    return key[:-1], numbers


def lines(name: str, *values: object) -> list[str]:
    """The lines of a screen. One that is too long goes on in the next while the screen has lines
    to spare, and is cut otherwise. KeyError for a screen that is none."""
    screens = _text(_SCREENS)
    start = screens.find("\n@" + name + "\n")
    rare = start < 0
    if rare:
        screens = _rare(_SCREENS)
        start = screens.find("\n@" + name + "\n")
    if start < 0:
        raise KeyError(name)
    start += len(name) + 3
    said = [_said(value, rare) for value in values]
    rows = screens[start : screens.find("\n@", start)].format(*said).split("\n")
    most = _text(_LINES)
    for i in range(most):
        if i < len(rows):
            row = rows[i]
            rows[i] = columns.cut(row, WIDTH)
            if rows[i] != row and len(rows) < most:
                rows[i] = columns.words(row, WIDTH)
                rows.insert(i + 1, row[len(rows[i]) :].lstrip())
    return rows[:most]


def _said(value: object, rare: bool) -> object:
    if not isinstance(value, str):
        return value
    return "\n".join([say(row, rare) for row in value.split("\n")])


def displayed_amount(shown: list[str]) -> int:
    """The amount in minor units read back from the lines of an amount or confirm screen.

    Raises ValueError when there is none: then nothing may be charged.
    """
    mark = _text(_MONEY)
    for row in shown:
        if row.startswith(mark):
            return money.read(row[len(mark) :].split(" ")[0])
    raise ValueError("no amount on the screen")
