"""The hello applications: one small, well-made program for each language."""

from pathlib import Path

LANGUAGES = ("java", "php", "node", "go", "python", "static")


def template(language: str) -> Path:
    """The folder that holds the application of one of `LANGUAGES`."""
    return Path(__file__).parents[1] / "templates" / language


def files(language: str) -> list[str]:
    """Its files' paths inside that folder, in order."""
    folder = template(language)
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(path.as_posix() for path in found if "__pycache__" not in path.parts)
