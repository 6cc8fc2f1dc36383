"""The reconciliation rules, once, as ibis expressions that every engine runs alike."""
