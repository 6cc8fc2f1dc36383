"""The causes of breaks, and the sentences of what speaks for them, in English and Chinese."""

from __future__ import annotations

from companion.reconcile import problems
from companion.reconcile.phrases import LANGUAGES

CAUSES = {
    # At the terminal.
    "restarted": (
        "the terminal lost power or restarted in the middle of it",
        "交易过程中终端断电或重启",
    ),
    "no_answer": ("the acquirer's answer did not come in time", "收单机构未在时限内应答"),
    "line_down": ("the shop's line was down", "门店网络中断"),
    "late_answer": ("the answer came after the time-out", "应答超时后才到达"),
    "slow_host": ("the acquirer answered slowly", "收单机构应答缓慢"),
    "bad_answer": ("the answer was damaged or did not fit", "应答损坏或不匹配"),
    "bad_mac": ("the answer's MAC was wrong", "应答报文 MAC 校验失败"),
    "chip_refused": ("the card's chip did not agree", "芯片卡拒绝交易"),
    "host_code": ("the acquirer's answer left it open", "收单机构应答结果不明"),
    "reversal_refused": ("the acquirer refused the reversal", "收单机构拒绝冲正"),
    "gave_up": ("the terminal could not try any longer", "终端无法继续重试"),
    "display_sent": (
        "the terminal sent another amount than it displayed: its software or set-up",
        "终端发送金额与显示金额不一致：软件或配置问题",
    ),
    "corrected": (
        "the cashier corrected something on the same card at that time",
        "收银员当时对同一张卡做过更正",
    ),
    "typed": ("the card or amount was typed by hand", "卡号或金额为手工输入"),
    "decimal_place": ("typed or booked with a digit too many or too few", "金额多输或少输一位"),
    "partial": ("the acquirer approved a part only", "收单机构仅部分批准"),
    "replaced": ("another terminal has taken its place", "该终端已被替换"),
    "clock_lost": ("the terminal's clock was lost and set again", "终端时钟曾丢失并重新校准"),
    "clock_drift": ("the terminal's clock runs wrong", "终端时钟走时不准"),
    # Records.
    "journal_lost": ("records of that time are lost", "该时段的记录已丢失"),
    "not_synced": ("the terminal was not synced since", "该终端此后未同步"),
    "unknown_terminal": ("no terminal of this number is known", "未登记该终端号的终端"),
    "flash": ("the terminal's flash is damaged or worn", "终端闪存损坏或老化"),
    "exchanged": (
        "the terminal's flash was exchanged, rolled back or changed",
        "终端闪存被更换、回滚或改动",
    ),
    "loose_match": (
        "the pair was found by amount and time only: they may be two transactions",
        "仅按金额和时间配对：可能是两笔不同交易",
    ),
    # At the acquirer.
    "file_incomplete": ("the acquirer's statement is not complete", "收单机构对账单不完整"),
    "cut_off": (
        "made close to the acquirer's cut-off: it may be in the next day's statement",
        "交易临近日切：可能在次日对账单中",
    ),
    "reversed_there": ("the acquirer reversed it on its side", "收单机构单方冲正"),
    "declined_there": ("the acquirer has it as declined", "收单机构记为拒绝"),
    "answer_differs": (
        "the acquirer told the terminal one thing and booked another",
        "收单机构应答与入账不一致",
    ),
    "reversal_not_booked": (
        "the acquirer accepted the reversal and did not book it",
        "收单机构接受冲正但未入账",
    ),
    "overtaken": (
        "the reversal reached the acquirer before the transaction did",
        "冲正先于原交易到达收单机构",
    ),
    "sent_twice": ("one request was booked twice", "同一请求被重复入账"),
    "paid_again": (
        "the customer paid once more after an unclear result",
        "结果不明时顾客再次付款",
    ),
    "host_alone": (
        "the acquirer has it under this terminal's number; the terminal did not send it",
        "收单机构记在该终端名下，但终端并未发送",
    ),
    "batch": ("the batch was not settled as it should", "批次结算异常"),
    "not_processed": ("the acquirer did not process it", "收单机构未处理"),
    # Pre-authorisations.
    "completed_more": ("more was completed than was held", "完成金额大于担保金额"),
    "completed_twice": ("completed by two people, or once more by mistake", "重复操作完成"),
    "forgotten": ("nobody completed or cancelled it", "无人完成或撤销"),
    "own_card": ("the card is one of the merchant's own", "该卡为商户自有卡"),
    # Payouts, fees, statements.
    "account_changed": (
        "the settlement account was changed shortly before",
        "结算账户在此前不久变更",
    ),
    "account_old": (
        "the acquirer goes on paying to the account of before",
        "收单机构仍按原账户划款",
    ),
    "account_unknown": ("wrong account data at the acquirer", "收单机构账户资料有误"),
    "account_state": (
        "the account is frozen, closed, or its name does not fit",
        "账户冻结、销户或户名不符",
    ),
    "holiday": ("weekend or holidays are in between", "期间有周末或节假日"),
    "statement_absent": (
        "the bank's statement is not here, so it may have come",
        "缺少银行对账单，款项可能已到账",
    ),
    "paid_together": ("another payout is in the sum", "与另一笔划款合并到账"),
    "deducted": ("fees, chargebacks or a reserve were taken off", "扣除手续费、拒付款或保证金"),
    "clearing": ("the acquirer's or the bank's clearing is late", "收单机构或银行清算延迟"),
    "other_rate": ("another rate than the agreed one", "费率与约定不符"),
    "rounding": ("rounded in another way", "舍入方式不同"),
    "not_delivered": ("it was not delivered or not imported", "对账单未送达或未导入"),
}

