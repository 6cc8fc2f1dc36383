"""Runs on MicroPython: what people use instead of a journal, all on littlefs (VfsLfs2).

Each keeps numbered records through a restart with the surface of terminal.journal.Journal, written
as a careful developer would: every append is closed, which is littlefs' commit; every record has
a CRC; a file system that does not mount is left alone, never formatted.
"""

import json
import struct
from binascii import a2b_base64, b2a_base64, crc32

import vfs

from terminal.journal import JournalFault, JournalFull

PER_FILE = 32  # records of one file of the rings
_ENOENT = 2
_ENOSPC = 28
_SPARE_BLOCKS = 4  # littlefs needs free blocks even to remove a file


class _Store:
    """Numbers, errors and the state of the file system; what a record is, a subclass says."""

    def __init__(self, partition) -> None:
        self._partition = partition
        self._fs = None
        self.first_seq = self.next_seq = self.released = 0
        self.read_only = True
        self.alarm = "NOT_MOUNTED"

    def format(self) -> None:
        vfs.VfsLfs2.mkfs(self._partition)

    def mount(self) -> dict:
        self.first_seq = self.next_seq = self.released = 1
        self.read_only, self.alarm = False, ""
        try:
            # Without times the bytes on flash depend on nothing but the records.
            self._fs = vfs.VfsLfs2(self._partition, mtime=False)
            self._load()
            self._load_state()
            self.released = max(self.released, self.first_seq)
        except (OSError, ValueError, KeyError) as err:
            self.read_only, self.alarm = True, "MOUNT_FAILED"
            rows = [f"{type(err).__name__}: {err}"]
        else:
            rows = []
        return {
            "rows": rows,
            "alarm": self.alarm,
            "read_only": self.read_only,
            "first_seq": self.first_seq,
            "next_seq": self.next_seq,
            "released": self.released,
        }

    def append(self, payload: bytes) -> int:
        self._writable()
        seq = self.next_seq
        self._change(self._write, seq, payload)
        self.next_seq = seq + 1
        return seq

    def release(self, seq: int) -> None:
        """Remove what holds only released records, but never the newest: it knows the number."""
        self._writable()
        if seq > self.released:
            self.released = seq
            self._change(self._save_state)
            self._change(self._remove, seq)

    def read(self, seq: int) -> bytes | None:
        try:
            return self._read(seq)
        except OSError as err:
            raise JournalFault(f"record {seq}: {err!r}")  # noqa: B904

    def scan(self, first: int):
        seq = max(first, self.first_seq)
        while seq < self.next_seq:
            yield seq, self.read(seq)
            seq = max(seq + 1, self.first_seq)

    def idle(self) -> bool:
        """littlefs erases when it writes: nothing can be done ahead."""
        return False

    def room(self) -> int:
        if self.read_only:
            return 0
        return max(0, self._fs.statvfs("/")[3] - _SPARE_BLOCKS) * self.PER_BLOCK

    def _writable(self) -> None:
        if self.read_only:
            raise JournalFault("the store is read-only: " + self.alarm)

    def _change(self, action, *args) -> None:
        try:
            action(*args)
        except OSError as err:
            if err.errno == _ENOSPC:
                raise JournalFull("no space left")  # noqa: B904
            self.read_only, self.alarm = True, "APPEND_FAILED"
            raise JournalFault(repr(err))  # noqa: B904

    def _load_state(self) -> None:
        data = self._file("state")
        if data:
            self.released = struct.unpack("<I", data)[0]

    def _save_state(self) -> None:
        self._append("state", "wb", struct.pack("<I", self.released))

    def _append(self, name: str, mode: str, data: bytes) -> None:
        with self._fs.open(name, mode) as file:
            file.write(data)

    def _names(self) -> list:
        """The numbers in the names of the files that hold records, in order."""
        return sorted(int(entry[0], 16) for entry in self._fs.ilistdir("/") if entry[0][0] == "0")

    def _file(self, name: str) -> bytes:
        """What a file holds, nothing when there is no such file."""
        try:
            with self._fs.open(name, "rb") as file:
                return file.read()
        except OSError as err:
            if err.errno == _ENOENT:
                return b""
            raise


