"""A journal record in words."""

from __future__ import annotations

from companion.evidence import show
from companion.evidence.dossier import Row, number, text
from companion.evidence.words import Words
from protocol import record

_TXN = {
    record.SALE: "SALE",
    record.VOID: "VOID",
    record.REFUND: "REFUND",
    record.PREAUTH: "PREAUTH",
    record.PREAUTH_CANCEL: "PREAUTH_CANCEL",
    record.COMPLETION: "COMPLETION",
    record.COMPLETION_NOTICE: "COMPLETION_NOTICE",
    record.COMPLETION_VOID: "COMPLETION_VOID",
}
# Field of a record -> table of words for its numbers.
_TERMS = {
    (record.OUTCOME, "result"): "RESULTS",
    (record.REVERSAL_END, "result"): "ENDS",
    (record.RECEIPT, "copy"): "COPIES",
    (record.BATCH, "phase"): "PHASES",
}


def kind_name(content: Row) -> str:
    """The name of a record's kind."""
    return record.kind_name(number(content, "kind"))


def said(content: Row, words: Words) -> str:
    """One sentence: what the terminal wrote down."""
    kind = number(content, "kind")
    name = kind_name(content)
    if kind == record.ARMED and content.get("amount_minor") != content.get("displayed_minor"):
        name = "ARMED.sent"
    if kind == record.OUTCOME and not text(content, "rrn"):
        name = "OUTCOME.bare"
    values = {field: _plain(kind, field, content, words) for field in content if field != "kind"}
    for field in ("amount", "displayed", "debit", "credit"):
        if f"{field}_minor" in content:
            values[field] = show.money(number(content, f"{field}_minor"))
    return words.kind(name, **values)


def _plain(kind: int, field: str, content: Row, words: Words) -> str:
    if field == "txn":
        return words.term("TYPES", _TXN.get(number(content, field), content[field]))
    if (kind, field) in _TERMS:
        return words.term(_TERMS[kind, field], content[field])
    if field == "host_time":
        return show.host_time(text(content, field))
    if field in ("batch", "stan"):
        return f"{number(content, field):06d}"
    return text(content, field) or show.NOTHING
