"""What the engine does when nothing is going on: checkpoints, and the end of the card key."""

from terminal import entries, state

# The card key is erased this long after its first use, when nothing is pending. Not after every
# sale: each time costs a sector erase, and a sector has about 100,000.
CARD_KEY_MS = 30 * 60 * 1000

_KEPT = 1
_EXPIRING = 2
_FORGOTTEN = 3


class Upkeep:
    """Effects for idle time; ``known`` is the fold over the journal."""

    def __init__(self, known) -> None:
        self._known = known
        self._cards = _KEPT

    def card_used(self) -> None:
        """A card's ciphertext goes into the journal under the present key."""
        if self._cards == _FORGOTTEN:
            self._cards = _KEPT

    def idle(self) -> list:
        """Nothing is under way."""
        known = self._known
        if not known.quiet():
            return []
        effects = []
        if self._cards == _KEPT:
            self._cards = _EXPIRING
            effects.append(("timer", "forget", 0, CARD_KEY_MS))
        # With a case too many for the record the older checkpoint has to do, until a sync.
        fits = len(known.suspended) <= state.MAX_SUSPENDED
        if known.since_checkpoint >= state.CHECKPOINT_EVERY and fits:
            effects.append(entries.checkpoint(known))
        return effects

    def forget_cards(self, busy: bool) -> list:
        """The key's time is up: it goes, unless a reversal can still need a PAN (I12)."""
        known = self._known
        for case in known.suspended:
            # Pendings of another terminal have no ciphertext here.
            if case not in known.recon and known.cases.get(case, {}).get("card") != b"":
                busy = True
        if busy or known.open:
            self._cards = _KEPT
            return []
        self._cards = _FORGOTTEN
        return [("forget_cards",)]
