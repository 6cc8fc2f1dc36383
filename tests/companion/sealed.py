"""Terminals and host files for the companion's tests: real records under a real seal chain."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from companion.store import Store, terminals
from companion.store.sink import RecordSink
from protocol import record, seal

MERCHANT = "104110070110001"
TERMINAL = "10000001"
DAY = "2026-03-02"
CARD = "622200******0005"


def rrn(batch: int, stan: int) -> str:
    """One for each transaction of a terminal."""
    return f"{batch - 1:06d}{stan:06d}"


def config(device_id: str = "pz-test-1", terminal_no: str = TERMINAL) -> dict[str, object]:
    """A configuration as provisioning makes it, its keys derived from the device id."""

    def key(name: str) -> bytes:
        return hashlib.sha256(f"{device_id} {name}".encode()).digest()

    return {
        "device_id": device_id,
        "terminal_no": terminal_no,
        "merchant_no": MERCHANT,
        "merchant_name": "TEST SHOP",
        "profile": "unionpay_pos",
        "tpdu": bytes.fromhex("6000030000"),
        "tmk": bytes.fromhex("0123456789ABCDEFFEDCBA9876543210"),
        "seal_key": key("seal"),
        "sync_key": key("sync"),
        "token_key": key("token"),
        "host": "127.0.0.1",
        "port": 8583,
        "sync_port": 0,
        "response_ms": 1000,
        "reversal_tries": 3,
        "reversal_wait_ms": 100,
        "wifi_ssid": "shop",
        "wifi_password": "secret-of-the-shop",
    }


class Device:
    """A terminal's journal: records are added to it, sealed, and synced into a store."""

    def __init__(self, device_id: str = "pz-test-1", terminal_no: str = TERMINAL) -> None:
        self.config = config(device_id, terminal_no)
        self.device_id = device_id
        self.payloads: list[bytes | None] = []
        self._seal = seal.first(self._key, device_id)
        self._wall = 1772442000  # 2026-03-02 09:00:00 UTC
        self.host_time = "0302091500"

    @property
    def _key(self) -> bytes:
        key = self.config["seal_key"]
        assert isinstance(key, bytes)
        return key

    def offer(self, store: Store) -> None:
        """Provision the store's side."""
        terminals.offer(store, self.config, replace=False)

    def add(self, kind: int, **fields: object) -> int:
        """Append a record; returns its sequence number."""
        self._wall += 1
        data = record.encode({"kind": kind, "wall": self._wall, **fields})
        self._seal = seal.seal(self._key, self._seal, data)
        self.payloads.append(data + self._seal)
        return len(self.payloads)

    def sign_in(self, host_time: str, batch: int = 1) -> int:
        """Sign in; the host's MMDDhhmmss stands for what follows."""
        self.host_time = host_time
        return self.add(
            record.SIGNED_IN, stan=0, batch=batch, key_block=bytes(40), host_time=host_time
        )

    def armed(
        self,
        stan: int,
        amount: int,
        batch: int = 1,
        displayed: int | None = None,
        txn: int = record.SALE,
        of: int = 0,
        token: bytes = b"tokentok",
    ) -> int:
        """``of``: the STAN in the same batch that it goes back to."""
        return self.add(
            record.ARMED,
            txn=txn,
            stan=stan,
            batch=batch,
            amount_minor=amount,
            displayed_minor=amount if displayed is None else displayed,
            entry="021",
            pan=CARD,
            token=token,
            card=bytes(16),
            card_key=1,
            orig_batch=batch if of else 0,
            orig_stan=of,
            orig_date="",
            orig_rrn="",
            orig_auth="",
            chip=b"",
            host=0,
        )

    def outcome(
        self,
        stan: int,
        amount: int,
        result: int = record.APPROVED,
        code: str = "00",
        batch: int = 1,
    ) -> int:
        return self.add(
            record.OUTCOME,
            stan=stan,
            batch=batch,
            result=result,
            code=code,
            rrn=rrn(batch, stan),
            auth="000001",
            host_time=self.host_time,
            amount_minor=amount,
        )

    def reversal(self, stan: int, attempt: int = 1, reason: str = "98", batch: int = 1) -> int:
        return self.add(record.REVERSAL, stan=stan, batch=batch, reason=reason, attempt=attempt)

    def reversal_end(self, stan: int, result: int, code: str = "00", batch: int = 1) -> int:
        return self.add(
            record.REVERSAL_END,
            stan=stan,
            batch=batch,
            result=result,
            code=code,
            rrn="",
            attempts=3,
        )

    def sale(self, stan: int, amount: int, end: str, batch: int = 1) -> None:
        """A whole sale: approved, declined, reversed, absent, suspended, recon or pending."""
        self.armed(stan, amount, batch)
        if end == "approved":
            self.outcome(stan, amount, batch=batch)
        elif end == "declined":
            self.outcome(stan, amount, record.DECLINED, "51", batch=batch)
        elif end == "recon":
            self.outcome(stan, amount, record.NEEDS_RECON, "94", batch=batch)
        elif end in ("reversed", "absent", "suspended"):
            self.reversal(stan, batch=batch)
            result = {
                "reversed": record.REV_OK,
                "absent": record.REV_ABSENT,
                "suspended": record.REV_SUSPENDED,
            }[end]
            self.reversal_end(stan, result, "25" if end == "absent" else "00", batch=batch)
        else:
            assert end == "pending", end

    def closing(
        self, phase: int, totals: tuple[int, int, int, int], code: str = "", batch: int = 1
    ) -> int:
        """A step of closing a batch; debit count and amount, credit count and amount."""
        names = ("debit_count", "debit_minor", "credit_count", "credit_minor")
        sums = dict(zip(names, totals, strict=True))
        return self.add(
            record.BATCH, batch=batch, phase=phase, stan=900, cursor=0, code=code, **sums
        )

    def sync(self, store: Store, frame: int = 16) -> int:
        """Pull into the store as a sync does; returns how many records were new."""
        with RecordSink(store) as sink:
            assert sink.begin(self.device_id) is not None
            first = sink.next_seq(self.device_id)
            for start in range(first - 1, len(self.payloads), frame):
                sink.store(self.device_id, start + 1, self.payloads[start : start + frame])
            return sink.next_seq(self.device_id) - first


