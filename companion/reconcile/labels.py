"""What people call each break: one label in English and one in Chinese.

长款 and 短款 are used both ways by different houses, so which one means what is a setting; the
codes are the same everywhere.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from sqlalchemy import Connection

from companion.errors import CompanionError
from companion.reconcile import codes
from companion.reconcile.phrases import CHINESE, ENGLISH, LANGUAGES
from companion.store import settings

Surplus = str

# Who has more when a house says 长款: the acquirer, or the shop.
ACQUIRER_HAS_MORE: Surplus = "acquirer"
SHOP_HAS_MORE: Surplus = "shop"
NEITHER: Surplus = ""
SETTING = "labels.surplus"
_CHOICES = (ACQUIRER_HAS_MORE, SHOP_HAS_MORE, NEITHER)

_LONG, _SHORT = "长款", "短款"

LABELS = {
    codes.HOST_ONLY: ("only the acquirer has it", "收单方单边账"),
    codes.TERMINAL_ONLY: ("only the terminal has it", "终端方单边账"),
    codes.AMOUNT_MISMATCH: ("amounts differ", "金额不符"),
    codes.DUPLICATE_CHARGE: ("charged twice", "重复扣款"),
    codes.DECLINED_BUT_CAPTURED: ("declined but charged", "终端失败但已扣款"),
    codes.REVERSED_BUT_SETTLED: ("reversed but charged", "已冲正但仍入账"),
    codes.REVERSAL_STUCK: ("reversal not finished, charged", "冲正未完成，已扣款"),
    codes.NOT_CAPTURED: ("approved but not charged", "终端成功但未入账"),
    codes.REFUND_UNKNOWN: ("refund not known at the terminal", "退货结果不明"),
    codes.VOID_NOT_APPLIED: ("void not applied", "撤销未生效"),
    codes.SELF_SWIPE: ("own card swiped", "自刷"),
    codes.CLOCK_SKEW: ("clock is wrong", "终端时钟偏差"),
    codes.PREAUTH_OVER: ("guarantee too high", "担保金额超额"),
    codes.PREAUTH_UNDER: ("guarantee too low", "担保金额不足"),
    codes.PREAUTH_EXPIRED: ("guarantee expired", "担保逾期"),
    codes.PREAUTH_NOT_RELEASED: ("guarantee not released", "担保未解除"),
    codes.COMPLETION_DUPLICATE: ("completed twice", "预授权重复完成"),
    codes.BATCH_TOTALS_DIFFER: ("batch totals differ", "批次总额不符"),
    codes.BATCH_UNSETTLED: ("batch not settled", "批次未结算"),
    codes.PAYOUT_MISSING: ("payout missing", "结算款未到账"),
    codes.PAYOUT_LATE: ("payout late", "结算款迟到账"),
    codes.PAYOUT_SHORT: ("payout short", "结算款少到账"),
    codes.PAYOUT_OVER: ("payout too high", "结算款多到账"),
    codes.PAYOUT_OLD_ACCOUNT: ("paid to the old account", "划入原结算账户"),
    codes.PAYOUT_WRONG_ACCOUNT: ("paid to a wrong account", "划入错误账户"),
    codes.PAYOUT_RETURNED: ("payout returned", "结算款被退回"),
    codes.FEE_DIFFERS: ("fee differs", "手续费不符"),
    codes.STATEMENT_MISSING: ("statement missing", "缺少对账单"),
    codes.JOURNAL_GAP: ("journal has a gap", "终端日志缺口"),
    codes.JOURNAL_ALTERED: ("journal was altered", "终端日志被改动"),
    codes.JOURNAL_ROLLBACK: ("journal was rolled back", "终端日志被回滚"),
}
# Which of the two labels a difference between the books carries, and no other break does.
_TWO_SIDED = (
    codes.HOST_ONLY,
    codes.TERMINAL_ONLY,
    codes.AMOUNT_MISMATCH,
    codes.DUPLICATE_CHARGE,
    codes.DECLINED_BUT_CAPTURED,
    codes.REVERSED_BUT_SETTLED,
    codes.REVERSAL_STUCK,
    codes.NOT_CAPTURED,
    codes.REFUND_UNKNOWN,
    codes.VOID_NOT_APPLIED,
)


def label(
    code: str, language: str = ENGLISH, effect_minor: int = 0, surplus: Surplus = NEITHER
) -> str:
    """What a break is called; in Chinese with 长款 or 短款 when the house has said which is which.

    ``effect_minor`` is customer debit minus merchant books: positive, and the acquirer has more.
    """
    said = LABELS[code][LANGUAGES.index(language)]
    if language != CHINESE or surplus == NEITHER or not effect_minor or code not in _TWO_SIDED:
        return said
    is_long = (effect_minor > 0) == (surplus == ACQUIRER_HAS_MORE)
    return f"{said}（{_LONG if is_long else _SHORT}）"


def surplus(connection: Connection) -> Surplus:
    """What this store's house calls 长款."""
    return settings.get(connection, SETTING, NEITHER)


def choose(connection: Connection, who: Surplus) -> None:
    """Record who has more when this house says 长款; NEITHER shows neither word."""
    if who not in _CHOICES:
        shown = ", ".join(repr(one) for one in _CHOICES)
        raise CompanionError(f"{who!r}: 长款 is one of {shown}")
    settings.put(connection, SETTING, who)


def with_evidence(item: Mapping[str, object]) -> dict[str, object]:
    """A row of breaks with its evidence read."""
    evidence = item["evidence"]
    return {**item, "evidence": json.loads(evidence) if isinstance(evidence, str) else evidence}
