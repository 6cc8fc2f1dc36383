"""The seal keys that a third party may be given: only those that seal nothing any more."""

from __future__ import annotations

from companion.cases.errors import CaseError
from companion.evidence.dossier import Dossier
from companion.store import Store, records, terminals

_RETIRED = "retired"


def seal_keys(store: Store, dossier: Dossier) -> dict[str, list[str | None]]:
    """Device id -> its keys in hexadecimal, in the order of their generations, as verify.py reads
    them; None for a generation that no record of the dossier has.

    Raises CaseError when a terminal in service still seals with one of them: whoever has it could
    go on where the journal ends.
    """
    given: dict[str, list[str | None]] = {}
    with store.read() as connection:
        for journal in dossier.journals:
            needed = {one.generation for one in journal.records}
            terminal = terminals.find(connection, journal.device_id)
            if terminal is None or not needed:
                continue
            now = records.generation(connection, terminal.device_id, terminal.next_seq)
            if terminal.state != _RETIRED and now in needed:
                raise CaseError(
                    f"{terminal.device_id} still seals with the key of these records: "
                    f"`companion rotate {terminal.device_id}`, sync it, and then once more"
                )
            keys = terminals.seal_keys(connection, terminal)
            given[terminal.device_id] = [
                key.hex() if at in needed else None for at, key in enumerate(keys)
            ]
    return given
