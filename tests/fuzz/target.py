"""What the fuzzer needs to know of one reader of outside bytes."""

from binascii import crc32

from tests.shared.expect import Random


class Target:
    """``make`` draws an input, ``read`` gives it to the reader, ``check`` doubts what was read.

    ``read`` may raise one of ``refusals``, ``check`` nothing but AssertionError for a broken
    promise; anything else is a crash. ``check`` returns bytes that say what was read, the same on
    both interpreters. ``memory`` is what one input may make both allocate: (bytes, bytes for each
    byte of input). ``steps`` are source lines run, counted alike.
    """

    name = ""
    refusals: "tuple[type[Exception], ...]" = (ValueError,)
    # An empty array is one byte of input and, in a list, 64 bytes of memory.
    memory = (8192, 80)
    steps = (4000, 40)

    def make(self, dice: Random) -> bytes:
        raise NotImplementedError

    def read(self, data: bytes) -> object:
        raise NotImplementedError

    def check(self, data: bytes, found) -> bytes:  # type: ignore[no-untyped-def]
        raise NotImplementedError

    def case(self, seed: int, number: int) -> bytes:
        """The input of one case; every case has dice of its own, so that it can be run alone."""
        return self.make(Random(crc32(f"{seed} {self.name} {number}".encode())))

    def outcome(self, data: bytes) -> bytes:
        """What ``check`` says of an input, or the name of the refusal, whose text is checked."""
        try:
            found = self.read(data)
        except self.refusals as error:
            text = str(error)
            # It goes to a terminal's line of text, a log, a message that is bounded.
            text.encode()
            assert text and len(text) < 1000, f"a refusal of {len(text)} characters"
            return b"refused: " + type(error).__name__.encode()
        return self.check(data, found)


def pick(dice: Random, items: "list[bytes]") -> bytes:
    """One of them."""
    return items[dice.below(len(items))]
