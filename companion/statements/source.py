"""The bytes of a statement file, in blocks of whole lines: large files need not fit memory."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from companion.statements.statement import StatementError

BLOCK = 8 << 20
MAX_LINE = 1 << 16  # bytes; a longer one is not a line of a statement
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Block:
    """Some whole lines as UTF-8 with "\\n" ends; `line` is the number of the first one."""

    line: int
    data: bytes


class Source:
    """A statement's bytes, from a path or from memory."""

    def __init__(self, origin: Path | bytes) -> None:
        self._stream: BinaryIO = (
            io.BytesIO(origin) if isinstance(origin, bytes) else origin.open("rb")
        )
        self.size = self._stream.seek(0, io.SEEK_END)

    def __enter__(self) -> Source:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stream.close()

    def at(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset` on."""
        self._stream.seek(offset)
        return self._stream.read(length)

    def stream(self) -> BinaryIO:
        """All of it, from the beginning."""
        self._stream.seek(0)
        return self._stream

    @property
    def head(self) -> bytes:
        """The beginning, by which a layout is recognised."""
        return self.at(0, 8192)

    def everything(self, most: int) -> bytes:
        """All of it, for formats that cannot be read in blocks."""
        if self.size > most:
            raise StatementError(f"{self.size} bytes, more than the {most} that can be read")
        return self.at(0, self.size)

    def sha256(self) -> str:
        """The hash of all of it."""
        digest = hashlib.sha256()
        for offset in range(0, self.size, BLOCK):
            digest.update(self.at(offset, BLOCK))
        return digest.hexdigest()


class Lines:
    """The lines of a text file: the first ones, the last ones, and blocks of those between."""

    def __init__(self, source: Source, encoding: str = "utf-8") -> None:
        self._source = source
        self._encoding = encoding
        self._start = len(_BOM) if source.at(0, 3) == _BOM else 0
        self._end = source.size
        self._line = 1

    def first(self) -> str:
        """Take the next line from the beginning; "" when there is none."""
        data = self._source.at(self._start, min(MAX_LINE, self._end - self._start))
        at = data.find(b"\n")
        if at < 0 and self._end - self._start > MAX_LINE:
            raise StatementError(f"line {self._line}: longer than {MAX_LINE} bytes")
        line = data if at < 0 else data[:at]
        self._start += len(line) + (at >= 0)
        self._line += 1
        return self._text(self._line - 1, line.removesuffix(b"\r"))

    def ended(self) -> bool:
        """Whether no line is left."""
        return self._start >= self._end

    def peek(self) -> str:
        """The next line, which stays."""
        start, line = self._start, self._line
        found = self.first()
        self._start, self._line = start, line
        return found

    def last(self) -> str:
        """Take the last line; "" when there is none. An empty line at the end is not one."""
        begin = max(self._start, self._end - MAX_LINE)
        data = self._source.at(begin, self._end - begin).rstrip(b"\r\n")
        at = data.rfind(b"\n")
        if at < 0 and begin > self._start:
            raise StatementError(f"the last line is longer than {MAX_LINE} bytes")
        line = data[at + 1 :]
        self._end = begin + at + 1
        try:
            return line.decode(self._encoding)
        except UnicodeDecodeError:
            raise StatementError(f"line {self.behind()}: not {self._name()} text") from None

    def behind(self) -> int:
        """The number of the first line behind the blocks: of the last line that was taken."""
        count = self._line
        for offset in range(self._start, self._end, BLOCK):
            count += self._source.at(offset, min(BLOCK, self._end - offset)).count(b"\n")
        return count

    def blocks(self) -> Iterator[Block]:
        """What is left, in blocks of whole lines."""
        offset, line, rest = self._start, self._line, b""
        while offset < self._end:
            data = self._source.at(offset, min(BLOCK, self._end - offset))
            if not data:
                raise StatementError("the file became shorter while it was read")
            offset += len(data)
            data = rest + data
            cut = data.rfind(b"\n") + 1 if offset < self._end else len(data)
            rest = data[cut:]
            if len(rest) > MAX_LINE:
                line += data.count(b"\n")
                raise StatementError(f"line {line}: longer than {MAX_LINE} bytes")
            block = Block(line, self._clean(line, data[:cut]))
            if block.data:
                yield block
            line += data.count(b"\n", 0, cut)

    def _clean(self, line: int, data: bytes) -> bytes:
        """As UTF-8, each line with one "\\n" behind it."""
        if b"\r" in data:
            data = data.replace(b"\r\n", b"\n")
        for odd, what in ((b"\r", "a carriage return"), (b"\0", "a zero byte")):
            at = data.find(odd)
            if at >= 0:
                raise StatementError(f"line {line + data.count(chr(10).encode(), 0, at)}: {what}")
        text = self._text(line, data)
        clean = data if self._encoding == "utf-8" else text.encode()
        return clean if clean.endswith(b"\n") or not clean else clean + b"\n"

    def _text(self, line: int, data: bytes) -> str:
        try:
            return data.decode(self._encoding)
        except UnicodeDecodeError as error:
            line += data.count(b"\n", 0, error.start)
            raise StatementError(f"line {line}: not {self._name()} text") from None

    def _name(self) -> str:
        return self._encoding.upper()


def encoding_of(source: Source) -> str:
    """UTF-8, or GB 18030 when the beginning is Chinese text that is no UTF-8."""
    head = source.head
    try:
        # A character may be cut in two at the end.
        head.decode("utf-8") if len(head) < 8192 else head[: head.rfind(b"\n") + 1].decode("utf-8")
    except UnicodeDecodeError:
        return "gb18030"
    return "utf-8"
