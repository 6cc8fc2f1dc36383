"""What each rule of `companion alert` finds, on stores with real records, files and breaks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timezone
from pathlib import Path

import pytest
from sqlalchemy import update

from companion.accounts import own_cards, settlement
from companion.alerting import phrases, rules
from companion.alerting.alarm import Alarm
from companion.alerting.checks import check
from companion.cases import acts, deadlines, listing
from companion.cases.listing import Filter
from companion.reconcile.run import reconcile
from companion.statements.importing import import_file
from companion.store import Store, findings, terminals
from companion.store.breaks import Break, record_run
from companion.store.findings import Finding
from companion.store.schema import terminals as terminal_rows
from protocol import record
from tests.companion.sealed import CARD, DAY, MERCHANT, TERMINAL, DayFile, Device

# The clock of `Device` begins here: 2026-03-02 09:00:00 UTC, 17:00 in China.
BEGIN = 1772442000
MINUTE, HOUR, DAY_S = 60, 3600, 86400


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "store", create=True) as opened:
        yield opened


@pytest.fixture
def device(store: Store) -> Device:
    made = Device()
    made.offer(store)
    with store.write() as connection:
        terminals.confirm(connection, made.device_id)
    return made


def found(store: Store, rule: str, now: int) -> list[Alarm]:
    return [alarm for alarm in check(store, now).alarms if alarm.rule == rule]


def only(store: Store, rule: str, now: int) -> Alarm:
    (alarm,) = found(store, rule, now)
    return alarm


def heard(store: Store, at: int) -> None:
    """As if every terminal had been synced last at this instant."""
    text = datetime.fromtimestamp(at, timezone.utc).isoformat(timespec="seconds")
    with store.write() as connection:
        connection.execute(update(terminal_rows).values(last_sync_at=text))


def limits(store: Store, rule: str, on: bool | None = None, **numbers: int) -> None:
    with store.write() as connection:
        rules.choose(connection, rule, numbers, on, None, "LI")


def import_days(store: Store, folder: Path, **files: DayFile) -> None:
    for name, file in files.items():
        import_file(store, file.write(folder / f"{name}.csv"))


# Reversals.


def test_a_reversal_without_an_end_is_told_from_the_limit_on(store: Store, device: Device) -> None:
    device.armed(1, 2000)
    device.reversal(1)
    device.sync(store)
    begun = BEGIN + 2
    assert found(store, rules.REVERSAL_STUCK, begun + 30 * MINUTE - 1) == []
    alarm = only(store, rules.REVERSAL_STUCK, begun + 30 * MINUTE)
    assert (alarm.phrase, alarm.amount_minor, alarm.level) == ("reversal.waiting", 2000, 1)
    assert (alarm.merchant_no, alarm.terminal_no) == (MERCHANT, TERMINAL)
    assert "20.00 (batch 000001, STAN 000001) has not ended for 30 minutes" in phrases.said(alarm)
    later = only(store, rules.REVERSAL_STUCK, begun + 60 * MINUTE)
    assert later.worse_than(alarm) and later.key == alarm.key


@pytest.mark.parametrize("result", [record.REV_OK, record.REV_ABSENT])
def test_a_reversal_that_ended_is_not_told(store: Store, device: Device, result: int) -> None:
    device.sale(1, 2000, "suspended")
    device.reversal(1, attempt=4)
    device.reversal_end(1, result)
    device.sync(store)
    assert found(store, rules.REVERSAL_STUCK, BEGIN + DAY_S) == []


def test_a_reversal_that_was_given_up_and_then_found_charged_is_worse(
    store: Store, device: Device, tmp_path: Path
) -> None:
    device.sale(1, 2000, "suspended")
    device.sync(store)
    now = BEGIN + 40 * MINUTE
    before = only(store, rules.REVERSAL_STUCK, now)
    assert before.phrase == "reversal.suspended"
    import_days(store, tmp_path, day=DayFile().add(1, 2000))
    reconcile(store)
    after = only(store, rules.REVERSAL_STUCK, now)
    assert (after.key, after.phrase, after.amount_minor) == (before.key, "reversal.charged", 2000)
    assert after.worse_than(before)


def test_a_decided_case_ends_the_alert_of_its_reversal(
    store: Store, device: Device, tmp_path: Path
) -> None:
    device.sale(1, 2000, "suspended")
    device.sync(store)
    import_days(store, tmp_path, day=DayFile().add(1, 2000, "REVERSED"))
    reconcile(store)  # the host's row squares it: the terminal gets a verdict
    assert found(store, rules.REVERSAL_STUCK, BEGIN + DAY_S) == []


def test_the_terminal_that_took_a_number_over_ends_the_reversal(store: Store) -> None:
    old, new = Device("pz-old"), Device("pz-new")
    old.offer(store)
    with store.write() as connection:
        terminals.confirm(connection, "pz-old")
    old.armed(1, 700)
    old.reversal(1)
    old.sync(store)
    assert only(store, rules.REVERSAL_STUCK, BEGIN + HOUR).amount_minor == 700
    terminals.offer(store, new.config, replace=True)
    with store.write() as connection:
        terminals.confirm(connection, "pz-new")
    new.reversal_end(1, record.REV_OK)
    new.sync(store)
    assert found(store, rules.REVERSAL_STUCK, BEGIN + HOUR) == []


# Swipes.


def test_two_sales_of_one_card_and_amount_shortly_after_each_other_are_one_alert(
    store: Store, device: Device
) -> None:
    device.sale(1, 1250, "approved")
    device.sale(2, 1250, "approved")
    device.sync(store)
    alarm = only(store, rules.DOUBLE_SWIPE, BEGIN + MINUTE)
    assert (alarm.amount_minor, alarm.facts["first"], alarm.facts["stan"]) == (
        1250,
        "000001",
        "000002",
    )


def test_other_cards_amounts_terminals_times_and_declines_are_no_double_swipe(
    store: Store, device: Device
) -> None:
    device.sale(1, 1250, "approved")
    device.armed(2, 1250, token=b"another!")
    device.outcome(2, 1250)
    device.sale(3, 1251, "approved")
    device.sale(4, 1250, "declined")
    device._wall += 6 * MINUTE
    device.sale(5, 1250, "approved")
    device.sync(store)
    other = Device("pz-test-2", "10000002")
    other.offer(store)
    other.sale(1, 1250, "approved")
    other.sync(store)
    assert found(store, rules.DOUBLE_SWIPE, BEGIN + HOUR) == []
    limits(store, rules.DOUBLE_SWIPE, minutes=10)
    assert only(store, rules.DOUBLE_SWIPE, BEGIN + HOUR).facts["stan"] == "000005"


def test_a_double_swipe_of_which_one_was_voided_is_over(store: Store, device: Device) -> None:
    device.sale(1, 1250, "approved")
    device.sale(2, 1250, "approved")
    device.armed(3, 1250, txn=record.VOID, of=2)
    device.outcome(3, 1250)
    device.sync(store)
    assert found(store, rules.DOUBLE_SWIPE, BEGIN + MINUTE) == []


def test_the_merchants_own_card_is_told_before_anything_is_reconciled(
    store: Store, device: Device, tmp_path: Path
) -> None:
    number = "6222020000000007"
    with store.write() as connection:
        own_cards.add(connection, MERCHANT, number, "LI")
        (card,) = own_cards.cards(connection)
    device.armed(1, 5000, token=bytes.fromhex(next(iter(card.tokens))))
    device.outcome(1, 5000)
    device.sale(2, 5000, "approved")
    device.sync(store)
    alarm = only(store, rules.SELF_SWIPE, BEGIN + MINUTE)
    assert (alarm.amount_minor, alarm.facts["stan"]) == (5000, "000001")
    import_days(store, tmp_path, day=DayFile().add(1, 5000).add(2, 5000))
    reconcile(store)
    assert only(store, rules.SELF_SWIPE, BEGIN + MINUTE).key == alarm.key
    # The records are old by then, the break is not.
    assert only(store, rules.SELF_SWIPE, BEGIN + 10 * DAY_S).key == alarm.key
    assert found(store, rules.SELF_SWIPE, BEGIN + 40 * DAY_S) == []


# The approval rate.


def traded(store: Store, device: Device, tmp_path: Path, declined: int) -> int:
    """60 usual sales, reconciled, of which 6 are declined; 20 two days later with so many
    declined. The instant after them."""
    file = DayFile()
    for stan in range(1, 61):
        device.sale(stan, 100 + stan, "declined" if stan % 10 == 0 else "approved")
        file.add(stan, 100 + stan, "DECLINED" if stan % 10 == 0 else "CAPTURED")
    device.sync(store)
    import_days(store, tmp_path, day=file)
    reconcile(store)
    device._wall += 2 * DAY_S
    for stan in range(61, 81):
        device.sale(stan, 100 + stan, "declined" if stan <= 60 + declined else "approved")
    device.sync(store)
    return device._wall + MINUTE


def test_an_approval_rate_below_the_usual_one_is_told(
    store: Store, device: Device, tmp_path: Path
) -> None:
    now = traded(store, device, tmp_path, declined=10)
    alarm = only(store, rules.APPROVAL_RATE, now)
    assert (alarm.facts["rate"], alarm.facts["usual"], alarm.facts["answers"]) == (50, 90, 20)
    assert alarm.level == 2  # 40 points are twice the limit
    limits(store, rules.APPROVAL_RATE, answers=21)
    assert found(store, rules.APPROVAL_RATE, now) == []


def test_an_approval_rate_near_the_usual_one_is_not_told(
    store: Store, device: Device, tmp_path: Path
) -> None:
    now = traded(store, device, tmp_path, declined=5)
    assert found(store, rules.APPROVAL_RATE, now) == []
    limits(store, rules.APPROVAL_RATE, points=15)
    assert only(store, rules.APPROVAL_RATE, now).facts["rate"] == 75


# Statements and payouts.


def test_a_statement_is_told_when_its_day_has_passed_until_the_file_is_here(
    store: Store, device: Device, tmp_path: Path
) -> None:
    device.sale(1, 1000, "approved")
    device.sync(store)
    reconcile(store)
    # Of Monday 2 March, due on the next business day.
    tuesday = BEGIN + DAY_S
    assert found(store, rules.STATEMENT_LATE, tuesday) == []
    alarm = only(store, rules.STATEMENT_LATE, tuesday + DAY_S)
    assert (alarm.facts["day"], alarm.facts["due"], alarm.level) == (DAY, "2026-03-03", 1)
    assert "1 of the acquirer's statements (card) missing" in phrases.said(alarm)
    # Of Tuesday too by then.
    later = only(store, rules.STATEMENT_LATE, tuesday + 2 * DAY_S)
    assert later.worse_than(alarm) and (later.rows, later.level) == (2, 2)
    limits(store, rules.STATEMENT_LATE, days=2)
    assert found(store, rules.STATEMENT_LATE, tuesday + DAY_S) == []
    import_days(store, tmp_path, day=DayFile().add(1, 1000))
    # Here, if not reconciled yet.
    assert found(store, rules.STATEMENT_LATE, tuesday + 2 * DAY_S) == []


@pytest.mark.parametrize(
    "code",
    [
        "PAYOUT_MISSING",
        "PAYOUT_LATE",
        "PAYOUT_SHORT",
        "PAYOUT_OLD_ACCOUNT",
        "PAYOUT_WRONG_ACCOUNT",
    ],
)
def test_a_payout_that_is_not_as_it_should_be_is_told(store: Store, code: str) -> None:
    record_run(store, "test", [payout(code, 900)], {}, {})
    alarm = only(store, rules.PAYOUT, BEGIN)
    assert (alarm.amount_minor, alarm.merchant_no, alarm.level) == (900, MERCHANT, 1)
    assert "9.00, settlement of 2026-03-02 (card)" in phrases.said(alarm)
    record_run(store, "test", [payout(code, 901)], {}, {})
    assert only(store, rules.PAYOUT, BEGIN).worse_than(alarm)
    assert only(store, rules.PAYOUT, BEGIN + 6 * DAY_S).level == 2


def payout(code: str, amount: int) -> Break:
    key = f"{MERCHANT}|card|20260302|PAYOUT"
    who = (MERCHANT, "", DAY)
    return Break(code, key, *who, amount, 0, False, "why", "acquirer", {}, owed_minor=amount)


def test_a_changed_account_to_which_nothing_has_come_is_told(
    store: Store, device: Device, tmp_path: Path
) -> None:
    with store.write() as connection:
        settlement.tell(connection, MERCHANT, "card", "6222020000001111", "LI")
        to = "6222020000002222"
        change = settlement.ask(connection, MERCHANT, "card", to, date(2026, 3, 2), "LI", "")
        settlement.approve(connection, change, "WANG")
    device.sale(1, 1000, "approved")
    device.sync(store)
    import_days(store, tmp_path, day=DayFile().add(1, 1000))
    reconcile(store)
    assert found(store, rules.PAYOUT, BEGIN) == []
    later = DayFile(day="2026-03-05").add(2, 700)
    import_days(store, tmp_path, later=later)
    reconcile(store)
    alarm = only(store, rules.PAYOUT, BEGIN + 3 * DAY_S)
    assert alarm.phrase == "payout.unseen"
    said = phrases.said(alarm)
    assert "counts from 2026-03-02 (card); the first was due until 2026-03-04" in said


# Terminals.


def test_a_terminal_that_is_not_synced_is_told_and_again_after_twice_the_time(
    store: Store, device: Device
) -> None:
    heard(store, BEGIN)
    assert found(store, rules.TERMINAL_SILENT, BEGIN + 24 * HOUR - 1) == []
    alarm = only(store, rules.TERMINAL_SILENT, BEGIN + 24 * HOUR)
    assert (alarm.key, alarm.level) == (device.device_id, 1)
    assert "not synced for 24 hours" in phrases.said(alarm)
    assert only(store, rules.TERMINAL_SILENT, BEGIN + 48 * HOUR).worse_than(alarm)


def test_a_terminal_that_was_replaced_may_be_silent(store: Store, device: Device) -> None:
    heard(store, BEGIN)
    with store.write() as connection:
        connection.execute(update(terminal_rows).values(state="retired"))
    assert found(store, rules.TERMINAL_SILENT, BEGIN + 99 * HOUR) == []


def test_a_journal_is_nearly_full_by_its_pace_and_the_time_since_the_last_sync(
    store: Store, device: Device
) -> None:
    for stan in range(1, 51):
        device.sale(stan, 100 + stan, "approved")
    device.sync(store)
    heard(store, BEGIN)
    # 100 records of one slot in less than a day: 100 slots a day.
    limits(store, rules.JOURNAL_FULL, slots=1000)
    assert found(store, rules.JOURNAL_FULL, BEGIN + 7 * DAY_S - 1) == []
    alarm = only(store, rules.JOURNAL_FULL, BEGIN + 7 * DAY_S)
    assert (alarm.facts["percent"], alarm.facts["slots"]) == (70, 100)
    assert "an estimate" in phrases.said(alarm)


def test_a_record_that_takes_several_slots_counts_so_often(store: Store, device: Device) -> None:
    chip = {"entry": "051", "chip": bytes(200), "card": bytes(16), "card_key": 1, "host": 0}
    original = {"orig_batch": 0, "orig_stan": 0, "orig_date": "", "orig_rrn": "", "orig_auth": ""}
    sale = {"txn": record.SALE, "stan": 1, "batch": 1, "amount_minor": 1, "displayed_minor": 1}
    device.add(record.ARMED, pan=CARD, token=b"tokentok", **sale, **chip, **original)
    device.sync(store)
    heard(store, BEGIN)
    limits(store, rules.JOURNAL_FULL, slots=31, percent=9)
    assert only(store, rules.JOURNAL_FULL, BEGIN + DAY_S).facts["slots"] == 3


def test_what_is_wrong_with_a_journal_is_told_as_synced_and_as_reconciled(
    store: Store, device: Device
) -> None:
    for stan in range(1, 4):
        device.sale(stan, 100, "declined")
    device.payloads[2] = device.payloads[3] = None
    device.sync(store)
    alarm = only(store, rules.JOURNAL_DAMAGE, BEGIN)
    assert (alarm.rows, alarm.facts["first"], alarm.facts["last"]) == (2, 3, 4)
    reconcile(store)
    assert only(store, rules.JOURNAL_DAMAGE, BEGIN) == alarm
    with store.write() as connection:
        finding = Finding(device.device_id, findings.ROLLBACK, 5, 9, "went back")
        findings.note(connection, finding)
    codes = [one.facts["code"] for one in found(store, rules.JOURNAL_DAMAGE, BEGIN)]
    assert sorted(map(str, codes)) == ["JOURNAL_GAP", "JOURNAL_ROLLBACK"]


def test_what_a_person_has_decided_is_told_no_more(store: Store, device: Device) -> None:
    device.sale(1, 100, "declined")
    device.payloads[0] = None
    device.sync(store)
    reconcile(store)
    assert only(store, rules.JOURNAL_DAMAGE, BEGIN)
    with store.write() as connection:
        (case,) = listing.listed(connection, Filter())
        desk = acts.Desk(connection, "LI", deadlines.today(), deadlines.after(connection))
        desk.resolve(case.id, "the flash was replaced")
    assert found(store, rules.JOURNAL_DAMAGE, BEGIN) == []


# Cases.


def test_a_case_past_its_deadline_is_told_with_its_money(
    store: Store, device: Device, tmp_path: Path
) -> None:
    device.sale(1, 2000, "suspended")
    device.sync(store)
    import_days(store, tmp_path, day=DayFile().add(1, 2000))
    reconcile(store)
    with store.read() as connection:
        (case,) = listing.listed(connection, Filter())
    assert case.due == "2026-03-04"
    due = BEGIN + 2 * DAY_S
    assert found(store, rules.CASE_OVERDUE, due) == []
    alarm = only(store, rules.CASE_OVERDUE, due + DAY_S)
    assert (alarm.key, alarm.amount_minor, alarm.level) == (case.id, 2000, 1)
    assert f"case {case.id[:8]}: reversal not finished, charged, 20.00" in phrases.said(alarm)
    assert only(store, rules.CASE_OVERDUE, due + 2 * DAY_S).level == 2


# All of them.


def test_a_rule_that_is_off_finds_nothing(store: Store, device: Device) -> None:
    heard(store, BEGIN)
    assert only(store, rules.TERMINAL_SILENT, BEGIN + 2 * DAY_S)
    limits(store, rules.TERMINAL_SILENT, on=False)
    assert found(store, rules.TERMINAL_SILENT, BEGIN + 2 * DAY_S) == []


def test_every_sentence_is_there_in_both_languages_with_the_same_facts() -> None:
    def places(text: str) -> list[str]:
        return sorted(part.split("}")[0] for part in text.split("{")[1:])

    for name, (english, chinese) in phrases.SENTENCES.items():
        assert places(english) == places(chinese), name
        assert not {"card", "token", "account"} & set(places(english)), name
    for rule in rules.RULES.values():
        assert all(rule.label) and rule.label[0].isascii() and not rule.label[1].isascii()


def test_spans_are_said_in_the_largest_unit_of_which_there_are_two() -> None:
    said = [phrases.span(value, "en") for value in (5, 119, 120, 7199, 7200, 172799, 172800)]
    assert said == [
        *("5 seconds", "119 seconds", "2 minutes", "119 minutes", "2 hours", "47 hours"),
        "2 days",
    ]
    assert phrases.span(3 * DAY_S, "zh") == "3 天"
