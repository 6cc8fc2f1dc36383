"""What breaks say, in English and Chinese: sentences with places for amounts, days and names."""

from __future__ import annotations

from collections.abc import Mapping

ENGLISH = "en"
CHINESE = "zh"
LANGUAGES = (ENGLISH, CHINESE)

_NONE: Mapping[str, object] = {}

# name: (English, Chinese)
PHRASES = {
    # Terminal and acquirer.
    "host_only": (
        "the acquirer has {there} as {status}; no synced terminal knows of it",
        "收单机构有一笔 {there}（{status}），已同步的终端均无此交易",
    ),
    "host_only.no_money": (
        "the acquirer has {there} as {status}, nobody was charged; no synced terminal knows of it",
        "收单机构有一笔 {there}（{status}，未扣款），已同步的终端均无此交易",
    ),
    "host_only.unseen": (
        "the acquirer captured {there} after the last record that is known of the terminal: "
        "sync it",
        "收单机构入账 {there}，时间晚于该终端最后一条已知记录：请同步终端",
    ),
    "host_only.lost": (
        "the acquirer captured {there}; the terminal's journal has a gap",
        "收单机构入账 {there}；该终端日志有缺口",
    ),
    "terminal_only": (
        "the terminal approved {here}; the acquirer's statement does not have it",
        "终端显示成功 {here}，收单机构对账单中没有这笔交易",
    ),
    "not_captured": (
        "the terminal approved {here}; the acquirer has it as {status}",
        "终端显示成功 {here}，收单机构记为{status}",
    ),
    "amount_mismatch": (
        "the terminal displayed {here}; the acquirer captured {there}",
        "终端显示金额 {here}，收单机构入账 {there}",
    ),
    "amount_mismatch.direction": (
        "the terminal has {here} as {kind_here}; the acquirer has {there} as {kind_there}",
        "终端记为{kind_here} {here}，收单机构记为{kind_there} {there}",
    ),
    "duplicate_charge": (
        "the acquirer charged {there} once more on the same card; the terminal has it once",
        "收单机构对同一张卡重复入账 {there}，终端只有一笔",
    ),
    "duplicate_charge.twin": ("the other one has RRN {twin}", "另一笔参考号 {twin}"),
    "declined_but_captured": (
        "the terminal was told {code}, declined; the acquirer captured {there}",
        "终端收到应答码 {code}（拒绝），收单机构却入账 {there}",
    ),
    "reversed_but_settled": (
        "the acquirer answered {code} to the reversal and captured {there} all the same",
        "收单机构对冲正应答 {code}，却仍然入账 {there}",
    ),
    "reversed_but_settled.silent": (
        "the terminal reversed it; the acquirer captured {there} all the same",
        "终端已冲正，收单机构却仍然入账 {there}",
    ),
    "reversal_stuck.suspended": (
        "the reversal was suspended after {tries} tries; the acquirer captured {there}",
        "冲正尝试 {tries} 次后挂起，收单机构已入账 {there}",
    ),
    "reversal_stuck.undecided": (
        "the answer {code} left it undecided; the acquirer captured {there}",
        "应答码 {code} 结果不明，收单机构已入账 {there}",
    ),
    "reversal_stuck.open": (
        "the terminal does not know how it ended; the acquirer captured {there}",
        "终端不知道交易结果，收单机构已入账 {there}",
    ),
    "reversal_stuck.pending": (
        "unfinished when the terminal was last synced; the acquirer captured {there}: sync again",
        "终端上次同步时交易未完成，收单机构已入账 {there}：请再次同步",
    ),
    "refund_unknown": (
        "the terminal does not know how its refund of {here} ended; the acquirer gave {there} "
        "back",
        "终端不知道退货 {here} 的结果，收单机构已退 {there}",
    ),
    "void_not_applied": (
        "voided at the terminal, {here}; the acquirer has the void as {status}: the customer is "
        "still charged",
        "终端已撤销 {here}，收单机构的撤销记为{status}：顾客仍被扣款",
    ),
    "void_not_applied.absent": (
        "voided at the terminal, {here}; the acquirer's statement has no void: the customer is "
        "still charged",
        "终端已撤销 {here}，收单机构对账单中没有撤销：顾客仍被扣款",
    ),
    "self_swipe": (
        "{here} on one of the merchant's own cards, {card}",
        "商户自有卡 {card} 在本店终端刷卡 {here}（自刷）",
    ),
    "clock_skew": (
        "the terminal's clock was up to {minutes} minutes {way} the acquirer's",
        "终端时钟与收单机构最多相差 {minutes} 分钟（{way}）",
    ),
    "clock_skew.unknown": (
        "the terminal's clock was more than ten minutes off",
        "终端时钟偏差超过十分钟",
    ),
    # Pre-authorisations.
    "preauth_over.held": (
        "the guarantee was displayed as {here}; the acquirer holds {there}, {amount} too much",
        "终端显示担保金额 {here}，收单机构冻结 {there}，多 {amount}",
    ),
    "preauth_over.completed": (
        "completions took {amount} more than the guarantee allows",
        "预授权完成金额超出担保允许额度 {amount}",
    ),
    "preauth_over.sums": (
        "held {hold}, completed {done}, allowed {percent} %",
        "担保 {hold}，已完成 {done}，允许 {percent}%",
    ),
    "preauth_under": (
        "the guarantee was displayed as {here}; the acquirer holds only {there}, {amount} too "
        "little",
        "终端显示担保金额 {here}，收单机构仅冻结 {there}，少 {amount}",
    ),
    "preauth_expired": (
        "a guarantee of {amount} was neither completed nor cancelled in time",
        "担保 {amount} 逾期，既未完成也未撤销",
    ),
    "preauth_expired.since": ("held since {hold_day}", "自 {hold_day} 起冻结"),
    "preauth_not_released": (
        "cancelled or undone at the terminal; the acquirer still holds {amount}",
        "终端已撤销或冲正，收单机构仍冻结 {amount}",
    ),
    "completion_duplicate": (
        "a second completion of one guarantee, {amount}",
        "同一笔担保第二次完成，{amount}",
    ),
    "completion_duplicate.first": ("the first has {first}", "第一次：{first}"),
    # Acquirer and bank.
    "payout_missing": (
        "nothing of the payout of {amount} has come to the bank",
        "应到账 {amount}，银行未收到",
    ),
    "payout_late": (
        "the payout of {amount} came late",
        "{amount} 迟到账",
    ),
    "payout_short": (
        "the payout is {amount} short",
        "到账少 {amount}",
    ),
    "payout_over": (
        "the payout is {amount} too much",
        "到账多 {amount}",
    ),
    "payout_over.stray": (
        "{amount} came to the bank as a payout that no settlement explains",
        "银行收到 {amount}，没有对应的结算",
    ),
    "payout_old_account": (
        "{amount} went to the former settlement account",
        "{amount} 仍打入原结算账户",
    ),
    "payout_wrong_account": (
        "{amount} went to an account that never was the merchant's settlement account",
        "{amount} 打入从未登记过的账户",
    ),
    "payout_returned": (
        "the payout of {amount} was sent back and not paid again",
        "{amount} 被退回，尚未重新付款",
    ),
    "payout.settled": ("settlement of {settle_day}", "结算日 {settle_day}"),
    "payout.ref": ("reference {ref}", "结算批号 {ref}"),
    "payout.due": ("due {pay_day}", "应到账日 {pay_day}"),
    "payout.latest": ("at the latest {late_day}", "最迟 {late_day}"),
    "payout.paid": ("came {paid_day}", "实际到账日 {paid_day}"),
    "payout.sums": ("owed {net}, received {got}", "应收 {net}，实收 {got}"),
    "payout.account": ("account {account}", "账户 {account}"),
    "payout.valid_to": ("valid until {valid_to}", "有效期至 {valid_to}"),
    "payout.wanted": ("the right one is {wanted}", "正确账户 {wanted}"),
    "payout.why": ("reason given: {why}", "退回原因：{why}"),
    "fee_differs": (
        "the acquirer kept a fee that differs by {amount} from the agreed one",
        "手续费与约定相差 {amount}",
    ),
    "fee_differs.sums": ("kept {fee}, agreed {expected}", "实扣 {fee}，约定 {expected}"),
    "statement_missing.acquirer": (
        "the acquirer's statement of {day} is not here",
        "缺少收单机构 {day} 的对账单",
    ),
    "statement_missing.payouts": (
        "the acquirer's list of payouts of {day} is not here",
        "缺少收单机构 {day} 的划款清单",
    ),
    "statement_missing.bank": (
        "the bank statement of {day} is not here",
        "缺少银行 {day} 的对账单",
    ),
    "statement_missing.terminal": (
        "the terminals' transactions of {day} are not here",
        "缺少 {day} 的终端交易",
    ),
    "statement_missing.due": ("expected until {due_day}", "应于 {due_day} 前收到"),
    "statement_missing.waiting": (
        "approved transactions of {amount} wait for it",
        "有 {amount} 的成功交易等待核对",
    ),
    # A journal.
    "journal": (
        "journal of {device}, {records}: {problem}",
        "{device} 日志，{records}：{problem}",
    ),
    "record": ("record {first}", "记录 {first}"),
    "records": ("records {first} to {last}", "记录 {first} 至 {last}"),
    # Behind any of them.
    "by_amount": (
        "matched by amount and time only",
        "仅按金额和时间匹配，置信度低",
    ),
    "in_grace": (
        "the other side's record may still come",
        "对方记录可能仍会到达",
    ),
    "ahead": ("ahead of", "偏快"),
    "behind": ("behind", "偏慢"),
    # Why one closes.
    "closed.MATCHED": (
        "both sides now agree: approved here, captured there, the same amount",
        "双方一致：终端成功，收单机构已入账，金额相同",
    ),
    "closed.DECLINED": (
        "both sides now agree: declined, nothing captured",
        "双方一致：已拒绝，未入账",
    ),
    "closed.REVERSED": (
        "both sides now agree: reversed, nothing captured",
        "双方一致：已冲正，未入账",
    ),
    "closed.HEALED": (
        "the acquirer has not captured it: nobody was charged",
        "收单机构未入账：顾客未被扣款",
    ),
    "closed.WAITING": (
        "waiting for the acquirer's statement of that day",
        "等待收单机构当日对账单",
    ),
    "closed.other": ("it is now {verdict}", "现为 {verdict}"),
    "closed.gone": (
        "no file or journal has this transaction any more",
        "文件和日志中已无此交易",
    ),
    "closed.JOURNAL_GAP": (
        "the records are there now and their seals hold",
        "记录已补齐，封印有效",
    ),
    "closed.JOURNAL_ALTERED": ("the records carry their seals now", "记录的封印现已有效"),
    "closed.JOURNAL_ROLLBACK": (
        "the records stand on those before them now",
        "记录现已与之前的记录衔接",
    ),
    "closed.BATCH_UNSETTLED": ("the acquirer has settled the batch since", "批次已结算"),
    "closed.BATCH_TOTALS_DIFFER": (
        "the batch's transactions add up to its totals now",
        "批次交易与总额现已一致",
    ),
    "closed.STATEMENT_MISSING": ("the statement is here now", "对账单已收到"),
    "closed.PAYOUT": (
        "the bank's bookings and the settlement agree now",
        "银行入账与结算现已一致",
    ),
    "closed.PREAUTH": (
        "the guarantee was completed or cancelled since, or both sides agree now",
        "担保已完成或撤销，或双方现已一致",
    ),
    "closed.COMPLETION_DUPLICATE": (
        "it is the only completion of its guarantee now",
        "该担保现仅有一次完成",
    ),
    "closed.CLOCK_SKEW": (
        "with what is here now the clock was right enough",
        "按现有数据时钟偏差正常",
    ),
    "closed.FEE_DIFFERS": ("the fee agrees with the plan now", "手续费现与约定一致"),
    "closed.SELF_SWIPE": (
        "the card is none of the merchant's own ones any more, or the sale is undone",
        "该卡不再登记为自有卡，或交易已撤销",
    ),
}

