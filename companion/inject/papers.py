"""A plain world as files to import: host day files, terminal exports and bank statements.

``host/`` has a day file of each merchant and trading day; one that had to be sent again has a
first edition without some rows. ``terminal/`` has the exports of the terminals, ``bank/`` a
camt.053 of each account. ``accounts.csv`` says which accounts count; practice.py sets up a store.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pyarrow.parquet as pq

from companion.facts.schema import as_date, day_number
from companion.inject import days, marks, payouts, size, terms

PAPERS = "papers"
ACCOUNTS = "accounts.csv"
PAYER = "PINGZHANG CARDS"
# The settings of the channel that agree with days.py.
CHANNEL = {"grace_days": 2, "settle_days": 1, "pay_days": 1, "late_days": 2, "statement": False}

_GIVES_BACK = ("VOID", "REFUND", "COMPLETION_VOID")
_HOST = (
    "business_date,host_time,merchant_no,terminal_no,batch,stan,rrn,auth,type,card,currency,"
    "amount_minor,status,f39,reversal_f39"
)
_TERMINAL = (
    "terminal_time,terminal_no,batch,stan,type,status,amount_minor,currency,card,entry,code,rrn,"
    "auth,of_batch,of_stan"
)
_README = """\
The files of several shops and eight days, with mistakes in them: truth.csv beside this folder has
them all. ../shop is a store that knows the channel, who pays, and the accounts (accounts.csv).

  companion import --store ../shop */*.csv */*.xml
  companion reconcile --store ../shop
  companion check --store ../shop --truth ../truth.csv
"""

Row = Mapping[str, Any]


def write(facts: Path, folder: Path) -> int:
    """Write the files of a plain world's facts; how many there are."""
    for name in ("host", "terminal", "bank"):
        (folder / name).mkdir(parents=True)
    count = 0
    for name, text in (*_host(facts), *_terminals(facts), *_banks(facts)):
        (folder / name).write_text(text, encoding="utf-8")
        count += 1
    _accounts(folder / ACCOUNTS)
    (folder / "README.txt").write_text(_README, encoding="utf-8")
    return count


def _host(facts: Path) -> Iterator[tuple[str, str]]:
    late = {row["id"] for row in _rows(facts, "acquirer/*-late.parquet")}
    rows = list(_rows(facts, "acquirer/*.parquet"))
    for (day, merchant), of_day in _by_day(rows).items():
        first = [row for row in of_day if row["id"] not in late]
        editions = [first, of_day] if len(first) < len(of_day) else [of_day]
        for number, edition in enumerate(editions, 1):
            captured = [row for row in edition if row["status"] == "CAPTURED"]
            head = f"#pingzhang-host-1,{merchant},{day.isoformat()}"
            lines = map(_host_line, edition)
            text = _file(head, _HOST, lines, len(edition), captured)
            yield f"host/{day.isoformat()}-{merchant}-{number}.csv", text


