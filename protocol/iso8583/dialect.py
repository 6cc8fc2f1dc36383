"""An acquirer's dialect as the codec and the engine use it: a checked profile without its reader.

Apart from profile.py, which reads it from JSON: a board drops the reader when it is done.
"""


class ProfileError(ValueError):
    """A profile that breaks its format: "line 84: transactions.sale.mti is not text".

    ``path`` is the offending key, "" the whole profile; ``line`` counts from 1, 0 is not known.
    """

    def __init__(self, path: str, what: str, line: int = 0) -> None:
        where = f"line {line}: " if line else ""
        # What is quoted from a profile may be long, or act on a screen.
        text = f"{where}{path or 'profile'} {what}"[:200]
        super().__init__("".join([char if " " <= char <= "~" else "?" for char in text]))
        self.path = path
        self.what = what
        self.line = line


class Transaction:
    """One transaction of a profile: its MTI, fixed values and fields.

    ``unanswered`` is one of transaction.UNANSWERED. ``repeat_mti`` is the MTI of a reversal's
    second and later tries, the MTI itself where the profile has no other.
    """

    def __init__(self, name: str, mti: str, repeat_mti: str, unanswered: str) -> None:
        self.name = name
        self.mti = mti
        self.repeat_mti = repeat_mti
        self.unanswered = unanswered
        self.mac = False
        self.reverses = False
        self.constants: dict[str, str] = {}
        self.required = b""
        self.fields = b""

    @property
    def reversible(self) -> bool:
        return self.unanswered == "reverse"


class Profile:
    """A checked profile. Read the attributes, do not change them.

    ``table[number]`` is None or the codec's entry (kind, bytes of length prefix, shortest,
    longest, right-aligned); it ends at 64 or, with fields of the second bitmap, at 128. Lengths
    count digits for n and z, characters for an and ans, and bytes for b. ``mti_at`` is the byte
    at which the MTI starts. ``answers``: MTI -> (MTI, ((name, field, from, to), ...)) is what
    matches an answer to a request.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.response_ms = 0
        self.backup_after = 0
        self.partial = ""
        self.defaults: dict[str, str] = {}
        self.tpdu_id = 0
        self.max_message = 0
        self.header = ""
        self.requirement_at = 0
        self.requirements: tuple[str, ...] = ()
        self.mti_at = 0
        self.mac_algorithm = ""
        self.mac_key_lengths: tuple[int, ...] = ()
        self.key_block = ""
        self.mac_required_on: tuple[str, ...] = ()
        self.reversal_tries = 0
        self.reversal_wait_ms = 0
        self.reversal_same_day = False
        self.reasons: dict[str, str] = {}
        self.preauth_percent = 0
        self.preauth_days = 0
        self.table: list[tuple[str, int, int, int, bool] | None] = []
        self.names: dict[int, str] = {}
        self.parts: dict[int, tuple[tuple[str, int], ...]] = {}
        self.transactions: dict[str, Transaction] = {}
        self.answers: dict[str, tuple[str, tuple[tuple[str, int, int, int], ...]]] = {}
        self.actions: dict[str, dict[str, str]] = {}

    def transaction(self, name: str) -> Transaction:
        """The transaction called ``name``; raises ProfileError when there is none."""
        if name not in self.transactions:
            raise ProfileError("transactions." + name, "is missing")
        return self.transactions[name]

    def action(self, column: str, code: str) -> str:
        """What F39 ``code`` ("" when the answer has none) asks for; a name out of ACTIONS[column].

        ``column`` is "request", "reversal" or "settlement".
        """
        actions = self.actions[column]
        return actions.get(code or "missing") or actions["other"]

    def requirement(self, digit: int) -> str:
        """The name of the processing requirement in a header; "none" for a digit not assigned."""
        return self.requirements[digit] if digit < len(self.requirements) else "none"
