"""Pure decisions: frozen values and functions, no I/O, no clock, no randomness."""
