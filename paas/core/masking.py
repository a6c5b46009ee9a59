"""Secrets never appear in kept output."""

from collections.abc import Iterable

MASK = "***"
SHORTEST = 4
"""Shorter values are not masked: they would blot out ordinary text."""


def mask(text: str, secrets: Iterable[str]) -> str:
    """The text with every secret of at least four characters replaced, longest first.

    A secret of several lines is masked line by line, because output arrives in lines.
    """
    parts = {line for secret in secrets for line in secret.splitlines() if len(line) >= SHORTEST}
    for part in sorted(parts, key=lambda part: (-len(part), part)):
        text = text.replace(part, MASK)
    return text
