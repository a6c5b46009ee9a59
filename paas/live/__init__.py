"""What the two planes share: the board, in memory, on the event loop."""
