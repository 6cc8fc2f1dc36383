"""A week of one merchant as files, and all that is done with them, one command after another."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import openpyxl
from sqlalchemy import update

from companion.cases.sheet import COLUMNS, SHEET
from companion.store import Store
from companion.store.schema import terminals
from tests.companion.sealed import MERCHANT, DayFile, Device
from tests.companion.statement_files import TerminalFile

DAYS = ("2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05", "2026-03-06")
# Of another maker, so its journal comes as an export.
_EXPORTED = "10000009"
_OLD, _NEW = "CN622200" + "1234567895011", "CN622200" + "9876543210128"
_PAYER = "Allinpay"
_SALES = 10

Beside = Callable[[Path], None]


@dataclass(frozen=True)
class Act:
    """One command, what is typed into it, and what happens before it that nobody kills."""

    args: tuple[str, ...]
    typed: str = ""
    beside: Beside | None = None

    @property
    def name(self) -> str:
        """As a person would say it."""
        words = itertools.takewhile(lambda word: not word.startswith(("-", "/")), self.args)
        return " ".join(list(words)[:2])


class World:
    """Files in `folder` and the acts of the first `days` days; another world for each seed."""

    def __init__(self, folder: Path, seed: int, days: int = len(DAYS)) -> None:
        self.folder = folder
        self.days = DAYS[:days]
        self._dice = random.Random(seed)
        self._host = {day: DayFile(day=day) for day in DAYS}
        self._export = {day: TerminalFile(MERCHANT, day) for day in DAYS}
        self._journal: list[tuple[int, int, str, str]] = []
        stans = itertools.count(1)
        for day in DAYS:
            for _ in range(_SALES):
                self._sale(day, next(stans))
            for _ in range(3):
                self._exported(day, next(stans))
        self._wrong = self._dice.choice(self.days)
        folder.mkdir(parents=True)

    def _sale(self, day: str, stan: int) -> None:
        dice, amount = self._dice, self._dice.randrange(100, 100_000)
        end = dice.choice(("approved",) * 5 + ("declined", "reversed", "suspended", "recon"))
        self._journal.append((stan, amount, end, day))
        told = dice.choice(("same",) * 6 + ("late", "never", "other"))
        if told == "never" or (end != "approved" and told == "late"):
            return
        later = DAYS[min(DAYS.index(day) + (told == "late"), len(DAYS) - 1)]
        charged = amount + 100 if told == "other" and end == "approved" else amount
        captured = end == "approved" or told == "other"
        status = "CAPTURED" if captured else "REVERSED" if end != "declined" else "DECLINED"
        self._host[later].add(stan, charged, status)

    def _exported(self, day: str, stan: int) -> None:
        amount = self._dice.randrange(100, 100_000)
        self._export[day].add(stan, amount)
        if self._dice.random() < 0.8:
            self._host[day].add(stan, amount, terminal=_EXPORTED)

    def acts(self) -> Iterator[Act]:
        """Everything in order; the last one is a reconciliation."""
        yield Act(("channel", "payer", "card", _PAYER, "--by", "Zhang"), beside=self._synced(0))
        yield Act(("account", "add", MERCHANT, "--by", "Zhang"), _OLD)
        work = self._work()
        for place, day in enumerate(self.days):
            yield from self._imports(place, day)
            yield from next(work)
        middle = self.days[len(self.days) // 2]
        yield Act(("import", self._put(f"host-{middle}.csv", self._host[middle].text())))
        yield Act(("reconcile",))

    def _imports(self, place: int, day: str) -> Iterator[Act]:
        synced = self._synced(place + 1)
        if day == self._wrong:
            wrong = DayFile(day=day).add(999, 1).text()
            yield Act(("import", self._put("wrong.csv", wrong)))
            yield Act(("reconcile",))
        host = self._put(f"host-{day}.csv", self._host[day].text())
        yield Act(("import", host), beside=synced)
        yield Act(("import", self._put(f"export-{day}.csv", self._export[day].text())))
        if place:
            yield Act(("import", self._bank(place, day)))
        yield Act(("reconcile",))

    def _work(self) -> Iterator[tuple[Act, ...]]:
        """What people do, day by day."""
        wang, li, yes = ("--as", "WANG"), ("--as", "LI"), "--yes"
        start = ("account", "change", MERCHANT, "--from", DAYS[2], "--by", "Zhang")
        small = ("--at-most", "5.00", "--text", "too small", *wang, yes)
        sheet = str(self.folder / "cases.xlsx")
        yield (
            Act(("case", "note", "--state", "open", "--text", "seen", *wang, yes)),
            Act(("case", "assign", "--who", "acquirer", "--to", "LI", *wang, yes)),
            Act((*start,), _NEW),
            Act(("account", "approve", "3", "--by", "Li")),
        )
        yield (
            Act(
                (
                    "case",
                    "send",
                    "--code",
                    "TERMINAL_ONLY",
                    "--to",
                    "acquirer",
                    *_CLAIM,
                    *wang,
                    yes,
                )
            ),
            Act(("fee", "set", MERCHANT, "--rate", "0.38%", "--by", "Zhang")),
            Act(("case", "write-off", "--state", "open", *small)),
            Act(("case", "approve", "--to-approve", *li, yes)),
            Act(("reconcile",)),
        )
        yield (
            Act(("case", "export", sheet)),
            Act(("case", "import", sheet, *wang), beside=_fill(sheet)),
            Act(("case", "resolve", "--state", "sent", "--text", "paid", *wang, yes)),
            Act(("case", "reject", "--code", "REVERSAL_STUCK", "--text", "no", *wang, yes)),
        )
        yield (
            Act(("case", "approve", "--to-approve", *li, yes)),
            Act(("reconcile", "--engine", "sqlite")),
        )
        yield (Act(("case", "reopen", "--state", "written_off", "--text", "after all", *li, yes)),)

    def _synced(self, days: int) -> Beside:
        def sync(directory: Path) -> None:
            with Store.open(directory, create=True) as store:
                device = self._device(days)
                if not days:
                    device.offer(store)
                device.sync(store)
                if days:
                    # Until when the terminal is known is a fact, and not the clock's of this run.
                    heard = f"{self.days[days - 1]}T15:59:00+00:00"
                    with store.write() as connection:
                        connection.execute(update(terminals).values(last_sync_at=heard))

        return sync

    def _device(self, days: int) -> Device:
        made, today = Device(), ""
        for stan, amount, end, day in self._journal:
            if DAYS.index(day) >= days:
                break
            if day != today:
                made.sign_in(f"{day[5:7]}{day[8:]}091500")
                today = day
            made.sale(stan, amount, end)
        return made

    def _bank(self, place: int, day: str) -> str:
        """What was captured the day before, paid to the account that was right or to another."""
        paid = sum(self._host[DAYS[place - 1]].captured)
        paid -= self._dice.choice((0, 0, 0, 1000, paid))
        to = _NEW if place >= 2 and self._dice.random() < 0.7 else _OLD
        return self._put(f"bank-{day}.xml", _statement(to, place, day, max(paid, 0)))

    def _put(self, name: str, text: str) -> str:
        path = self.folder / name
        path.write_text(text)
        return str(path)


_CLAIM = ("--due", "2026-03-20", "--text", "claim 12")


def _fill(sheet: str) -> Beside:
    """Work on an exported sheet: the first case goes to the bank, the others to somebody."""

    def fill(_: Path) -> None:
        book = openpyxl.load_workbook(sheet)
        cells = book[SHEET]
        for row in range(2, cells.max_row + 1):
            cells.cell(row, COLUMNS.index("assignee") + 1).value = f"CHEN {row % 3}"
        book.save(sheet)

    return fill


def _statement(account: str, number: int, day: str, paid: int) -> str:
    """A bank's statement with at most one credit."""

    def balance(kind: str, minor: int) -> str:
        return (
            f"<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp>{_amount(minor)}"
            f"<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>"
        )

    entry = (
        f"<Ntry>{_amount(paid)}<CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>"
        f"<BookgDt><Dt>{day}</Dt></BookgDt><NtryDtls><TxDtls><RltdPties><Dbtr><Pty>"
        f"<Nm>{_PAYER}</Nm></Pty></Dbtr></RltdPties></TxDtls></NtryDtls></Ntry>"
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt>'
        f"<GrpHdr><MsgId>M{number}</MsgId></GrpHdr><Stmt><Id>S{number}</Id>"
        f"<ElctrncSeqNb>{number}</ElctrncSeqNb><Acct><Id><Othr><Id>{account}</Id></Othr></Id>"
        f"</Acct>{balance('OPBD', 10_000)}{balance('CLBD', 10_000 + paid)}"
        f"{entry if paid else ''}</Stmt></BkToCstmrStmt></Document>\n"
    )


def _amount(minor: int) -> str:
    return f'<Amt Ccy="CNY">{minor // 100}.{minor % 100:02d}</Amt>'
