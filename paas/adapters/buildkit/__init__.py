"""Builds with the engine's BuildKit: a session that serves it, and the build itself."""
