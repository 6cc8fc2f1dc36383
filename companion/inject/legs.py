"""A book's rows as the tables of the facts."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from companion.facts import schema
from companion.inject import names
from companion.inject.book import Book
from companion.inject.days import settle_day
from companion.inject.terms import (
    A_CAPTURED,
    A_DECLINED,
    A_REVERSED,
    A_STATUS,
    ADYEN,
    APPROVED,
    CARD,
    CHANNELS,
    DECLINED,
    REVERSED,
    SUSPENDED,
    T_STATUS,
    TXN,
    WECHAT,
    Ints,
)

# The records of a transaction in a journal.
_RECORDS = 4


def terminal(book: Book, at: Ints, first_id: int) -> pa.Table:
    """The terminal's rows `at`, in this order."""
    status = book.t_status[at]
    undone = (status == REVERSED) | (status == SUSPENDED)
    answered = (status == APPROVED) | (status == DECLINED)
    amount = book.t_amount[at]
    seq = book.stan[at] * _RECORDS
    return _table(
        schema.TERMINAL,
        {
            "id": np.arange(first_id, first_id + len(at)),
            "merchant_no": names.merchant_nos(book.merchant[at]),
            "terminal_no": names.terminal_nos(book.terminal[at]),
            "channel": _word(CHANNELS, book.channel[at]),
            "batch": names.digits(book.batch[at], 6),
            "stan": names.digits(book.stan[at], 6),
            "occurrence": np.zeros(len(at), np.int64),
            "day": book.t_day[at],
            "at": book.t_at[at],
            "host_at": np.where(answered, book.a_at[at], 0),
            "txn": _word(TXN, book.t_txn[at]),
            "status": _word(T_STATUS, status),
            "amount_minor": amount,
            "sent_minor": amount,
            "echoed_minor": np.where(answered, amount, 0),
            "currency": _same("156", at),
            "card": names.cards(book.card[at]),
            "token": names.tokens(book.card[at]),
            "entry": _word(("chip", "qr"), (book.channel[at] == WECHAT).astype(np.int64)),
            "code": _word(("00", "51", ""), np.where(answered, status, 2)),
            "rrn": names.digits(book.t_rrn[at], 12),
            "auth": names.digits(np.where(status == APPROVED, book.auth[at], 0), 6),
            "of_batch": names.digits(np.where(book.of_stan[at] > 0, book.batch[at], 0), 6),
            "of_stan": names.digits(book.of_stan[at], 6),
            "reversal_reason": _word(("", "98"), undone.astype(np.int64)),
            "reversal_attempts": undone.astype(np.int64),
            "reversal_code": _word(("", "00"), (status == REVERSED).astype(np.int64)),
            "late_code": _same("", at),
            "receipts": (status == APPROVED).astype(np.int64),
            "remarks": _same("", at),
            "device_id": names.digits(book.terminal[at] + 1, 12),
            "first_seq": seq,
            "last_seq": seq + _RECORDS - 1,
        },
    )


def acquirer(book: Book, at: Ints, first_id: int, file: str, line: int) -> pa.Table:
    """The acquirer's rows `at`, in this order, from a file with that name."""
    status = book.a_status[at]
    day, ref = settled(book, at)
    fee = pa.array(book.fee[at], mask=book.fee_stated[at] == 0)
    f39 = np.where(status == A_DECLINED, 1, np.where(book.chargeback[at] == 1, 2, 0))
    named = book.a_terminal[at] == 1
    return _table(
        schema.ACQUIRER,
        {
            "id": np.arange(first_id, first_id + len(at)),
            "merchant_no": names.merchant_nos(book.merchant[at]),
            "terminal_no": pc.if_else(pa.array(named), names.terminal_nos(book.terminal[at]), ""),
            "channel": _word(CHANNELS, book.channel[at]),
            "batch": names.digits(book.a_batch[at], 6),
            "stan": names.digits(book.a_stan[at], 6),
            "occurrence": np.zeros(len(at), np.int64),
            "day": book.a_day[at],
            "at": book.a_at[at],
            "txn": _word(TXN, book.a_txn[at]),
            "status": _word(A_STATUS, status),
            "amount_minor": book.a_amount[at],
            "fee_minor": fee,
            "currency": _same("156", at),
            "card": names.cards(book.card[at]),
            "token": names.tokens(np.where(book.a_token[at] == 1, book.card[at], -1)),
            "rrn": names.digits(book.a_rrn[at], 12),
            "auth": names.digits(np.where(status == A_DECLINED, 0, book.auth[at]), 6),
            "orig_rrn": names.digits(book.orig_rrn[at] * (not book.plain), 12),
            "f39": _word(("00", "51", "CB"), f39),
            "reversal_f39": _word(("", "00"), (status == A_REVERSED).astype(np.int64)),
            "settle_day": day,
            "settle_ref": ref,
            "file": _same(file, at),
            "line": np.arange(line, line + len(at)),
        },
    )


def settled(book: Book, at: Ints) -> tuple[Ints, pa.Array]:
    """The day and the reference of settlement, as far as the acquirer states them.

    The wallet says neither, the second channel both, the first the day, and to every other
    merchant the reference.
    """
    channel, merchant = book.channel[at], book.merchant[at]
    day = np.zeros(len(at), np.int64)
    for of in (CARD, ADYEN):
        for number in np.unique(book.a_day[at]):
            on = schema.day_number(settle_day(CHANNELS[of], schema.as_date(int(number))))
            day[(channel == of) & (book.a_day[at] == number)] = on
    day = np.where((book.a_status[at] == A_CAPTURED) & (not book.plain), day, 0)
    named = (day > 0) & ((channel == ADYEN) | (merchant % 2 == 0))
    number = (channel + 1) * 10_000_000_000 + merchant * 100_000 + day
    return day, names.digits(np.where(named, number, 0), 12)


def ref(channel: int, merchant: int, settled_on: int) -> str:
    """The reference of a settlement, "" where the acquirer gives none."""
    if channel == WECHAT or (channel == CARD and merchant % 2):
        return ""
    return f"{(channel + 1) * 10_000_000_000 + merchant * 100_000 + settled_on:012d}"


def _word(words: tuple[str, ...], places: Ints) -> pa.Array:
    return pa.array(words).take(pa.array(places))


def _same(text: str, at: Ints) -> pa.Array:
    return pa.repeat(pa.scalar(text), len(at))


def _table(columns: pa.Schema, values: dict[str, pa.Array | Ints]) -> pa.Table:
    return pa.table([pa.array(values[name]) for name in columns.names], schema=columns)
