"""Named, supervised tasks; back-off; the clock."""
