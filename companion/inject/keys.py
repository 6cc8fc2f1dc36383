"""What breaks are called: the row keys, as the contract of the rules has them."""

from __future__ import annotations

from companion.inject import names
from companion.inject.book import Book
from companion.inject.terms import CHANNELS


def row_key(book: Book, row: int) -> str:
    """The key of a pair, or of a row that only one side has."""
    merchant = names.merchant_no(int(book.merchant[row]))
    if book.on_terminal[row]:
        numbers = (int(book.batch[row]), int(book.stan[row]), 1)
    elif book.a_batch[row]:
        numbers = (int(book.a_batch[row]), int(book.a_stan[row]), int(book.a_occurrence[row]))
    else:
        channel = CHANNELS[book.channel[row]]
        return f"{merchant}|{channel}|{book.a_rrn[row]:012d}|{book.a_occurrence[row]}"
    batch, stan, occurrence = numbers
    terminal = names.terminal_no(int(book.terminal[row]))
    return f"{merchant}|{terminal}|{batch:06d}|{stan:06d}|{occurrence}"