class LittleFs(_Store):
    """A ring of files; a record is appended to the newest, which is closed."""

    PER_BLOCK = PER_FILE
    _FRAME = "<HI"  # length, CRC

    def _load(self) -> None:
        self._files = self._names()
        self._count = PER_FILE  # records in the newest file; a new one follows a damaged end
        self._parsed = (0, [])
        if self._files:
            self.first_seq, newest = self._files[0], self._files[-1]
            records, whole = self._parse(self._file(f"{newest:08x}"))
            self.next_seq = newest + len(records)
            if whole:
                self._count = len(records)

    def _write(self, seq: int, payload: bytes) -> None:
        if self._count >= PER_FILE:
            self._append(f"{seq:08x}", "wb", self._frame(seq, payload))
            if seq not in self._files:
                self._files.append(seq)
            self._count = 1
        else:
            self._append(f"{self._files[-1]:08x}", "ab", self._frame(seq, payload))
            self._count += 1
        self._parsed = (0, [])

    def _remove(self, seq: int) -> None:
        while len(self._files) > 1 and self._files[1] <= seq:
            self._fs.remove(f"{self._files[0]:08x}")
            self._files.pop(0)
            self.first_seq = self._files[0]

    def _read(self, seq: int) -> bytes | None:
        name = max(first for first in self._files if first <= seq)
        if self._parsed[0] != name:
            self._parsed = (name, self._parse(self._file(f"{name:08x}"))[0])
        records = self._parsed[1]
        return records[seq - name] if seq - name < len(records) else None

    def _frame(self, seq: int, payload: bytes) -> bytes:
        return struct.pack(self._FRAME, len(payload), crc32(payload)) + payload

    def _parse(self, data: bytes) -> tuple:
        """The records (None for a damaged one) of a file, and whether it ends as it should."""
        records: list = []
        at = 0
        while at + 6 <= len(data):
            length, crc = struct.unpack_from(self._FRAME, data, at)
            payload = data[at + 6 : at + 6 + length]
            if not length or len(payload) != length:
                break
            records.append(payload if crc32(payload) == crc else None)
            at += 6 + length
        return records, at == len(data)


class Json(LittleFs):
    """A JSON state that is written anew with each record, and the records as lines of JSON."""

    def _load_state(self) -> None:
        data = self._file("state.json")
        if data:
            state = json.loads(data)
            self.released = state["released"]
            if state["next"] > self.next_seq:
                self.next_seq, self._count = state["next"], PER_FILE

    def _save_state(self, following: int = 0) -> None:
        state = {"next": following or self.next_seq, "released": self.released}
        self._append("state.json", "wb", json.dumps(state).encode())

    def _write(self, seq: int, payload: bytes) -> None:
        super()._write(seq, payload)
        self._save_state(seq + 1)

    def _frame(self, seq: int, payload: bytes) -> bytes:
        line = {"seq": seq, "data": b2a_base64(payload)[:-1].decode(), "crc": crc32(payload)}
        return json.dumps(line).encode() + b"\n"

    def _parse(self, data: bytes) -> tuple:
        records: list = []
        for line in data.split(b"\n")[:-1]:
            try:
                record = json.loads(line)
                payload = a2b_base64(record["data"])
                records.append(payload if crc32(payload) == record["crc"] else None)
            except (ValueError, KeyError, TypeError):
                records.append(None)
        return records, data[-1:] == b"\n"


class Files(_Store):
    """A file for each record."""

    PER_BLOCK = 8  # a pair of blocks holds the files' metadata, half full on the average

    def _load(self) -> None:
        names = self._names()
        if names:
            self.first_seq = names[0]
            self.next_seq = names[-1] + 1

    def _write(self, seq: int, payload: bytes) -> None:
        self._append(f"{seq:08x}", "wb", struct.pack("<I", crc32(payload)) + payload)

    def _remove(self, seq: int) -> None:
        while self.first_seq < min(seq, self.next_seq - 1):
            self._fs.remove(f"{self.first_seq:08x}")
            self.first_seq += 1

    def _read(self, seq: int) -> bytes | None:
        data = self._file(f"{seq:08x}")
        payload = data[4:]
        return payload if payload and data[:4] == struct.pack("<I", crc32(payload)) else None


DESIGNS = {"littlefs": LittleFs, "json": Json, "files": Files}
