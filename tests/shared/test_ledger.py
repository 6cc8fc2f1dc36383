"""The sealed journal after a restart: what is replayed, and what damage does to it."""

from protocol import record, seal
from terminal import entries
from terminal.journal import Journal, JournalFault
from terminal.ledger import Ledger
from terminal.state import State
from tests.shared.expect import raises
from tests.shared.test_journal import Flash, fresh

KEY = bytes(range(32))


def note(ledger: Ledger, detail: str = "") -> int:
    rec = entries.note("TEST", detail)[1]
    rec["wall"] = 0
    return ledger.append(rec)


def replayed(ledger: Ledger) -> tuple:
    good: list[int] = []
    lost: list[int] = []
    ledger.replay(lambda seq, rec: good.append(seq), lost.append)
    return good, lost


def damage(flash: Flash, payload: bytes) -> None:
    at = bytes(flash.data).find(payload)
    assert at >= 0
    flash.data[at] ^= 0x40


def test_each_seal_covers_the_one_before_it_over_a_restart():
    flash, journal = fresh(4)
    ledger = Ledger(journal, KEY, "PZ-1")
    note(ledger, "a")
    journal = Journal(flash)
    journal.mount()
    ledger = Ledger(journal, KEY, "PZ-1")
    note(ledger, "b")
    head = seal.first(KEY, "PZ-1")
    for seq in (1, 2):
        data, sealed = seal.split(ledger.read(seq))
        assert sealed == seal.seal(KEY, head, data)
        head = sealed


def test_replay_begins_at_the_newest_checkpoint():
    _, journal = fresh(8)
    ledger = Ledger(journal, KEY, "PZ-1")
    for seq in range(1, 131):
        if seq in (3, 20):
            rec = entries.checkpoint(State())[1]
            rec["wall"] = 0
            ledger.append(rec)
        else:
            note(ledger)
    assert replayed(ledger) == (list(range(20, 131)), [])


def test_a_damaged_record_is_told_of_in_its_place():
    flash, journal = fresh(4)
    ledger = Ledger(journal, KEY, "PZ-1")
    for detail in ("a", "b", "c"):
        note(ledger, detail)
    damage(flash, ledger.read(2))
    assert replayed(ledger) == ([1, 3], [2])
    assert ledger.record_at(2) is None


def test_a_search_is_given_only_the_records_with_these_bytes_in_them():
    _, journal = fresh(4)
    ledger = Ledger(journal, KEY, "PZ-1")
    for detail in ("A12345", "A12346"):
        note(ledger, detail)
    assert ledger.record_at(1, b"A12345")["detail"] == "A12345"
    assert ledger.record_at(2, b"A12345") is None


def test_room_is_negative_after_a_fault_in_housekeeping_and_nought_when_it_is_full():
    flash, journal = fresh(4)
    ledger = Ledger(journal, KEY, "PZ-1")
    while ledger.room():
        note(ledger)
    assert ledger.room() == 0
    flash, journal = fresh(4)
    ledger = Ledger(journal, KEY, "PZ-1")
    note(ledger)

    def fails(block: int, buf: bytes, offset: int = 0) -> None:
        raise OSError(5)

    flash.writeblocks = fails
    raises(JournalFault, ledger.release, 2)
    assert ledger.room() == -1


def test_a_payload_too_short_for_a_seal_is_a_damaged_record():
    _, journal = fresh(4)
    ledger = Ledger(journal, KEY, "PZ-1")
    note(ledger)
    journal.append(b"short")
    note(ledger)
    assert replayed(ledger) == ([1, 3], [2])


def test_a_flash_that_cannot_be_read_is_a_fault_and_not_a_gap():
    flash, journal = fresh(4)
    ledger = Ledger(journal, KEY, "PZ-1")
    note(ledger)

    def fails(block: int, buf: bytearray, offset: int = 0) -> None:
        raise OSError(5)

    flash.readblocks = fails
    raises(JournalFault, ledger.replay, None, None)


