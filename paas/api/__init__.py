"""The HTTP API: parses at the edge, calls the control plane, renders what it answers."""
