"""The slip: lines of at most 32 half columns, enough for a 58 mm printer.

Only the masked PAN is known here. A second print says so (window 7: a half-printed slip is
printed again as a duplicate, never reversed).
"""

from protocol import record
from terminal import columns, money, transactions
from terminal.screens import money_mark, say

_WIDTH = 32
_RULE = "-" * _WIDTH
_LABEL = 9
_HOST_MIN = 480  # the zone of the acquirer's times, in minutes east of UTC


def _when(config: dict, outcome: dict) -> str:
    # F13 + F12: MMDDhhmmss, the host's clock, because the terminal's may not be set.
    host_time = outcome["host_time"]
    if len(host_time) != 10:
        return ""
    offset = config.get("utc_offset_min", _HOST_MIN)
    if offset != _HOST_MIN:
        from terminal import zone

        there = zone.of_host(host_time, offset, outcome.get("wall", 0))
        return _shown(there) + " " + zone.named(offset)
    return _shown(host_time)


def _shown(host_time: str) -> str:
    return "%s-%s %s:%s:%s" % (
        host_time[0:2],
        host_time[2:4],
        host_time[4:6],
        host_time[6:8],
        host_time[8:10],
    )


def _row(label: str, value: str) -> str:
    return columns.pad(say(label), _LABEL) + value


def _money(amount_minor: int) -> str:
    return money_mark() + money.show(amount_minor)


def _head(config: dict, title: str, duplicate: bool) -> list[str]:
    rows = [columns.cut(config["merchant_name"], _WIDTH), _RULE, title]
    if duplicate:
        rows.append(say("*** DUPLICATE ***"))
    rows.append(_row("MERCHANT", config["merchant_no"]))
    rows.append(_row("TERMINAL", config["terminal_no"]))
    return rows


def _body(armed: dict) -> list[str]:
    return [
        _row("CARD", armed["pan"]),
        _row("BATCH", "%06d" % armed["batch"]),
        _row("STAN", "%06d" % armed["stan"]),
    ]


def approved(config: dict, armed: dict, outcome: dict, duplicate: bool = False) -> list[str]:
    """The slip of an approved transaction, from its ARMED and OUTCOME records."""
    rows = _head(config, transactions.slip_title(armed["txn"]), duplicate) + _body(armed)
    if armed["orig_stan"]:
        rows.append(_row("ORIGINAL", "%06d" % armed["orig_stan"]))
    if armed["orig_rrn"]:
        rows.append(_row("ORIG RRN", armed["orig_rrn"]))
    if armed["orig_auth"]:
        rows.append(_row("ORIG AUTH", armed["orig_auth"]))
    rows.append(_row("RRN", outcome["rrn"]))
    rows.append(_row("AUTH", outcome["auth"]))
    rows.append(_row("TIME", _when(config, outcome)))
    rows.append(_row("AMOUNT", _money(outcome["amount_minor"])))
    if outcome["amount_minor"] != armed["amount_minor"]:
        rows.append(_row("PART OF", _money(armed["amount_minor"])))
    rows.append(_RULE)
    return rows


def reversal(config: dict, armed: dict, result: str) -> list[str]:
    """The slip of a reversed or suspended one, so that the customer holds something too."""
    rows = _head(config, "REVERSAL 冲正", False) + _body(armed)
    if armed["txn"] != record.SALE:
        rows.append(_row("OF", say(transactions.title(armed["txn"]))))
    rows.append(_row("AMOUNT", _money(armed["amount_minor"])))
    rows.append(say(result))
    rows.append(_RULE)
    return rows


def settled(config: dict, closed: dict, end: str) -> list[str]:
    """The slip of a settled batch, from its last BATCH record; ``end`` in words."""
    rows = _head(config, "SETTLEMENT 结算", False)
    rows.append(_row("BATCH", "%06d" % closed["batch"]))
    for name in ("debit", "credit"):
        count, minor = closed[name + "_count"], closed[name + "_minor"]
        rows.append(_row(name.upper(), "%d  %s" % (count, _money(minor))))
    rows.append(say(end))
    rows.append(_RULE)
    return rows
