"""What to do next about a case, who does it, and in how many business days."""

from __future__ import annotations

from dataclasses import dataclass

from companion.cases import grouping, states
from companion.reconcile import codes
from companion.reconcile.phrases import LANGUAGES


@dataclass(frozen=True)
class Action:
    """The next step with a case: its deadline in business days, English and Chinese."""

    days: int
    text: tuple[str, str]

    def said(self, language: str) -> str:
        """In one of the languages."""
        return self.text[LANGUAGES.index(language)]


_CLAIM_BACK = (
    "refund the customer nothing yet; send the acquirer the evidence and ask that the charge be "
    "taken back",
    "先不要自行退款；把证据发给收单机构，要求冲回该笔扣款",
)
_CLAIM_PAY = (
    "send the acquirer the slip and the sealed records and ask that the sale be credited",
    "把签购单和封印记录发给收单机构，要求补入账",
)
_RELEASE = (
    "ask the acquirer to release the guarantee, and tell the customer by when",
    "要求收单机构解冻担保金额，并告知顾客期限",
)

_BY_KIND = {
    grouping.JOURNAL: Action(
        1,
        (
            "read the terminal's flash (companion journal read FLASH.bin --load); what stays lost "
            "is claimed with the acquirer's own rows",
            "读取终端闪存（companion journal read FLASH.bin --load）；仍缺失的按收单机构记录核对",
        ),
    ),
    grouping.UNSYNCED: Action(
        1,
        (
            "sync the terminal (companion sync); if it does not start, read its flash (companion "
            "journal read FLASH.bin --load)",
            "同步该终端（companion sync）；若无法启动，读取其闪存"
            "（companion journal read FLASH.bin --load）",
        ),
    ),
    grouping.UNKNOWN: Action(
        1,
        (
            "find the terminal of this number and sync it, or import its export; if the shop has "
            "none, report it to the acquirer at once",
            "找到该终端号的终端并同步，或导入其交易文件；若本店没有该终端，立即报告收单机构",
        ),
    ),
    grouping.ABSENT: Action(
        3,
        (
            "ask the acquirer for a complete statement of that day; send the sealed records of "
            "what is not in it",
            "向收单机构索取当日完整对账单；附上缺失交易的封印记录",
        ),
    ),
    grouping.LINE: Action(
        3,
        (
            "send the acquirer the reversals with their attempts and ask that each charge be "
            "taken back; check the shop's line",
            "把冲正及其尝试记录发给收单机构，要求逐笔冲回；检查门店网络",
        ),
    ),
    grouping.ACCOUNT: Action(
        1,
        (
            "send the acquirer the approved change of the account and ask that the payouts be "
            "sent again to the right one; look at the account's state at the bank",
            "把已批准的账户变更发给收单机构，要求重新划款至正确账户；向银行核实账户状态",
        ),
    ),
    grouping.PAYOUTS: Action(
        1,
        (
            "ask the acquirer for the payouts with their references, then the bank with those",
            "向收单机构查询划款及其批号，再凭批号向银行查询",
        ),
    ),
}