# What speaks for one; places are filled from journal and rows.
LINES = {
    "record": ("record {seq} of {device}: {what}", "{device} 记录 {seq}：{what}"),
    "others": (
        "{count} other transactions of {device} had no answer within {minutes} minutes of it",
        "{device} 前后 {minutes} 分钟内另有 {count} 笔交易无应答",
    ),
    "took": (
        "{seconds} seconds from request to answer (records {first} to {last} of {device})",
        "从请求到应答 {seconds} 秒（{device} 记录 {first} 至 {last}）",
    ),
    "row": (
        "line {line} of file {file}: {what}",
        "文件 {file} 第 {line} 行：{what}",
    ),
    "terminal_says": ("the terminal: {what}", "终端：{what}"),
    "last_known": (
        "the last known record of the terminal is from {at}",
        "该终端最后一条已知记录时间 {at}",
    ),
    "never_known": ("no terminal {terminal} is in the store", "系统中没有终端 {terminal}"),
    "lost": (
        "records {first} to {last} of {device} are lost",
        "{device} 记录 {first} 至 {last} 丢失",
    ),
    "missing": (
        "{count} approved transactions of {day} are not in it",
        "{day} 有 {count} 笔成功交易不在其中",
    ),
    "made_at": ("made at {at}", "交易时间 {at}"),
    "amounts": ("{here} here, {there} there", "终端 {here}，收单机构 {there}"),
    "other_break": ("{code} {amount} ({id})", "{code} {amount}（{id}）"),
    "change": (
        "account of {channel} changed from {day} on",
        "{channel} 结算账户自 {day} 起变更",
    ),
    "account": ("went to {account}", "划入账户 {account}"),
    "said": ("reason given: {what}", "给出的原因：{what}"),
    "free_days": ("no business days: {days}", "非工作日：{days}"),
    "newest": (
        "the newest statement here is of {day}",
        "已有最新对账单日期 {day}",
    ),
    "none_yet": ("none of this kind was ever imported", "从未导入过此类对账单"),
    "rate": (
        "kept {fee} of {amount}, agreed {expected}; {count} alike",
        "交易 {amount} 实扣 {fee}，约定 {expected}；同类 {count} 笔",
    ),
    "difference": ("the difference is {amount}", "差额 {amount}"),
    "held": ("held {hold}, completed {done}", "担保 {hold}，完成 {done}"),
    "by_code": ("follows from what the break is", "由差错类型推断"),
}


def cause(name: str, language: str) -> str:
    """A cause as a sentence."""
    return CAUSES[name][LANGUAGES.index(language)]


def line(name: str, language: str, values: dict[str, object]) -> str:
    """One thing that speaks for a cause."""
    what = problems.said(str(values.get("what", "")), language)
    return LINES[name][LANGUAGES.index(language)].format(**{**values, "what": what})
