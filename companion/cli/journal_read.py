"""`companion journal read`: the journal in a flash image of a terminal that is dead."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import groupby
from pathlib import Path

import click
from click.core import ParameterSource
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from companion import flash
from companion.cli import recordview
from companion.cli.output import (
    FINE,
    FOUND,
    console,
    json_option,
    print_json,
    store_option,
    table,
)
from companion.flash import seals
from companion.store import Store, StoreError, terminals
from companion.store.intake import ImageRecords
from companion.store.records import decoded, has_clear_pan
from companion.store.sink import RecordSink
from companion.store.verify import fault

_SHOWN = 20  # damaged places; --json has all of them
_GAP = "flash image: "


def _bytes(context: click.Context, parameter: click.Parameter, value: str | None) -> int | None:
    if value is None:
        return None
    try:
        number = int(value, 0)
    except ValueError:
        number = -1
    if number < 0:
        raise click.BadParameter(f"{value!r} is not a number of bytes such as 0x310000")
    return number


@click.command()
@click.argument("file", metavar="FLASH.bin", type=click.Path(path_type=Path))
@click.option("--device", metavar="ID", help="Whose journal it is; else its seals say so.")
@click.option("--from", "first", type=click.IntRange(0), default=0, help="From this record on.")
@click.option("--limit", type=click.IntRange(1), help="At most so many records.")
@click.option(
    "--offset", callback=_bytes, metavar="BYTES", help="Where the journal begins in the image."
)
@click.option("--size", callback=_bytes, metavar="BYTES", help="How long it is.")
@click.option("--load", "loading", is_flag=True, help="Take the records into the store.")
@json_option
@store_option
@click.pass_context
def read(
    context: click.Context,
    file: Path,
    device: str | None,
    first: int,
    limit: int | None,
    offset: int | None,
    size: int | None,
    loading: bool,
    as_json: bool,
    directory: Path,
) -> None:
    """Read the journal of a dead terminal from an image of its flash.

    The image is of the whole flash, or of the partition `journal` alone. Lists the records, names
    each gap, and verifies the seals under the keys in the store. Exits with 1 when something is
    damaged, missing or cannot be verified. With --load, the records a terminal that starts on
    this flash would serve are taken into the store, as by a sync.

    An image of the whole flash has the terminal's keys in it: keep it as you would keep them.

    \b
    Example:
      esptool read-flash OFFSET SIZE FLASH.bin
      companion journal read FLASH.bin
      companion journal read FLASH.bin --load
    """
    given = context.get_parameter_source("directory") is not ParameterSource.DEFAULT
    with ExitStack() as opened:
        store = None
        if given or loading or device or (directory / "store.sqlite").exists():
            store = opened.enter_context(Store.open(directory))
        image = flash.load(file, offset, size)
        reading = flash.read(image.partition)
        verdict, unverified = _verify(store, reading, device)
        loaded = None
        if loading:
            assert store is not None
            loaded = _load(store, image, reading, verdict, unverified)
    report = _Report(image, reading, verdict, unverified, loaded)
    shown = [record for record in reading.records if record.seq >= first][:limit]
    if as_json:
        print_json(report.document(shown))
    else:
        out = console()
        if not loading:
            out.print(report.records(shown))
        report.print(out)
    context.exit(FOUND if report.findings else FINE)


def _verify(
    store: Store | None, reading: flash.Reading, device: str | None
) -> tuple[seals.Verdict | None, str]:
    """The seals' verdict, or why there is none; "" when there is nothing to verify."""
    if store is None:
        return None, "no key, for there is no store here" if reading.records else ""
    with store.read() as connection:
        candidates = terminals.chosen(connection, device)
        if device:
            return seals.verify(connection, reading, candidates[0]), ""
        verdict = seals.owner(connection, reading, candidates)
    if verdict or not reading.records:
        return verdict, ""
    return None, "no key, for no terminal of this store is shown to have made them"


def _load(
    store: Store,
    image: flash.Image,
    reading: flash.Reading,
    verdict: seals.Verdict | None,
    unverified: str,
) -> int:
    """Take what a terminal would serve into the store; returns how many records are new."""
    if verdict is None or not verdict.proven or not reading.served:
        why = unverified or "no seal holds under this terminal's key"
        if not reading.served:
            why = "it has no records"
        raise StoreError(f"{image.path}: nothing was loaded: {why}")
    with RecordSink(store) as sink:
        sink.begin(verdict.terminal.device_id)
        return sink.load(
            verdict.terminal.device_id,
            ImageRecords(
                sha256=image.sha256,
                name=image.path.name,
                first_seq=reading.first_seq,
                next_seq=reading.next_seq,
                records=[(record.seq, record.payload) for record in reading.served],
                gaps=[(gap.first_seq, gap.last_seq, _GAP + _words(gap)) for gap in reading.gaps],
                unsure_seq=reading.unsure_seq,
            ),
        )


def _words(gap: flash.Gap) -> str:
    return ("may have been given out; " if gap.unknown else "") + gap.reason


