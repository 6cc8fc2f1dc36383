"""The targets by name, and how many of 10000 cases each of them gets.

The slow ones get few: what a case costs differs by a factor of thousands.
"""

# Those that run on both interpreters: name -> (module, class, argument)
SHARED = {
    "frame": ("decoders", "Frame", None),
    "cbor": ("decoders", "Cbor", None),
    "message": ("decoders", "Message", None),
    "record": ("decoders", "Record", None),
    "config": ("decoders", "Config", None),
    "push": ("pushes", "Push", None),
    "terminal session": ("sessions", "TerminalSession", None),
    "companion session": ("sessions", "CompanionSession", None),
    "unionpay_pos": ("iso8583", "Codec", "unionpay_pos"),
    "iso8583_1987": ("iso8583", "Codec", "iso8583_1987"),
    "answer": ("iso8583", "Answer", None),
    "wire": ("iso8583", "Wire", None),
    "card reader": ("hardware", "CardReader", None),
    "reader chip": ("hardware", "ReaderChip", None),
}
HOST = {
    "flash image": ("files", "FlashImage", None),
    "journal": ("evidence", "Journal", None),
    "statement": ("statements", "Statement", None),
    "mapping": ("statements", "Mapped", None),
    "profile": ("files", "ProfileText", None),
}
SHARES = {
    "frame": 1800,
    "cbor": 1900,
    "message": 1400,
    "record": 800,
    "config": 300,
    "push": 100,
    "terminal session": 750,
    "companion session": 750,
    "unionpay_pos": 750,
    "iso8583_1987": 750,
    "answer": 200,
    "wire": 200,
    "card reader": 100,
    "reader chip": 100,
    "flash image": 10,
    "journal": 1,
    "statement": 56,
    "mapping": 3,
    "profile": 30,
}


def build(name: str):  # type: ignore[no-untyped-def]
    """The target of this name."""
    module, kind, argument = SHARED[name] if name in SHARED else HOST[name]
    made = getattr(getattr(__import__("tests.fuzz." + module).fuzz, module), kind)
    return made() if argument is None else made(argument)