_BY_CODE = {
    codes.HOST_ONLY: Action(
        3,
        (
            "ask the acquirer for the slip and the terminal of this transaction",
            "向收单机构调取该笔交易的签购单和终端信息",
        ),
    ),
    codes.TERMINAL_ONLY: Action(3, _CLAIM_PAY),
    codes.NOT_CAPTURED: Action(3, _CLAIM_PAY),
    codes.AMOUNT_MISMATCH: Action(
        3,
        (
            "compare the slip with both amounts; ask the acquirer to correct it, or collect or "
            "refund the difference",
            "用签购单核对两个金额；要求收单机构更正，或向顾客补收、退还差额",
        ),
    ),
    codes.DUPLICATE_CHARGE: Action(2, _CLAIM_BACK),
    codes.DECLINED_BUT_CAPTURED: Action(2, _CLAIM_BACK),
    codes.REVERSED_BUT_SETTLED: Action(2, _CLAIM_BACK),
    codes.REVERSAL_STUCK: Action(2, _CLAIM_BACK),
    codes.REFUND_UNKNOWN: Action(
        1,
        (
            "do not refund once more; tell the customer that the refund is booked",
            "不要重复退货；告知顾客退款已入账",
        ),
    ),
    codes.VOID_NOT_APPLIED: Action(2, _CLAIM_BACK),
    codes.SELF_SWIPE: Action(
        5,
        (
            "ask the cashier what it was, mark it in the books, and report it where that is due",
            "向收银员核实原因，在账上标记，并按规定报告",
        ),
    ),
    codes.CLOCK_SKEW: Action(
        5,
        (
            "sync the terminal, which sets its clock; if it is off again, change the battery",
            "同步终端以校准时钟；若再次偏差，更换电池",
        ),
    ),
    codes.PREAUTH_OVER: Action(
        2,
        (
            "check the guarantee against the slip; give back what was taken beyond it",
            "用签购单核对担保金额；退还超出部分",
        ),
    ),
    codes.PREAUTH_UNDER: Action(
        1,
        (
            "have the difference guaranteed once more before the goods leave",
            "发货前补做差额的预授权",
        ),
    ),
    codes.PREAUTH_EXPIRED: Action(
        2,
        (
            "complete the guarantee if the service was given, else cancel it",
            "已提供服务的做预授权完成，否则做预授权撤销",
        ),
    ),
    codes.PREAUTH_NOT_RELEASED: Action(2, _RELEASE),
    codes.COMPLETION_DUPLICATE: Action(
        2,
        (
            "void the second completion, or ask the acquirer to take it back",
            "撤销第二次完成，或要求收单机构冲回",
        ),
    ),
    codes.BATCH_TOTALS_DIFFER: Action(
        2,
        (
            "compare the slips of the batch with its totals; send both to the acquirer",
            "核对该批次签购单与结算总额，一并发给收单机构",
        ),
    ),
    codes.BATCH_UNSETTLED: Action(
        1,
        (
            "ask the acquirer to settle the batch by hand, with its totals",
            "要求收单机构按批次总额手工结算",
        ),
    ),
    codes.PAYOUT_LATE: Action(
        5,
        ("ask the acquirer why, and whether it will be so again", "向收单机构询问迟到账的原因"),
    ),
    codes.PAYOUT_SHORT: Action(
        2,
        (
            "ask the acquirer for the settlement's composition: fees, chargebacks, reserves",
            "向收单机构索取结算明细：手续费、拒付、扣留",
        ),
    ),
    codes.PAYOUT_OVER: Action(
        3,
        (
            "do not spend it; ask the acquirer what it is for",
            "暂不动用；向收单机构询问款项来源",
        ),
    ),
    codes.PAYOUT_RETURNED: Action(
        1,
        (
            "ask the bank about the account's state, then the acquirer to pay again",
            "向银行核实账户状态，再要求收单机构重新划款",
        ),
    ),
    codes.FEE_DIFFERS: Action(
        10,
        (
            "send the acquirer the agreed plan and the list, and ask that the difference be paid",
            "把费率约定和清单发给收单机构，要求补付差额",
        ),
    ),
    codes.STATEMENT_MISSING: Action(
        1,
        (
            "fetch or ask for the statement and import it (companion import)",
            "下载或索取对账单并导入（companion import）",
        ),
    ),
}
_OTHER = Action(
    3, ("look at the evidence (companion case show)", "查看证据（companion case show）")
)

_IN_GRACE = Action(
    1,
    (
        "nothing has to be claimed yet: sync the terminals and import the next statement",
        "暂不必索赔：同步终端，导入下一份对账单",
    ),
)
_SENT = Action(
    5,
    (
        "wait for the answer; when the deadline passes, ask again",
        "等待答复；超过期限再次催问",
    ),
)
_REJECTED = Action(
    5,
    (
        "write it off with a second person, or take it up again with new evidence (case reopen)",
        "由第二人批准核销，或凭新证据重新提出（case reopen）",
    ),
)
_PROPOSED = Action(
    1,
    ("a second person approves or refuses the adjustment", "由第二人批准或拒绝该调整"),
)
_SQUARED = Action(
    1,
    (
        "it has squared itself: a second person refuses the adjustment (case refuse)",
        "已自行平账：由第二人拒绝该调整（case refuse）",
    ),
)
_DONE = Action(0, ("nothing: it is closed", "无：已关闭"))


def of(kind: str, code: str) -> Action:
    """The first action of a case of this kind, led by a break of this code."""
    return _BY_KIND.get(kind) or _BY_CODE.get(code) or _OTHER


def after_sending() -> Action:
    """What follows once a claim was sent."""
    return _SENT


def following(
    kind: str, code: str, state: str, proposed: bool, squared: bool, provisional: bool
) -> Action:
    """The next action of a case as it stands; ``provisional``: all of it may still go away."""
    if proposed:
        return _SQUARED if squared else _PROPOSED
    if state in (states.SENT, states.WAITING):
        return _SENT
    if state == states.REJECTED:
        return _REJECTED
    if state in states.CLOSED:
        return _DONE
    waits = provisional and kind in (grouping.SINGLE, grouping.ABSENT)
    return _IN_GRACE if waits else of(kind, code)