@dataclass
class DayFile:
    """A host day file, written down row by row."""

    merchant: str = MERCHANT
    day: str = DAY
    rows: list[str] = field(default_factory=list)
    captured: list[int] = field(default_factory=list)

    def add(
        self,
        stan: int,
        amount: int,
        status: str = "CAPTURED",
        batch: int = 1,
        terminal: str = TERMINAL,
        txn: str = "SALE",
    ) -> DayFile:
        f39 = "51" if status == "DECLINED" else "00"
        undone = "00" if status == "REVERSED" else ""
        minute = len(self.rows) // 60 % 60
        self.rows.append(
            f"{self.day},{self.day}T09:{minute:02d}:{len(self.rows) % 60:02d}Z,{self.merchant},"
            f"{terminal},{batch:06d},{stan:06d},{rrn(batch, stan)},000001,{txn},{CARD},156,"
            f"{amount},{status},{f39},{undone}"
        )
        if status == "CAPTURED":
            back = txn in ("VOID", "REFUND", "COMPLETION_VOID")
            self.captured.append(-amount if back else amount)
        return self

    def text(self) -> str:
        head = (
            "business_date,host_time,merchant_no,terminal_no,batch,stan,rrn,auth,type,card,"
            "currency,amount_minor,status,f39,reversal_f39"
        )
        totals = f"#totals,{len(self.rows)},{len(self.captured)},{sum(self.captured)}"
        first = f"#pingzhang-host-1,{self.merchant},{self.day}"
        return "\n".join([first, head, *self.rows, totals]) + "\n"

    def write(self, path: Path) -> Path:
        path.write_text(self.text())
        return path