STATUSES = {
    "CAPTURED": ("captured", "已入账"),
    "AUTHORISED": ("authorised", "已授权"),
    "REVERSED": ("reversed", "已冲正"),
    "DECLINED": ("declined", "已拒绝"),
}
KINDS = {
    "SALE": ("a sale", "消费"),
    "VOID": ("a void", "消费撤销"),
    "REFUND": ("a refund", "退货"),
    "PREAUTH": ("a pre-authorisation", "预授权"),
    "PREAUTH_CANCEL": ("a cancelled pre-authorisation", "预授权撤销"),
    "COMPLETION": ("a completion", "预授权完成"),
    "COMPLETION_NOTICE": ("a completion", "预授权完成"),
    "COMPLETION_VOID": ("a voided completion", "预授权完成撤销"),
}


def _of(table: dict[str, tuple[str, str]], name: str, language: str) -> str:
    pair = table.get(name)
    return name.lower() if pair is None else pair[LANGUAGES.index(language)]


def phrase(name: str, language: str, values: Mapping[str, object] = _NONE) -> str:
    """A sentence or a part of one; KeyError when a place in it has no value."""
    return PHRASES[name][LANGUAGES.index(language)].format_map(values)


def status(name: str, language: str) -> str:
    """What the acquirer calls the state of a row."""
    return _of(STATUSES, name, language)


def kind(name: str, language: str) -> str:
    """A type of transaction."""
    return _of(KINDS, name, language)
