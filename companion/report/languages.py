"""A report in Chinese: the same cells under other words. Codes and numbers stay."""

from __future__ import annotations

import re
from dataclasses import replace

from companion.reconcile.labels import LABELS
from companion.reconcile.phrases import CHINESE
from companion.report import risk
from companion.report.model import WORD, Cell, Chart, Column, Report, Section

_CUT = re.compile(r"The first (\d+) of (\d+)\.")
_WORDS = {
    "Daily report": "日报",
    "Monthly report": "月报",
    "Report": "报告",
    "At a glance": "概览",
    "figure": "指标",
    "value": "数值",
    "days": "日期",
    "shop": "商户",
    "terminal": "终端",
    "all": "全部",
    "as of": "截至",
    "run": "对账批次",
    "rules": "规则版本",
    "break set": "差异集摘要",
    "nothing was reconciled yet: companion reconcile": "尚未对账：companion reconcile",
    "money at risk": "风险金额",
    "open breaks": "未结差异",
    "overdue cases, all days": "逾期案件（全部日期）",
    "terminal match rate": "终端对平率",
    "acquirer match rate": "收单方对平率",
    "bank match rate": "银行对平率",
    "fees kept": "手续费",
    "payouts awaited": "待到账结算款",
    "none": "无",
    "Match rate": "对平率",
    "leg": "一方",
    "rows": "笔数",
    "square": "对平",
    "waiting": "等待",
    "broken": "有差异",
    "low confidence": "低可信匹配",
    "match rate": "对平率",
    "acquirer": "收单方",
    "bank": "银行",
    "Waiting is what may still come in time; the rate is of the others.": (
        "等待：仍可能按时到达的；对平率不含等待。"
    ),
    "The bank's rows are payouts.": "银行一方的笔数为结算款笔数。",
    "Breaks": "差异",
    "code": "代码",
    "what": "说明",
    "open": "未结",
    "provisional": "待定",
    "closed": "已结",
    "amount": "金额",
    "effect": "对账影响",
    "owed": "应付影响",
    "at risk": "风险金额",
    "nothing disagrees": "没有差异",
    risk.NOTE: (
        "风险金额：未结差异对客户扣款或收单方应付款的影响（不分正负）；手续费、担保和划入其他账户的"
        "结算款按其金额。可能自行消除的（待定）和已结案的不计入。"
    ),
    "What is wrong with a journal is of no day, and so in every report.": (
        "终端日志的问题不属于某一天，因此列入每份报告。"
    ),
    "Ageing": "账龄",
    "age": "账龄",
    "breaks": "差异",
    "cases": "案件",
    "overdue": "逾期",
    "0 to 1 days": "0 至 1 天",
    "2 to 3 days": "2 至 3 天",
    "4 to 7 days": "4 至 7 天",
    "8 to 30 days": "8 至 30 天",
    "more than 30 days": "30 天以上",
    "of no day": "无日期",
    "Of everything that is open, whatever its day.": "全部未结项目，不限日期。",
    "nothing is open": "没有未结项目",
    "Cases": "案件",
    "state": "状态",
    "evidence": "取证",
    "sent": "已提交",
    "resolved": "已解决",
    "rejected": "被拒绝",
    "written_off": "已核销",
    "Of all days.": "全部日期。",
    "Fees": "手续费",
    "merchant": "商户",
    "channel": "渠道",
    "captured": "入账笔数",
    "money": "金额",
    "fees": "手续费",
    "of the money": "费率",
    "fee not told": "未列明手续费",
    "differ": "不符笔数",
    "by": "不符金额",
    "the acquirer captured nothing": "收单方没有入账",
    "Payouts": "结算款",
    "payouts": "笔数",
    "due": "应到账",
    "received": "已到账",
    "awaited": "待到账",
    "late": "迟到账",
    "none was settled, or no account is known": "没有结算款，或未登记结算账户",
    "Payouts to follow": "需跟进的结算款",
    "settled": "结算日",
    "late after": "最迟到账日",
    "Shops": "商户",
    "Terminals": "终端",
    "charged": "已扣款",
    "booked": "已记账",
    "of the rows": "占笔数",
    "Repeat offenders": "重复出现的差异",
    "times": "次数",
    "on days": "天数",
    "The same code at the same terminal more than once, closed ones too.": (
        "同一终端多次出现同一代码，含已结差异。"
    ),
    "Money at risk by business day": "每日风险金额",
    "Charged by the acquirer, booked at the terminals": "收单方扣款与终端记账",
    "Payouts by day of settlement": "按结算日的结算款",
    "Open breaks, the most frequent codes": "未结差异最多的代码",
    "Age of what is open": "未结差异账龄",
    **dict(LABELS.values()),
}


def word(text: str, language: str) -> str:
    """One of our words or sentences; a text that is none stays as it is."""
    if language != CHINESE:
        return text
    cut = _CUT.fullmatch(text)
    return f"共 {cut[2]} 行，只列前 {cut[1]} 行。" if cut else _WORDS.get(text, text)


def translated(report: Report, language: str) -> Report:
    """The report with all its words in this language."""

    def said(text: str) -> str:
        return word(text, language)

    return replace(
        report,
        language=language,
        title=said(report.title),
        head=[(said(name), said(value)) for name, value in report.head],
        key=[(said(name), kind, cell) for name, kind, cell in report.key],
        sections=[_section(section, language) for section in report.sections],
        charts=[_chart(chart, language) for chart in report.charts],
    )


def _section(section: Section, language: str) -> Section:
    kinds = [column.kind for column in section.columns]
    return replace(
        section,
        title=word(section.title, language),
        columns=tuple(Column(word(one.name, language), one.kind) for one in section.columns),
        rows=[
            tuple(_cell(kind, cell, language) for kind, cell in zip(kinds, row, strict=True))
            for row in section.rows
        ],
        notes=tuple(word(note, language) for note in section.notes),
        empty=word(section.empty, language),
    )


def _cell(kind: str, cell: Cell, language: str) -> Cell:
    return word(cell, language) if kind == WORD and isinstance(cell, str) else cell


def _chart(chart: Chart, language: str) -> Chart:
    return replace(
        chart,
        title=word(chart.title, language),
        labels=[word(label, language) for label in chart.labels],
        series={word(name, language): values for name, values in chart.series.items()},
    )
