"""A block of lines as columns, checked as a whole: an error still names the line."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from companion.statements.cards import shown
from companion.statements.source import MAX_LINE, Block
from companion.statements.statement import StatementError, day_of

DAY_S = 86400
CHINA_S = 8 * 3600
# Minor units that a value of a file may have; sums of a hundred million of them fit 64 bits.
MAX_DIGITS = 12


class Columns:
    """The values of a block, all of them text; `line` is the line of the first row."""

    def __init__(
        self,
        line: int,
        values: Mapping[str, pa.Array],
        rows: int,
        numbers: Sequence[int] | None = None,
    ) -> None:
        self.line = line
        self.values = dict(values)
        self.rows = rows
        # The line of each row, when they do not follow one another.
        self.numbers = numbers

    def line_of(self, row: int) -> int:
        """The line of a row."""
        return self.numbers[row] if self.numbers else self.line + row

    def numbered(self) -> Sequence[int]:
        """The line of every row."""
        return self.numbers or range(self.line, self.line + self.rows)

    def __getitem__(self, name: str) -> pa.Array:
        return self.values[name]

    @classmethod
    def read(
        cls, block: Block, names: Sequence[str], delimiter: str = ",", quotes: bool = True
    ) -> Columns:
        """Split a block; every line must have a value for each name."""
        data = block.data
        count = data.count(b"\n")
        _check_length(block)
        if quotes:
            _check_quotes(block)
        odd: list[tuple[int | None, int]] = []

        def wrong(row: csv.InvalidRow) -> str:
            odd.append((row.number, row.actual_columns))
            return "skip"

        quoted = quotes and b'"' in data
        try:
            table = csv.read_csv(
                pa.BufferReader(data),
                csv.ReadOptions(
                    use_threads=False, column_names=list(names), block_size=len(data) + 1
                ),
                csv.ParseOptions(
                    delimiter=delimiter,
                    quote_char='"' if quoted else False,
                    ignore_empty_lines=False,
                    invalid_row_handler=wrong,
                ),
                csv.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.string()),
                    strings_can_be_null=False,
                    quoted_strings_can_be_null=False,
                ),
            )
        except pa.ArrowInvalid as error:
            raise StatementError(f"line {block.line}: not comma-separated text: {error}") from None
        if odd:
            number, found = min(odd, key=lambda item: item[0] or 0)
            line = block.line + (number or 1) - 1
            raise StatementError(f"line {line}: {found} values, not {len(names)}")
        if table.num_rows != count:
            raise StatementError(f"line {block.line}: a value runs over the end of its line")
        arrays = {name: _whole(table.column(name)) for name in names}
        return cls(block.line, arrays, count)

    def refuse(self, name: str, good: pa.Array, rule: str) -> None:
        """Raise for the first row in which `good` does not hold."""
        at = pc.index(pc.fill_null(good, False), pa.scalar(False)).as_py()
        if at >= 0:
            raise StatementError(
                f"line {self.line_of(at)}: {name} is {shown(self[name][at].as_py())}, not {rule}"
            )

    def check(self, patterns: Mapping[str, str], hidden: Sequence[str] = ()) -> None:
        """Check every named column against its pattern; values of `hidden` ones are not shown."""
        worst: tuple[int, str] | None = None
        for name, pattern in patterns.items():
            good = pc.match_substring_regex(self[name], rf"\A(?:{pattern})\z")
            at = pc.index(good, pa.scalar(False)).as_py()
            if at >= 0 and (worst is None or at < worst[0]):
                worst = (at, name)
        if worst is None:
            return
        at, name = worst
        what = (
            f"an unmasked or malformed {name}" if name in hidden else shown(self[name][at].as_py())
        )
        raise StatementError(f"line {self.line_of(at)}: {name} is {what}, not {patterns[name]}")

    def mapped(self, name: str, change: Callable[[str], int | str | None], rule: str) -> pa.Array:
        """Each value changed; for columns with few different values. None is refused."""
        coded = self[name].dictionary_encode()
        results = [change(value) for value in coded.dictionary.to_pylist()]
        kind = pa.int64() if any(isinstance(item, int) for item in results) else pa.string()
        changed = pa.array(results, kind).take(coded.indices)
        if None in results:
            self.refuse(name, pc.is_valid(changed), rule)
        return changed

    def days(self, name: str, written: str = "%Y-%m-%d") -> pa.Array:
        """Day numbers of a column of dates, or of the dates that ISO times begin with."""
        if written == "%Y-%m-%d":
            dates = Columns(self.line, {name: pc.utf8_slice_codeunits(self[name], 0, 10)}, 0)
            return dates.mapped(name, day_of, "a date")

        def of(text: str) -> int | None:
            try:
                return day_of(datetime.strptime(text, written).date().isoformat())
            except ValueError:
                return None

        return self.mapped(name, of, f"a date like {written}")

    def instants(self, name: str, east: int = 0, local: bool = False) -> pa.Array:
        """Seconds since 1970 UTC of ISO times. Local ones name no zone and are `east` seconds
        east of UTC; the others name theirs."""
        local = local or east != 0
        try:
            kind = pa.timestamp("us") if local else pa.timestamp("us", "UTC")
            moments = self[name].cast(kind).cast(pa.int64())
        except pa.ArrowInvalid:
            for row, text in enumerate(self[name].to_pylist()):
                if not _is_time(text, local):
                    raise StatementError(
                        f"line {self.line_of(row)}: {name} is {shown(text)}, no time"
                    ) from None
            raise StatementError(f"line {self.line}: {name}: one of the times is none") from None
        return pc.subtract(pc.divide(moments, 1_000_000), pa.scalar(east, pa.int64()))

    def filled(self, name: str, instead: str = "0") -> pa.Array:
        """A column with something else where it is empty."""
        return pc.if_else(pc.equal(self[name], ""), pa.scalar(instead), self[name])

    def amounts(self, name: str, places: int) -> pa.Array:
        """Integers in units of 10^-places, from a column that was checked to be decimal text."""
        return units(self[name], places)


def units(texts: pa.Array, places: int) -> pa.Array:
    """Decimal texts as integers of 10^-places; more decimals than that must not be there."""
    wide = pa.decimal128(30, places)
    factor = pa.scalar(10**places, pa.decimal128(places + 1, 0))
    return pc.multiply(texts.cast(wide), factor).cast(pa.decimal128(38, 0)).cast(pa.int64())


def written(amount: int, places: int) -> str:
    """Units of 10^-places as a decimal number."""
    sign, digits = "-" if amount < 0 else "", f"{abs(amount):0{places + 1}d}"
    return sign + (f"{digits[:-places]}.{digits[-places:]}" if places else digits)


def decimal(places: int, signed: bool = False) -> str:
    """The pattern of a decimal number with at most so many decimals."""
    return ("-?" if signed else "") + rf"\d{{1,{MAX_DIGITS}}}(?:\.\d{{1,{places}}})?"


def _whole(column: pa.ChunkedArray) -> pa.Array:
    found = column.combine_chunks()
    return found if isinstance(found, pa.Array) else pa.concat_arrays(found.chunks)


def _is_time(text: str, local: bool) -> bool:
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return False
    return (moment.tzinfo is None) == local


def _check_quotes(block: Block) -> None:
    """A quoted value ends on its line; most files have none at all."""
    if b'"' not in block.data:
        return
    for number, line in enumerate(block.data.split(b"\n"), block.line):
        if line.count(b'"') % 2:
            raise StatementError(f"line {number}: a quoted value runs over the end of the line")


def _check_length(block: Block) -> None:
    """No line is longer than a line may be; one look for each such stretch of bytes."""
    start = 0
    while len(block.data) - start > MAX_LINE:
        end = block.data.rfind(b"\n", start, start + MAX_LINE + 1)
        if end < 0:
            line = block.line + block.data.count(b"\n", 0, start)
            raise StatementError(f"line {line}: longer than {MAX_LINE} bytes")
        start = end + 1


_SPACES = re.compile(r"\s+")


def one_line(text: str, most: int) -> str:
    """Free text of a file as facts keep it: one line, bounded, nothing a screen could act on."""
    line = _SPACES.sub(" ", text).strip()[:most]
    return "".join(one if one.isprintable() else "\ufffd" for one in line)
