"""Rules for closing a batch: settlement totals, batch upload, batch end. Pure.

F48 of a settlement is twice 31 digits, domestic and foreign cards: debit amount n12 and count n3,
credit amount n12 and count n3, reply n1. F48 of an upload is a count n2, at most 8, and for each
transaction class n2, STAN n6, PAN n20 and amount n12. F48 of a batch end is a count.
"""

from __future__ import annotations

from companion.acquirer import faults
from companion.acquirer.answers import (
    BAD_MAC,
    COUNT_DIFFERS,
    DUPLICATE,
    INVALID,
    MALFORMED,
    OK,
    SIGN_IN_FIRST,
    UNSUPPORTED,
    Decision,
    Known,
    Moment,
    answer,
    mac_is_wrong,
    missing,
)
from companion.acquirer.faults import Fault
from companion.acquirer.kinds import END_CODES
from companion.acquirer.records import (
    BALANCED,
    ENDED,
    UNBALANCED,
    Batch,
    Detail,
    SetBatch,
    StoreDetails,
    Sums,
    Write,
)
from companion.acquirer.wire import Message

UPLOAD_CODE = "201"
MAX_DETAILS = 8
_PART = 31
_DETAIL = 40
_AGREED, _DIFFERENT, _ERROR = "1", "2", "3"
_NEEDS = (11, 41, 42, 60)


def settle(request: Message, known: Known, moment: Moment, fault: Fault | None) -> Decision:
    stopped = _refusal(request, known, fault, (UPLOAD_CODE,), (*_NEEDS, 48))
    if stopped:
        return answer(request, moment, stopped)
    asked = request.get(48)
    before = known.batch
    if before is not None and asked == before.asked:
        return _answered(request, known, moment, before.answered)
    if len(asked) != 2 * _PART or (before is not None and before.state != UNBALANCED):
        return _answered(request, known, moment, _replied(asked, _ERROR))
    force = fault is not None and fault.do == faults.UNBALANCED
    # The host keeps no foreign cards, so only a part of zeros agrees with its books.
    foreign = asked[_PART:-1] == "0" * (_PART - 1)
    agreed = asked[: _PART - 1] == _totals(known.sums) and foreign and not force
    answered = _replied(asked, _AGREED if agreed else _DIFFERENT)
    state = Batch(BALANCED if agreed else UNBALANCED, asked, answered)
    change = SetBatch(request.terminal_no, request.batch, state)
    return _answered(request, known, moment, answered, (change,))


def upload(request: Message, known: Known, moment: Moment, fault: Fault | None) -> Decision:
    """0320: details, or the end of them."""
    stopped = _refusal(request, known, fault, (UPLOAD_CODE, *END_CODES), (*_NEEDS, 48))
    if not stopped and known.batch is None:
        stopped = INVALID  # no settlement request came before
    if stopped or known.batch is None:
        return answer(request, moment, stopped)
    if request.network_code in END_CODES:
        return _end(request, known, known.batch, moment)
    details = read_details(request.get(48))
    if details is None:
        return answer(request, moment, MALFORMED)
    if known.batch.state == ENDED:
        return answer(request, moment, DUPLICATE)
    change = StoreDetails(request.terminal_no, request.batch, details)
    return _answered(request, known, moment, request.get(48)[:2], (change,))


def read_details(text: str) -> tuple[Detail, ...] | None:
    """The details of an upload, None when they don't fit their count."""
    count = int(text[:2]) if len(text) >= 2 else 0
    if not 1 <= count <= MAX_DETAILS or len(text) != 2 + count * _DETAIL:
        return None
    parts = [text[at : at + _DETAIL] for at in range(2, len(text), _DETAIL)]
    return tuple(_detail(part) for part in parts)


def _detail(part: str) -> Detail:
    # A terminal that no longer has the middle of the PAN sends zeros there; it is not kept.
    pan = part[8:28].lstrip("0")
    card = f"{pan[:6]}*{pan[-4:]}" if pan else ""
    return Detail(part[:2], part[2:8], card, int(part[28:]))


def _end(request: Message, known: Known, batch: Batch, moment: Moment) -> Decision:
    if batch.state == UNBALANCED and int(request.get(48)) != known.details:
        return answer(request, moment, COUNT_DIFFERS)
    ended = Batch(ENDED, batch.asked, batch.answered)
    change = SetBatch(request.terminal_no, request.batch, ended)
    return _answered(request, known, moment, request.get(48), (change,))


def _refusal(
    request: Message,
    known: Known,
    fault: Fault | None,
    codes: tuple[str, ...],
    needed: tuple[int, ...],
) -> str:
    if known.session is None or known.session_keys is None:
        return SIGN_IN_FIRST
    if missing(request, needed):
        return MALFORMED
    # Some dialects send these without a MAC; one that is there has to be right.
    if request.get(64) and mac_is_wrong(request, known.session_keys):
        return BAD_MAC
    if request.message_type != "00" or request.network_code not in codes:
        return UNSUPPORTED
    if known.batch is None and request.batch != known.session.batch:
        return INVALID
    return fault.f39 if fault is not None and fault.do == faults.DECLINE else ""


def _answered(
    request: Message, known: Known, moment: Moment, f48: str, writes: tuple[Write, ...] = ()
) -> Decision:
    """00, with a MAC if the request had one."""
    keys = known.session_keys if request.get(64) else None
    return answer(request, moment, OK, extra={48: f48}, writes=writes, keys=keys)


def _replied(asked: str, reply: str) -> str:
    whole = asked.ljust(2 * _PART, "0")[: 2 * _PART]
    return whole[: _PART - 1] + reply + whole[_PART:-1] + reply


def _totals(sums: Sums) -> str:
    return (
        f"{sums.debit_minor:012d}{sums.debit_count:03d}"
        f"{sums.credit_minor:012d}{sums.credit_count:03d}"
    )
