"""Numbered migrations of the store: `NNN_what.sql`, applied in order, never edited."""