def _host_line(row: Row) -> str:
    when = datetime.fromtimestamp(row["at"], timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    names = ("merchant_no", "terminal_no", "batch", "stan", "rrn", "auth", "txn", "card")
    more = ("currency", "amount_minor", "status", "f39", "reversal_f39")
    values = [row[name] for name in (*names, *more)]
    return ",".join(map(str, (as_date(row["day"]).isoformat(), when, *values)))


def _terminals(facts: Path) -> Iterator[tuple[str, str]]:
    rows = list(_rows(facts, "terminal/*.parquet"))
    for (day, merchant), of_day in _by_day(rows).items():
        approved = [
            row
            for row in of_day
            if row["status"] == "APPROVED" and row["txn"] not in ("PREAUTH", "PREAUTH_CANCEL")
        ]
        head = f"#pingzhang-terminal-1,{merchant},{day.isoformat()}"
        text = _file(head, _TERMINAL, map(_terminal_line, of_day), len(of_day), approved)
        yield f"terminal/{day.isoformat()}-{merchant}.csv", text


def _terminal_line(row: Row) -> str:
    when = datetime.fromtimestamp(row["at"], days.CHINA).isoformat()
    names = ("terminal_no", "batch", "stan", "txn", "status", "amount_minor", "currency", "card")
    more = ("entry", "code", "rrn", "auth", "of_batch", "of_stan")
    return ",".join(map(str, (when, *(row[name] for name in (*names, *more)))))


def _file(
    head: str, columns: str, lines: Iterable[str], count: int, counted: Sequence[Row]
) -> str:
    total = sum(
        -row["amount_minor"] if row["txn"] in _GIVES_BACK else row["amount_minor"]
        for row in counted
    )
    return "\n".join([head, columns, *lines, f"#totals,{count},{len(counted)},{total}", ""])


def _banks(facts: Path) -> Iterator[tuple[str, str]]:
    bookings = list(_rows(facts, "bank/*.parquet"))
    told = {str(row["account"]): _span(place) for place, row in _places()}
    for number, (account, (first, last)) in enumerate(sorted(told.items()), 1):
        mine = [row for row in bookings if row["account"] == account]
        yield f"bank/{number:02d}.xml", _camt(account, first, last, mine)


def _places() -> Iterator[tuple[int, dict[str, object]]]:
    for row in payouts.account_rows(size.PLAIN_MERCHANTS, plain=True):
        yield int(str(row["merchant_no"])) - 898_000_000_000_001, row


def _span(merchant: int) -> tuple[date, date]:
    """The days that an account's statement tells of."""
    first = days.OLD + timedelta(days=merchant == size.NO_BANK_STATEMENT)
    silent = merchant == size.BANK_SILENT
    return first, marks.SILENT_FROM - timedelta(days=1) if silent else days.TODAY


def _camt(account: str, first: date, last: date, bookings: Sequence[Row]) -> str:
    total = sum(row["amount_minor"] for row in bookings)
    entries = "".join(map(_entry, bookings))
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt>'
        "<GrpHdr><MsgId>1</MsgId></GrpHdr>\n"
        f"<Stmt><Id>1</Id><ElctrncSeqNb>1</ElctrncSeqNb><FrToDt><FrDtTm>{first}T00:00:00</FrDtTm>"
        f"<ToDtTm>{last}T23:59:59</ToDtTm></FrToDt>"
        f"<Acct><Id><Othr><Id>{account}</Id></Othr></Id><Ccy>CNY</Ccy></Acct>\n"
        f"{_balance('OPBD', 1_000_000_000, first)}{_balance('CLBD', 1_000_000_000 + total, last)}"
        f"{entries}</Stmt></BkToCstmrStmt></Document>\n"
    )


def _balance(kind: str, amount: int, day: date) -> str:
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp>{_amount(amount)}"
        f"<Dt><Dt>{day}</Dt></Dt></Bal>\n"
    )


def _entry(row: Row) -> str:
    day = as_date(row["day"])
    returned = "<RvslInd>true</RvslInd>" if row["kind"] == "RETURN" else ""
    ref = escape(row["ref"]) or "NOTPROVIDED"
    return (
        f"<Ntry>{_amount(row['amount_minor'])}{returned}<Sts><Cd>BOOK</Cd></Sts>"
        f"<BookgDt><Dt>{day}</Dt></BookgDt><NtryDtls><TxDtls><Refs><EndToEndId>{ref}</EndToEndId>"
        f"</Refs><RmtInf><Ustrd>{PAYER}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>\n"
    )


def _amount(minor: int) -> str:
    side = "CRDT" if minor >= 0 else "DBIT"
    whole, part = divmod(abs(minor), 100)
    return f'<Amt Ccy="CNY">{whole}.{part:02d}</Amt><CdtDbtInd>{side}</CdtDbtInd>'


def _accounts(path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(("merchant_no", "channel", "account", "valid_from"))
        for _, row in _places():
            first = int(str(row["valid_from"]))
            since = as_date(first).isoformat() if first == day_number(days.CHANGED) else ""
            out.writerow((row["merchant_no"], row["channel"], row["account"], since))


def _rows(facts: Path, pattern: str) -> Iterator[Row]:
    for path in sorted(facts.glob(pattern)):
        yield from pq.read_table(path).to_pylist()


def _by_day(rows: Iterable[Row]) -> dict[tuple[date, str], list[Row]]:
    found: dict[tuple[date, str], list[Row]] = {}
    for row in sorted(rows, key=lambda row: (row["day"], row["merchant_no"], row["at"])):
        found.setdefault((as_date(row["day"]), row["merchant_no"]), []).append(row)
    return found


assert days.CHANNELS[terms.CARD] == "card"
