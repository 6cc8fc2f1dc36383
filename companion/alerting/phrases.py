"""What alerts say, in English and Chinese. No card number is in any of them, masked or not."""

from __future__ import annotations

from companion.alerting.alarm import Alarm, Fact
from companion.alerting.rules import RULES
from companion.reconcile import labels
from companion.reconcile.phrases import ENGLISH, LANGUAGES
from companion.reconcile.words import money

# A fact whose name ends so is money in minor units, a span in seconds, or the code of a break.
_MONEY, _SPAN, _CODE = "_minor", "_s", "code"

SENTENCES = {
    "reversal.waiting": (
        "the reversal of {amount_minor} (batch {batch}, STAN {stan}) has not ended for {age_s}",
        "{amount_minor} 的冲正（批次 {batch}，流水 {stan}）已 {age_s} 未完成",
    ),
    "reversal.suspended": (
        "the reversal of {amount_minor} (batch {batch}, STAN {stan}) was given up, open for "
        "{age_s}",
        "{amount_minor} 的冲正（批次 {batch}，流水 {stan}）已挂起，{age_s} 未解决",
    ),
    "reversal.charged": (
        "{amount_minor} was charged and its reversal (batch {batch}, STAN {stan}) has not ended "
        "for {age_s}",
        "已扣款 {amount_minor}，其冲正（批次 {batch}，流水 {stan}）已 {age_s} 未完成",
    ),
    "approval.fell": (
        "{rate} % of {answers} answers were approvals in {span_s}; usual are {usual} %",
        "{span_s} 内 {answers} 笔应答成功率 {rate}%，通常为 {usual}%",
    ),
    "statement.acquirer": (
        "{count} of the acquirer's statements ({channel}) missing, the oldest of {day} was due on "
        "{due}",
        "缺少收单机构对账单 {count} 份（{channel}），最早为 {day}，应于 {due} 前收到",
    ),
    "statement.payouts": (
        "{count} of the acquirer's lists of payouts ({channel}) missing, the oldest of {day} was "
        "due on {due}",
        "缺少收单机构划款清单 {count} 份（{channel}），最早为 {day}，应于 {due} 前收到",
    ),
    "statement.bank": (
        "{count} bank statements missing, the oldest of {day} was due on {due}",
        "缺少银行对账单 {count} 份，最早为 {day}，应于 {due} 前收到",
    ),
    "statement.terminal": (
        "the terminals' transactions of {count} days missing, the oldest of {day} were due on "
        "{due}",
        "缺少 {count} 天的终端交易，最早为 {day}，应于 {due} 前收到",
    ),
    "payout.break": (
        "{code}: {amount_minor}, settlement of {day} ({channel})",
        "{code}：{amount_minor}，结算日 {day}（{channel}）",
    ),
    "payout.unseen": (
        "no payout has come to the account that counts from {day} ({channel}); the first was due "
        "until {due}",
        "自 {day} 起的新结算账户（{channel}）尚无到账，首笔最迟应于 {due} 到账",
    ),
    "journal.full": (
        "about {percent} % of its journal is in use: {slots} slots a day, last synced {age_s} "
        "ago (an estimate from its records)",
        "日志约已用 {percent}%：每天约 {slots} 格，距上次同步 {age_s}（按已有记录估算）",
    ),
    "journal.told": (
        "{percent} % of its journal is in use after the last sync, {age_s} ago: {room} of {slots} "
        "slots are free (as it says itself; a batch that is never settled, or an open case, "
        "keeps its records)",
        "上次同步（{age_s} 前）后日志仍占用 {percent}%：{slots} 格中剩余 {room} 格"
        "（终端自报；未结算的批次和未结案件会占用日志）",
    ),
    "swipe.double": (
        "{amount_minor} was taken from one card twice within {span_s}: batch {batch}, STAN "
        "{first} and {stan}",
        "同一张卡在 {span_s} 内两次刷卡 {amount_minor}：批次 {batch}，流水 {first} 和 {stan}",
    ),
    "swipe.own": (
        "{amount_minor} on one of the merchant's own cards: batch {batch}, STAN {stan}",
        "商户自有卡在本店刷卡 {amount_minor}：批次 {batch}，流水 {stan}",
    ),
    "journal.damage": ("{code}: records {first} to {last}", "{code}：记录 {first} 至 {last}"),
    "case.overdue": (
        "case {case}: {code}, {amount_minor}, was due on {due}",
        "案件 {case}：{code}，{amount_minor}，应于 {due} 前处理",
    ),
    "terminal.silent": ("not synced for {age_s}", "已 {age_s} 未同步"),
}
_SPANS = (
    (2 * 86400, 86400, ("{} days", "{} 天")),
    (2 * 3600, 3600, ("{} hours", "{} 小时")),
    (120, 60, ("{} minutes", "{} 分钟")),
    (0, 1, ("{} seconds", "{} 秒")),
)
_WHERE = (("merchant {}", "terminal {}"), ("商户 {}", "终端 {}"))
_BETWEEN = (": ", "：")


def said(alarm: Alarm, language: str = ENGLISH) -> str:
    """An alarm as one line: what kind, where, and what."""
    place = LANGUAGES.index(language)
    between = _BETWEEN[place]
    names = (alarm.merchant_no, alarm.terminal_no)
    where = [form.format(name) for form, name in zip(_WHERE[place], names, strict=True) if name]
    shown = {name: _shown(name, value, language) for name, value in alarm.facts.items()}
    sentence = SENTENCES[alarm.phrase][place].format(**shown)
    return between.join([RULES[alarm.rule].label[place], *[" ".join(where)] * bool(where)]) + (
        between + sentence
    )


def _shown(name: str, value: Fact, language: str) -> str:
    if name == _CODE:
        return labels.label(str(value), language)
    if name.endswith(_MONEY):
        return money(int(value))
    if name.endswith(_SPAN):
        return span(int(value), language)
    return str(value)


def span(seconds: int, language: str) -> str:
    """How long, in the largest unit of which there are two."""
    for least, unit, forms in _SPANS:
        if seconds >= least:
            return forms[LANGUAGES.index(language)].format(seconds // unit)
    return "?"
