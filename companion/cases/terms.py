"""The words around a case in Chinese; in English they are what the store has."""

from __future__ import annotations

from companion.reconcile.phrases import CHINESE, LANGUAGES

_CHINESE = {
    # States.
    "open": "未处理",
    "evidence": "已取证",
    "sent": "已提交",
    "waiting": "等待答复",
    "resolved": "已解决",
    "rejected": "被拒",
    "written_off": "已核销",
    # Who acts.
    "shop": "商户",
    "acquirer": "收单机构",
    "bank": "银行",
    # Kinds of cause.
    "single": "单笔",
    "journal": "终端日志",
    "unsynced": "终端未同步",
    "unknown": "未登记终端",
    "absent": "对账单缺失交易",
    "line": "网络中断",
    "statement": "对账单",
    "fees": "手续费",
    "clock": "终端时钟",
    "self": "自刷",
    "account": "结算账户",
    "payouts": "划款",
    # What is shown.
    "case": "案件",
    "what": "类型",
    "how much": "金额",
    "proposed": "待批准",
    "adjusted": "已调整",
    "why": "原因",
    "or": "或",
    "next": "下一步",
    "who": "责任方",
    "until": "期限",
    "closed by": "关闭",
    "adjustment": "调整",
    "cases": "案件",
    "breaks": "差错",
    "history": "经过",
    "id": "编号",
    "day": "日期",
    "terminal": "终端",
    "amount": "金额",
    "state": "状态",
    "due": "期限",
    "code": "代码",
    "key": "键",
    "when": "时间",
    "text": "说明",
}

# English and Chinese.
_SENTENCES = {
    "sums": (
        "{amount} in breaks: {breaks}; customers - books {effect}, owed by the acquirer {owed}",
        "{amount}，差错 {breaks} 笔；顾客扣款减账面 {effect}，收单机构欠 {owed}",
    ),
    "total": (
        "cases: {cases}, breaks: {breaks}, together {amount}",
        "案件 {cases} 个，差错 {breaks} 笔，合计 {amount}",
    ),
    "none": ("no cases", "没有案件"),
    "waits": ("{amount}, waits for a second person", "{amount}，等待第二人批准"),
    "made": ("{amount}, {text}, proposed by {maker}", "{amount}，{text}，{maker} 提出"),
    "approved": ("approved by {checker}", "{checker} 批准"),
    "refused": ("refused by {checker}", "{checker} 拒绝"),
    "more": ("and {count} more (--json has all)", "另有 {count} 笔（--json 显示全部）"),
    "closed": ("closed: {reason}", "已关闭：{reason}"),
    "share": ("{part} of {all}", "{all} 笔中的 {part} 笔"),
}


def sentence(name: str, language: str, **values: object) -> str:
    """One of these sentences in a language."""
    return _SENTENCES[name][LANGUAGES.index(language)].format(**values)


def term(word: str, language: str) -> str:
    """One of these words in a language."""
    return _CHINESE.get(word, word) if language == CHINESE else word
