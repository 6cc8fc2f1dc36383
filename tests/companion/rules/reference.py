"""The rules between terminal and acquirer once more, in plain Python: a row is a dict.

Written from the contract, not from the expressions: lists and loops, quadratic where that is
plainer. Only what companion/rules has of payouts, fees and statements is left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

Row = dict[str, Any]

HOLDS = {"PREAUTH", "PREAUTH_CANCEL"}
BACK = {"VOID", "COMPLETION_VOID", "REFUND"}
COMPLETIONS = {"COMPLETION", "COMPLETION_NOTICE"}
NO_BREAK = {"MATCHED", "DECLINED", "REVERSED", "HEALED", "WAITING"}


@dataclass
class Carry:
    """What one day leaves to the next: rows, events of pre-authorisations, marks on rows."""

    terminal: list[Row] = field(default_factory=list)
    acquirer: list[Row] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)
    marks: set[tuple[int, str]] = field(default_factory=set)


@dataclass
class Books:
    """The reference tables: what is covered, graces, and until when a journal is known."""

    covered: set[tuple[str, str, int]]
    grace: dict[tuple[str, int], int]
    seen: dict[tuple[str, str], int]
    # Per cent and days by merchant, "" for every other, and channel.
    hold_terms: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)

    def terms(self, event: Row) -> tuple[int, int]:
        """What counts for a pre-authorisation."""
        channel = event["channel"]
        every = self.hold_terms.get(("", channel), (115, 30))
        return self.hold_terms.get((event["merchant_no"], channel), every)


@dataclass
class Result:
    """What a step, or the state, gives."""

    pairs: list[Row]
    breaks: list[Row]
    carry: Carry


def money(txn: str, amount: int | None) -> int:
    """What the books have of it."""
    if txn in HOLDS:
        return 0
    return -(amount or 0) if txn in BACK else (amount or 0)


def captured(row: Row) -> bool:
    """Whether the acquirer moves or holds money for it."""
    return row["status"] in ("CAPTURED", "AUTHORISED")


def has_stan(row: Row) -> bool:
    """Whether the exact pass can have it."""
    return "" not in (row["batch"], row["stan"])


def terminal_key(row: Row) -> tuple[Any, ...]:
    """Merchant, terminal, batch, STAN."""
    return (row["merchant_no"], row["terminal_no"], row["batch"], row["stan"])


def acquirer_key(row: Row) -> tuple[Any, ...]:
    """The same, or merchant, channel and RRN."""
    if has_stan(row):
        return terminal_key(row)
    return (row["merchant_no"], row["channel"], row["rrn"])


def named(key: tuple[Any, ...], occurrence: int) -> str:
    """The row key."""
    return "|".join([*map(str, key), str(occurrence)])


def number(rows: list[Row], key: Callable[[Row], tuple[Any, ...]], others: list[Row]) -> list[Row]:
    """New rows behind the carried ones of their key, on the other side too; those that count
    first."""
    there: dict[tuple[Any, ...], int] = defaultdict(int)
    for other in others:
        if has_stan(other):
            place = terminal_key(other)
            there[place] = max(there[place], other["occurrence"])
    groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    done = []
    for group in groups.values():
        last = max(row["occurrence"] for row in group)
        if has_stan(group[0]):
            last = max(last, there[terminal_key(group[0])])
        for row in sorted(group, key=_order):
            if row["occurrence"] == 0:
                last += 1
                done.append({**row, "occurrence": last, "new": True})
            else:
                done.append({**row, "new": False})
    return done


def _order(row: Row) -> tuple[bool, int, int]:
    counts = row["status"] in ("APPROVED", "CAPTURED", "AUTHORISED")
    return (not counts, row["at"], row["id"])


def step(
    day: int,
    terminal: list[Row],
    acquirer: list[Row],
    recent: list[Row],
    carry: Carry,
    books: Books,
) -> Result:
    """One day, with what was carried."""
    ts = number([*terminal, *carry.terminal], terminal_key, carry.acquirer)
    as_ = number([*acquirer, *carry.acquirer], acquirer_key, carry.terminal)
    old = {terminal_key(row) for row in (*carry.terminal, *carry.acquirer) if has_stan(row)}
    met: list[tuple[Row, Row, int]] = []
    for match_pass in (1, 2, 3):
        if match_pass == 1:
            found = _exact(ts, as_, old)
        else:
            found = _by_rrn(ts, as_) if match_pass == 2 else _near(ts, as_)
        met += [(t, a, match_pass) for t, a in found]
        t_ids, a_ids = {t["id"] for t, _ in found}, {a["id"] for _, a in found}
        ts = [t for t in ts if t["id"] not in t_ids]
        as_ = [a for a in as_ if a["id"] not in a_ids]
    pairs = [judged(t, a, match_pass) for t, a, match_pass in met]
    breaks = [_break(pair) for pair in pairs if pair["verdict"] not in NO_BREAK]

    alone = {a["id"] for a in as_}
    marks = carry.marks | {
        (a["id"], "DUPLICATE_CHARGE")
        for a in as_
        if _charged_twice(a, [*acquirer, *carry.acquirer, *recent], alone)
    }
    events, counted = _hold_events(carry.events, acquirer, pairs, as_, books)
    marks |= {(a_id, "COMPLETION_DUPLICATE") for a_id, nth, *_ in counted if nth > 1}
    by_a = {pair["a_id"]: pair for pair in pairs}
    for _, _, event, before, most in counted:
        if most is not None and before <= most < before + event["amount_minor"]:
            excess = before + event["amount_minor"] - most
            breaks.append(_told("PREAUTH_OVER", event, amount_minor=excess))
    for a_id, code in marks:
        pair = by_a.get(a_id)
        agreed = pair and pair["verdict"] in ("MATCHED", "AMOUNT_MISMATCH")
        if code == "COMPLETION_DUPLICATE" and pair and agreed:
            breaks.append(_told(code, pair, amount_minor=pair["amount_minor"]))

    kept_t, kept_a = [], []
    for t in ts:
        if t["status"] == "APPROVED" or _young(t, books, day):
            kept_t.append(t)
        else:
            pair = terminal_alone(t, books, day)
            undone = t["status"] in ("DECLINED", "REVERSED")
            pair["verdict"] = t["status"] if undone else "HEALED"
            pairs.append({**pair, "provisional": 0})
    for a in as_:
        if captured(a) or _young(a, books, day):
            kept_a.append(a)
        else:
            pair = {**acquirer_alone(a, books, day, marks), "provisional": 0}
            pairs.append(pair)
            if pair["verdict"] not in NO_BREAK:
                breaks.append(_break(pair))
    ids = {a["id"] for a in kept_a}
    left = Carry(kept_t, kept_a, _kept(events, day), {mark for mark in marks if mark[0] in ids})
    return Result(pairs, breaks, left)


def _young(row: Row, books: Books, day: int) -> bool:
    grace = books.grace.get((row["channel"], row["day"]), 0)
    return bool(day - row["day"] < 10 or day <= grace)


def state(today: int, carry: Carry, books: Books) -> Result:
    """What is open."""
    pairs = [terminal_alone(t, books, today) for t in carry.terminal]
    pairs += [acquirer_alone(a, books, today, carry.marks) for a in carry.acquirer]
    breaks = [_break(pair) for pair in pairs if pair["verdict"] not in NO_BREAK]
    done = {event["hold"] for event in carry.events if event["kind"] in ("COMPLETION", "CANCEL")}
    for event in carry.events:
        open_ = event["kind"] == "HOLD" and event["hold"] not in done
        if open_ and today - event["day"] > books.terms(event)[1]:
            breaks.append(_told("PREAUTH_EXPIRED", event, amount_minor=event["amount_minor"]))
    return Result(pairs, breaks, carry)


def _exact(ts: list[Row], as_: list[Row], old: set[tuple[Any, ...]]) -> list[tuple[Row, Row]]:
    """The n-th of a key with the n-th; of one that an earlier day has used, date by date, and
    then what is left over."""
    found: list[tuple[Row, Row]] = []
    keys = sorted({terminal_key(t) for t in ts if has_stan(t)})
    for key in keys:
        here = sorted((t for t in ts if terminal_key(t) == key), key=_order)
        there = sorted((a for a in as_ if terminal_key(a) == key), key=_order)
        if key not in old:
            found += zip(here, there, strict=False)
            continue
        of_date: list[tuple[Row, Row]] = []
        for date in {_date(row, _instant(row)) for row in here}:
            of_date += zip(
                (t for t in here if _date(t, _instant(t)) == date),
                (a for a in there if _date(a, a["at"]) == date),
                strict=False,
            )
        taken = {row["id"] for pair in of_date for row in pair}
        left = [
            sorted((row for row in rows if row["id"] not in taken), key=lambda r: r["occurrence"])
            for rows in (here, there)
        ]
        found += of_date
        found += [pair for pair in zip(*left, strict=False) if not _far(*pair)]
    return found


def _far(t: Row, a: Row) -> bool:
    known = _instant(t) > 0 and a["at"] > 0
    return known and abs(_instant(t) - a["at"]) > 12 * 3600


def _instant(t: Row) -> int:
    if t["host_at"]:
        return int(t["host_at"])
    return int(t["at"]) if abs((t["at"] + 28_800) // 86_400 - t["day"]) <= 1 else 0


def _date(row: Row, instant: int) -> int:
    return (instant + 28_800) // 86_400 if instant else int(row["day"])


def _by_rrn(ts: list[Row], as_: list[Row]) -> list[tuple[Row, Row]]:
    def grouped(rows: list[Row]) -> dict[tuple[str, str, str], list[Row]]:
        groups = defaultdict(list)
        for row in sorted(rows, key=_order):
            if row["rrn"]:
                groups[(row["merchant_no"], row["rrn"], row["card"])].append(row)
        return groups

    others = grouped(as_)
    return [
        (t, a)
        for key, group in grouped(ts).items()
        for t, a in zip(group, others.get(key, []), strict=False)
        if _agree(t["token"], a["token"]) and _agree(t["terminal_no"], a["terminal_no"])
    ]


def _agree(one: str, two: str) -> bool:
    return one == two or "" in (one, two)


def _way(txn: str) -> str:
    if txn in HOLDS:
        return txn
    return "back" if txn in BACK else "takes"


def _near(ts: list[Row], as_: list[Row]) -> list[tuple[Row, Row]]:
    def fits(t: Row, a: Row) -> bool:
        return (
            t["merchant_no"] == a["merchant_no"]
            and t["channel"] == a["channel"]
            and not (has_stan(t) and has_stan(a))
            and t["amount_minor"] is not None
            and t["amount_minor"] == a["amount_minor"]
            and _way(t["txn"]) == _way(a["txn"])
            and (t["card"] == a["card"] or not t["card"] or not a["card"])
            and (
                t["terminal_no"] == a["terminal_no"] or "" in (t["terminal_no"], a["terminal_no"])
            )
            and t["at"] > 0
            and a["at"] > 0
            and abs(t["at"] - a["at"]) <= 300
        )

    free = [(t, a) for t in ts for a in as_ if fits(t, a)]
    found: list[tuple[Row, Row]] = []
    for _ in range(2):
        of_t: dict[int, tuple[Row, Row]] = {}
        of_a: dict[int, tuple[Row, Row]] = {}
        for t, a in free:
            apart = abs(t["at"] - a["at"])
            best = of_t.get(t["id"])
            if best is None or (apart, a["at"], a["id"]) < (
                abs(t["at"] - best[1]["at"]),
                best[1]["at"],
                best[1]["id"],
            ):
                of_t[t["id"]] = (t, a)
            best = of_a.get(a["id"])
            if best is None or (apart, t["at"], t["id"]) < (
                abs(best[0]["at"] - a["at"]),
                best[0]["at"],
                best[0]["id"],
            ):
                of_a[a["id"]] = (t, a)
        now = [(t, a) for t, a in of_t.values() if of_a[a["id"]][0]["id"] == t["id"]]
        found += now
        t_ids, a_ids = {t["id"] for t, _ in now}, {a["id"] for _, a in now}
        free = [(t, a) for t, a in free if t["id"] not in t_ids and a["id"] not in a_ids]
    return found


def judged(t: Row, a: Row, match_pass: int) -> Row:
    """A pair with its verdict and its money."""
    booked, charged = money(t["txn"], t["amount_minor"]), money(a["txn"], a["amount_minor"])
    # What the acquirer had alone until now keeps its name.
    kept = match_pass == 1 and t["new"] and not a["new"]
    number_ = a["occurrence"] if kept else t["occurrence"]
    verdict = _verdict(t, a, booked, charged)
    effect = 0
    if verdict in ("NOT_CAPTURED", "VOID_NOT_APPLIED"):
        effect = -booked
    elif verdict == "AMOUNT_MISMATCH":
        effect = charged - booked
    elif verdict in (
        "DECLINED_BUT_CAPTURED",
        "REVERSED_BUT_SETTLED",
        "REVERSAL_STUCK",
        "REFUND_UNKNOWN",
    ):
        effect = charged
    here, there = t["amount_minor"], a["amount_minor"]
    if effect:
        amount = abs(effect)
    elif verdict in ("PREAUTH_OVER", "PREAUTH_UNDER", "AMOUNT_MISMATCH"):
        amount = abs(_known(here) - _known(there))
    elif t["status"] == "APPROVED" and not captured(a):
        amount = next((some for some in (here, there) if some is not None), 0)
    else:
        amount = next((some for some in (there, here) if some is not None), 0)
    pending = t["status"] == "PENDING" and verdict in ("REVERSAL_STUCK", "REFUND_UNKNOWN")
    return {
        "t_id": t["id"],
        "a_id": a["id"],
        "match_pass": match_pass,
        "row_key": named(terminal_key(t), number_),
        "merchant_no": t["merchant_no"],
        "terminal_no": t["terminal_no"],
        "channel": a["channel"],
        "day": a["day"],
        "verdict": verdict,
        "amount_minor": amount,
        "charged_minor": charged if captured(a) else 0,
        "booked_minor": booked if t["status"] == "APPROVED" else 0,
        "effect_minor": effect,
        "provisional": int(pending),
    }


def _known(amount: int | None) -> int:
    return -1 if amount is None else amount


def _verdict(t: Row, a: Row, booked: int, charged: int) -> str:
    status, txn = t["status"], t["txn"]
    more = _known(a["amount_minor"]) - _known(t["amount_minor"])
    if captured(a):
        if txn == a["txn"] == "PREAUTH":
            if status in ("DECLINED", "REVERSED", "SUSPENDED", "NEEDS_RECON"):
                return "PREAUTH_NOT_RELEASED"
            if status == "APPROVED" and more:
                return "PREAUTH_OVER" if more > 0 else "PREAUTH_UNDER"
        if status == "APPROVED":
            return "AMOUNT_MISMATCH" if more or booked != charged else "MATCHED"
        if status == "DECLINED":
            return "DECLINED_BUT_CAPTURED"
        if status == "REVERSED":
            return "REVERSED_BUT_SETTLED"
        return "REFUND_UNKNOWN" if txn == "REFUND" else "REVERSAL_STUCK"
    if status == "APPROVED":
        if txn == "PREAUTH_CANCEL":
            return "PREAUTH_NOT_RELEASED"
        return "VOID_NOT_APPLIED" if txn in ("VOID", "COMPLETION_VOID") else "NOT_CAPTURED"
    return status if status in ("DECLINED", "REVERSED") else "HEALED"


def terminal_alone(t: Row, books: Books, today: int) -> Row:
    """A row of the terminal without a partner."""
    booked = money(t["txn"], t["amount_minor"])
    approved = t["status"] == "APPROVED"
    if (t["merchant_no"], t["channel"], t["day"]) not in books.covered:
        verdict = "WAITING"
    elif approved and t["txn"] in ("VOID", "COMPLETION_VOID"):
        verdict = "VOID_NOT_APPLIED"
    elif approved:
        held = t["txn"] == "PREAUTH_CANCEL"
        verdict = "PREAUTH_NOT_RELEASED" if held else "TERMINAL_ONLY"
    else:
        verdict = t["status"] if t["status"] in ("DECLINED", "REVERSED") else "HEALED"
    grace = books.grace.get((t["channel"], t["day"]))
    return {
        **_alone(t, named(terminal_key(t), t["occurrence"]), verdict),
        "t_id": t["id"],
        "booked_minor": booked if approved else 0,
        "effect_minor": -booked if approved else 0,
        "provisional": int(approved and grace is not None and today <= grace),
    }


def acquirer_alone(a: Row, books: Books, today: int, marks: set[tuple[int, str]]) -> Row:
    """A row of the acquirer without a partner."""
    charged = money(a["txn"], a["amount_minor"]) if captured(a) else 0
    verdict = "DECLINED" if a["status"] == "DECLINED" else "HOST_ONLY"
    if captured(a):
        for code in ("COMPLETION_DUPLICATE", "DUPLICATE_CHARGE"):
            if (a["id"], code) in marks:
                verdict = code
    grace = books.grace.get((a["channel"], a["day"]))
    until = books.seen.get((a["merchant_no"], a["terminal_no"]))
    early = (until is not None and until < a["at"]) or (grace is not None and today <= grace)
    return {
        **_alone(a, named(acquirer_key(a), a["occurrence"]), verdict),
        "a_id": a["id"],
        "charged_minor": charged,
        "effect_minor": charged,
        "provisional": int(early and a["status"] != "DECLINED"),
    }


def _alone(row: Row, key: str, verdict: str) -> Row:
    names = ("merchant_no", "terminal_no", "channel", "day")
    return {
        "t_id": None,
        "a_id": None,
        "match_pass": 0,
        "row_key": key,
        **{name: row[name] for name in names},
        "verdict": verdict,
        "amount_minor": row["amount_minor"] or 0,
        "charged_minor": 0,
        "booked_minor": 0,
    }


def _charged_twice(own: Row, others: Iterable[Row], alone: set[int]) -> bool:
    def charge(row: Row) -> bool:
        return captured(row) and row["txn"] not in HOLDS | BACK

    alike = ("merchant_no", "terminal_no", "card", "amount_minor", "txn")
    if not charge(own):
        return False
    for other in others:
        if other["id"] == own["id"] or not charge(other):
            continue
        if own["amount_minor"] is None or any(own[name] != other[name] for name in alike):
            continue
        soon = 0 not in (own["at"], other["at"]) and abs(own["at"] - other["at"]) <= 600
        stan = has_stan(own) and (own["batch"], own["stan"]) == (other["batch"], other["stan"])
        rrn = own["rrn"] != "" and own["rrn"] == other["rrn"]
        first = other["id"] not in alone or (other["at"], other["id"]) < (own["at"], own["id"])
        if first and (soon or stan or rrn):
            return True
    return False


def _hold_events(
    carried: list[Row], acquirer: list[Row], pairs: list[Row], left: list[Row], books: Books
) -> tuple[list[Row], list[tuple[int, int, Row, int, int | None]]]:
    """All events of pre-authorisations, and of each new completion that counts: its id, the
    how-many-th it is, itself, the sum before it and the most that may be completed."""
    by_a = {pair["a_id"]: pair for pair in pairs}
    keys = {a["id"]: named(acquirer_key(a), a["occurrence"]) for a in left}
    known = [dict(event) for event in carried]
    for event in known:
        pair = by_a.get(event["a_id"])
        if event["kind"] == "HOLD" and event["t_id"] is None and pair:
            event.update({name: pair[name] for name in ("t_id", "match_pass", "row_key")})
    kinds = {"PREAUTH": "HOLD", "PREAUTH_CANCEL": "CANCEL", "COMPLETION_VOID": "UNDO"}
    kinds |= dict.fromkeys(COMPLETIONS, "COMPLETION")
    new = []
    for a in acquirer:
        if not captured(a) or a["txn"] not in kinds:
            continue
        pair = by_a.get(a["id"], {})
        names = (
            "merchant_no",
            "terminal_no",
            "channel",
            "day",
            "at",
            "card",
            "auth",
            "rrn",
            "orig_rrn",
        )
        new.append(
            {
                "kind": kinds[a["txn"]],
                "hold": str(a["id"]),
                "undone": 0,
                "a_id": a["id"],
                "t_id": pair.get("t_id"),
                "match_pass": pair.get("match_pass", 0),
                "row_key": pair.get("row_key", keys.get(a["id"])),
                "amount_minor": a["amount_minor"] or 0,
                **{name: a[name] for name in names},
            }
        )
    holds = [event for event in [*known, *new] if event["kind"] == "HOLD"]
    holds.sort(key=lambda event: (event["day"], event["at"], event["a_id"]))
    for event in new:
        if event["kind"] != "HOLD":
            event["hold"] = _hold_of(event, holds)
    events = [*known, *new]
    for event in new:
        if event["kind"] == "UNDO":
            for other in events:
                if other["kind"] == "COMPLETION" and _undoes(event, other):
                    other["undone"] = 1
    counted = []
    new_ids = {event["a_id"] for event in new}
    order = sorted(
        (event for event in events if event["kind"] == "COMPLETION" and not event["undone"]),
        key=lambda event: (event["a_id"] in new_ids, event["at"], event["a_id"]),
    )
    totals: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    held = {event["hold"]: event["amount_minor"] for event in holds}
    for event in order:
        count, before = totals[event["hold"]]
        totals[event["hold"]] = (count + 1, before + event["amount_minor"])
        if event["a_id"] in new_ids:
            amount = held.get(event["hold"])
            most = None if amount is None else amount * books.terms(event)[0] // 100
            counted.append((event["a_id"], count + 1, event, before, most))
    return events, counted


def _hold_of(event: Row, holds: list[Row]) -> str:
    """Of which pre-authorisation it is; the newest comes last in `holds`."""
    merchant, card, auth, rrn = (event[n] for n in ("merchant_no", "card", "auth", "orig_rrn"))
    for hold in reversed(holds):
        if rrn and (hold["merchant_no"], hold["rrn"]) == (merchant, rrn):
            return str(hold["hold"])
    for hold in reversed(holds):
        if auth and (hold["merchant_no"], hold["card"], hold["auth"]) == (merchant, card, auth):
            return str(hold["hold"])
    if rrn:
        return f"{merchant}|R|{rrn}"
    return f"{merchant}|C|{card}|{auth}" if auth else f"A|{event['a_id']}"


def _undoes(undo: Row, completion: Row) -> bool:
    if undo["merchant_no"] != completion["merchant_no"]:
        return False
    if undo["orig_rrn"]:
        return bool(undo["orig_rrn"] == completion["rrn"])
    names = ("card", "auth", "amount_minor")
    return undo["auth"] != "" and all(undo[name] == completion[name] for name in names)


def _kept(events: list[Row], day: int) -> list[Row]:
    groups = defaultdict(list)
    for event in events:
        groups[event["hold"]].append(event)
    kept = []
    for group in groups.values():
        kinds = {event["kind"] for event in group}
        is_open = "HOLD" in kinds and not kinds & {"COMPLETION", "CANCEL"}
        if is_open or day - max(event["day"] for event in group) <= 90:
            kept += group
    return kept


def _told(code: str, row: Row, amount_minor: int) -> Row:
    return {
        "code": code,
        "row_key": row["row_key"],
        "day": row["day"],
        "amount_minor": amount_minor,
        "effect_minor": 0,
        "provisional": 0,
        "match_pass": row["match_pass"],
        "t_id": row["t_id"],
        "a_id": row["a_id"],
    }


def _break(pair: Row) -> Row:
    names = ("row_key", "day", "amount_minor", "effect_minor", "provisional", "match_pass")
    return {
        "code": pair["verdict"],
        **{name: pair[name] for name in names},
        "t_id": pair["t_id"],
        "a_id": pair["a_id"],
    }
