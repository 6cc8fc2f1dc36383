"""The slip: lines of at most 32 characters, enough for a 58 mm printer.

Only the masked PAN is known here. A second print says so (window 7: a half-printed slip is
printed again as a duplicate, never reversed).
"""

from protocol import record
from terminal import money, transactions

_RULE = "-" * 32


def _when(host_time: str) -> str:
    # F13 + F12: MMDDhhmmss, the host's clock, because the terminal's may not be set.
    if len(host_time) != 10:
        return ""
    return "%s-%s %s:%s:%s" % (
        host_time[0:2],
        host_time[2:4],
        host_time[4:6],
        host_time[6:8],
        host_time[8:10],
    )


def _head(config: dict, title: str, duplicate: bool) -> list[str]:
    rows = [config["merchant_name"][:32], _RULE, title]
    if duplicate:
        rows.append("*** DUPLICATE ***")
    rows.append("MERCHANT " + config["merchant_no"])
    rows.append("TERMINAL " + config["terminal_no"])
    return rows


def _body(armed: dict) -> list[str]:
    return [
        "CARD     " + armed["pan"],
        "BATCH    %06d" % armed["batch"],
        "STAN     %06d" % armed["stan"],
    ]


def approved(config: dict, armed: dict, outcome: dict, duplicate: bool = False) -> list[str]:
    """The slip of an approved transaction, from its ARMED and OUTCOME records."""
    title = transactions.slip_title(armed["txn"])
    rows = _head(config, title, duplicate) + _body(armed)
    if armed["orig_stan"]:
        rows.append("ORIGINAL %06d" % armed["orig_stan"])
    if armed["orig_rrn"]:
        rows.append("ORIG RRN " + armed["orig_rrn"])
    if armed["orig_auth"]:
        rows.append("ORIG AUTH " + armed["orig_auth"])
    rows.append("RRN      " + outcome["rrn"])
    rows.append("AUTH     " + outcome["auth"])
    rows.append("TIME     " + _when(outcome["host_time"]))
    rows.append("AMOUNT   CNY " + money.show(outcome["amount_minor"]))
    if outcome["amount_minor"] != armed["amount_minor"]:
        rows.append("PART OF  CNY " + money.show(armed["amount_minor"]))
    rows.append(_RULE)
    return rows


def reversal(config: dict, armed: dict, result: str) -> list[str]:
    """The slip of a reversed or suspended one, so that the customer holds something too."""
    rows = _head(config, "REVERSAL 冲正", False) + _body(armed)
    if armed["txn"] != record.SALE:
        rows.append("OF       " + transactions.title(armed["txn"]))
    rows.append("AMOUNT   CNY " + money.show(armed["amount_minor"]))
    rows.append(result)
    rows.append(_RULE)
    return rows


def settled(config: dict, closed: dict, end: str) -> list[str]:
    """The slip of a settled batch, from its last BATCH record; ``end`` in words."""
    rows = _head(config, "SETTLEMENT 结算", False)
    rows.append("BATCH    %06d" % closed["batch"])
    for name in ("debit", "credit"):
        count, minor = closed[name + "_count"], closed[name + "_minor"]
        rows.append("%-8s %d  CNY %s" % (name.upper(), count, money.show(minor)))
    rows.append(end)
    rows.append(_RULE)
    return rows