def test_a_record_that_was_not_stored_has_no_place_in_the_chain():
    _, journal = fresh(4)
    ledger = Ledger(journal, KEY, "PZ-1")
    journal.read_only = True
    raises(JournalFault, note, ledger, "a")
    journal.read_only = False
    note(ledger, "b")
    data, sealed = seal.split(ledger.read(1))
    assert sealed == seal.seal(KEY, seal.first(KEY, "PZ-1"), data)


def test_a_record_that_breaks_its_schema_moves_nothing():
    _, journal = fresh(4)
    ledger = Ledger(journal, KEY, "PZ-1")
    head = ledger._head
    raises(record.RecordError, ledger.append, {"kind": record.NOTE, "wall": 0, "code": "x" * 17})
    assert ledger._head == head and ledger.next_seq == 1


NEW_KEY = bytes(range(32, 64))


def remounted(flash: Flash, generation: int = 1) -> Ledger:
    """The ledger after a start with the new key."""
    journal = Journal(flash)
    journal.mount()
    ledger = Ledger(journal, NEW_KEY, "PZ-1")
    ledger.rekey(KEY, generation, 7)
    return ledger


def sealed_with(ledger: Ledger) -> list:
    """Which key sealed each record: 0 the old one, 1 the new one, None neither."""
    head = seal.first(KEY, "PZ-1")
    found: list = []
    for seq in range(1, ledger.next_seq):
        data, sealed = seal.split(ledger.read(seq))
        fits = [
            number
            for number, key in enumerate((KEY, NEW_KEY))
            if seal.seal(key, head, data) == sealed
        ]
        found.append(fits[0] if fits else None)
        head = sealed
    return found


def test_a_new_key_begins_behind_a_record_that_the_old_one_seals():
    for before in (0, 1, 5):
        flash, journal = fresh(4)
        old = Ledger(journal, KEY, "PZ-1")
        for _ in range(before):
            note(old)
        ledger = remounted(flash)
        note(ledger)
        assert sealed_with(ledger) == [0] * (before + 1) + [1]
        rekeyed = ledger.record_at(before + 1)
        assert rekeyed == {"kind": record.REKEYED, "wall": 7, "generation": 1}
        for _ in range(2):
            ledger = remounted(flash)
            note(ledger)
        assert sealed_with(ledger) == [0] * (before + 1) + [1] * 3


def test_a_start_right_after_the_change_of_key_does_not_repeat_it():
    flash, journal = fresh(4)
    note(Ledger(journal, KEY, "PZ-1"))
    assert remounted(flash).next_seq == 3
    assert remounted(flash).next_seq == 3
    assert remounted(flash, generation=2).next_seq == 4


def test_damage_at_the_end_does_not_hide_which_key_is_in_use():
    flash, journal = fresh(4)
    note(Ledger(journal, KEY, "PZ-1"), "old")
    ledger = remounted(flash)
    for detail in "abcd":
        note(ledger, detail)
    for seq in (5, 6):
        damage(flash, ledger.read(seq))
    ledger = remounted(flash)
    note(ledger, "e")
    kinds = [(ledger.record_at(seq) or {}).get("kind") for seq in range(1, ledger.next_seq)]
    assert kinds.count(record.REKEYED) == 1


def test_in_a_full_journal_the_old_key_goes_on():
    flash, journal = fresh(4)
    old = Ledger(journal, KEY, "PZ-1")
    while old.room() > 0:
        note(old)
    ledger = remounted(flash)
    assert ledger.next_seq == old.next_seq
    ledger.release(ledger.next_seq - 1)
    while ledger.idle():
        pass
    note(ledger)
    data, sealed = seal.split(ledger.read(ledger.next_seq - 1))
    before = seal.split(ledger.read(ledger.next_seq - 2))[1]
    assert sealed == seal.seal(KEY, before, data)
    assert remounted(flash).record_at(ledger.next_seq)["kind"] == record.REKEYED
