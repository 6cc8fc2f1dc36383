"""Evidence packs: a case as papers that an acquirer or a bank can act on, and check."""
