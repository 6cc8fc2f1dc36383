"""The transactions the host does: how each looks on the wire, and what it does to the books."""

from __future__ import annotations

from dataclasses import dataclass

from companion.acquirer.wire import Message

REVERSAL_MTIS = ("0400", "0401", "0420", "0421")


@dataclass(frozen=True)
class Kind:
    """One kind of transaction. ``sign`` is +1 when the customer is debited, -1 when credited, 0
    when no money moves."""

    name: str
    mti: str
    processing: str
    condition: str
    message_type: str
    sign: int
    originals: tuple[str, ...] = ()
    reversible: bool = True

    @property
    def hold(self) -> int:
        """+1 when it holds an amount on the card, -1 when it gives its original's hold back."""
        return {PREAUTH: 1, PREAUTH_CANCEL: -1, COMPLETION: -1, COMPLETION_NOTICE: -1}.get(
            self.name, 0
        )


SALE = "SALE"
VOID = "VOID"
REFUND = "REFUND"
PREAUTH = "PREAUTH"
PREAUTH_CANCEL = "PREAUTH_CANCEL"
COMPLETION = "COMPLETION"
COMPLETION_NOTICE = "COMPLETION_NOTICE"
COMPLETION_VOID = "COMPLETION_VOID"
BALANCE = "BALANCE"

COMPLETIONS = (COMPLETION, COMPLETION_NOTICE)
KINDS = {
    kind.name: kind
    for kind in (
        Kind(SALE, "0200", "000000", "00", "22", 1),
        Kind(VOID, "0200", "200000", "00", "23", -1, (SALE,)),
        Kind(REFUND, "0220", "200000", "00", "25", -1, (SALE, *COMPLETIONS), reversible=False),
        Kind(PREAUTH, "0100", "030000", "06", "10", 0),
        Kind(PREAUTH_CANCEL, "0100", "200000", "06", "11", 0, (PREAUTH,)),
        Kind(COMPLETION, "0200", "000000", "06", "20", 1, (PREAUTH,)),
        Kind(COMPLETION_NOTICE, "0220", "", "06", "24", 1, (PREAUTH,), reversible=False),
        Kind(COMPLETION_VOID, "0200", "200000", "06", "21", -1, COMPLETIONS),
        Kind(BALANCE, "0200", "310000", "00", "01", 0, reversible=False),
    )
}
_BY_MESSAGE_TYPE = {kind.message_type: kind for kind in KINDS.values()}

# What else a request may be, for fault scripts.
SIGN_IN = "SIGN_IN"
SETTLEMENT = "SETTLEMENT"
BATCH_UPLOAD = "BATCH_UPLOAD"
BATCH_END = "BATCH_END"
OTHER_TYPES = (SIGN_IN, SETTLEMENT, BATCH_UPLOAD, BATCH_END)
END_CODES = ("202", "207")


def of(request: Message) -> Kind | None:
    """The kind of a financial request, or of the original of a reversal; None for a combination
    of MTI, processing code, condition and message type that the host does not do."""
    kind = _BY_MESSAGE_TYPE.get(request.message_type)
    if kind is None or request.get(25) != kind.condition:
        return None
    if request.mti not in (kind.mti, *REVERSAL_MTIS):
        return None
    # A completion notice has no processing code of its own.
    if request.get(3) != kind.processing and (kind.processing or request.get(3) != "000000"):
        return None
    return kind


def type_name(request: Message) -> str:
    """What a fault script's ``type`` is compared with: of a reversal, its original's type."""
    if request.mti == "0800":
        return SIGN_IN
    if request.mti == "0500":
        return SETTLEMENT
    if request.mti == "0320":
        return BATCH_END if request.network_code in END_CODES else BATCH_UPLOAD
    kind = of(request)
    return kind.name if kind else ""
