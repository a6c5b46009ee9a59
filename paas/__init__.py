"""paas: a single-host application platform (see ARCHITECTURE.md)."""

__version__ = "0.1.0"
