"""What all sections of the settings have in common."""

from pydantic import ConfigDict

STRICT = ConfigDict(extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True)
"""Unknown keys are mistakes, values never change and are not converted."""