class _Report:
    """What was found, for people and as JSON."""

    def __init__(
        self,
        image: flash.Image,
        reading: flash.Reading,
        verdict: seals.Verdict | None,
        unverified: str,
        loaded: int | None,
    ) -> None:
        self.image = image
        self.reading = reading
        self.verdict = verdict
        self.unverified = unverified
        self.loaded = loaded
        self.findings = list(self._findings())

    def _findings(self) -> Iterator[str]:
        """What is wrong, in words; a gap that was released is not: its records were synced."""
        for gap in self.reading.gaps:
            if not gap.released:
                yield f"record {recordview.span(gap.first_seq, gap.last_seq)}: {_words(gap)}"
        problems = ((item.seq, self._problem(item)) for item in self.reading.records)
        # One finding for each run of records with the same problem.
        for problem, run in groupby(enumerate(problems), lambda p: (p[1][1], p[1][0] - p[0])):
            numbers = [seq for _, (seq, _) in run]
            if problem[0]:
                yield f"record {recordview.span(numbers[0], numbers[-1])}: {problem[0]}"
        yield from self.reading.warnings
        if self.unverified:
            yield f"seals not verified: {self.unverified}"

    def _problem(self, item: flash.Record) -> str:
        content = decoded(item.payload)
        if content is not None and has_clear_pan(content):
            return "holds a clear card number"
        return fault(content, self.verdict.seals[item.seq] if self.verdict else None)

    # For people

    def records(self, shown: Sequence[flash.Record]) -> Table:
        """The records as a table, like that of `journal list`."""
        made = table(
            f"Journal in {escape(self.image.path.name)}",
            ("seq", "kind", "time (UTC)", "fields", "seal", "state"),
            right=("seq",),
        )
        for item in shown:
            content = decoded(item.payload)
            hidden = content is not None and has_clear_pan(content)
            made.add_row(
                str(item.seq),
                recordview.kind(content),
                recordview.time(content),
                "a clear card number: not shown" if hidden else escape(recordview.fields(content)),
                recordview.seal(self.verdict.seals[item.seq]) if self.verdict else "not verified",
                self._state(item),
            )
        return made

    def _state(self, item: flash.Record) -> str:
        if item.seq == self.reading.unsure_seq:
            return "newest"
        if not item.served:
            return "left over"
        return "released" if item.released else ""

    def print(self, out: Console) -> None:
        """The summary: place, whose, how much, what is wrong."""
        reading = self.reading
        out.print(
            f"{escape(str(self.image.path))}: journal of {reading.sectors} sectors at "
            f"0x{self.image.offset:x}, epochs {reading.first_epoch}-{reading.last_epoch}"
        )
        out.print(f"sha256 {self.image.sha256}")
        if self.verdict:
            terminal, states = self.verdict.terminal, list(self.verdict.seals.values())
            out.print(
                f"{terminal.device_id}, terminal {terminal.terminal_no} of merchant "
                f"{terminal.merchant_no}: {states.count(True)} seals hold, "
                f"{states.count(False)} broken, {states.count(None)} after a gap"
            )
        out.print(self._amount())
        if reading.unsure_seq is not None:
            out.print(
                f"record {reading.unsure_seq} was written last: if the power was cut in it, a "
                "restart may find it torn and give its number to another"
            )
        for gap in reading.gaps:
            if gap.released:
                span = recordview.span(gap.first_seq, gap.last_seq)
                out.print(f"  record {span}, released before: {escape(_words(gap))}")
        places = [_place(damage) for damage in reading.damage]
        for place in places[:_SHOWN]:
            out.print(f"  {place}")
        if len(places) > _SHOWN:
            out.print(f"  and {len(places) - _SHOWN} more places; --json has them")
        for finding in self.findings:
            out.print(f"[red]{escape(finding)}[/red]")
        if self.loaded is not None:
            out.print(f"loaded: {self.loaded} new records, see companion journal list")

    def _amount(self) -> str:
        reading = self.reading
        served = reading.served
        if not served:
            return f"no records; the next is {reading.next_seq}"
        released = sum(item.released for item in served)
        left_over = len(reading.records) - len(served)
        return (
            f"{len(served)} records of {reading.first_seq}-{reading.next_seq - 1}; "
            f"released: {released}, those below {reading.released}"
            + (f"; left over: {left_over}" if left_over else "")
        )

    # For programs

    def document(self, shown: Sequence[flash.Record]) -> dict[str, object]:
        """Everything, with those records."""
        reading = self.reading
        return {
            "image": {
                "name": self.image.path.name,
                "sha256": self.image.sha256,
                "offset": self.image.offset,
                "size": len(self.image.partition),
            },
            "sectors": reading.sectors,
            "epochs": [reading.first_epoch, reading.last_epoch],
            "device_id": self.verdict.terminal.device_id if self.verdict else None,
            "first_seq": reading.first_seq,
            "next_seq": reading.next_seq,
            "released": reading.released,
            "unsure_seq": reading.unsure_seq,
            "records": [self._record(item) for item in shown],
            "gaps": [gap.__dict__ for gap in reading.gaps],
            "damage": [damage.__dict__ for damage in reading.damage],
            "findings": self.findings,
            "loaded": self.loaded,
        }

    def _record(self, item: flash.Record) -> dict[str, object]:
        content = decoded(item.payload)
        if content is not None and has_clear_pan(content):
            shown: dict[str, object] = {"seq": item.seq, "kind": recordview.kind(content)}
        else:
            shown = recordview.document(item.seq, content, item.payload)
        return {
            **shown,
            "seal_ok": self.verdict.seals[item.seq] if self.verdict else None,
            "released": item.released,
            "served": item.served,
            "places": [[slot.sector, slot.number] for slot in item.slots],
        }


def _place(damage: flash.Damage) -> str:
    slot = f" slot {damage.slot}" if damage.slot is not None else ""
    return f"sector {damage.sector}{slot}: {damage.problem}"
