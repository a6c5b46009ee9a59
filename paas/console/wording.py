"""The console's two languages. Words live in `words/<language>/<page>.json`, one key a text."""

import json
from collections.abc import Mapping
from importlib.resources import files

LANGUAGES = ("en", "zh")
NAMES = {"en": "English", "zh": "中文"}

Words = Mapping[str, str]


def load(language: str) -> Words:
    """All texts of a language. Raises `ValueError` for a key that two files hold."""
    found: dict[str, str] = {}
    for file in (files("paas.console") / "words" / language).iterdir():
        for key, text in json.loads(file.read_text(encoding="utf-8")).items():
            if key in found:
                raise ValueError(f"{language}: {key} stands in {file.name} and another file")
            found[key] = text
    return found


def choose(cookie: str, accepted: str) -> str:
    """The language that somebody chose, else the one that the browser likes best."""
    if cookie in LANGUAGES:
        return cookie
    best = max(map(_preference, accepted.split(",")), default=(0.0, ""))
    return "zh" if best[1].startswith("zh") else "en"


def _preference(item: str) -> tuple[float, str]:
    tag, _, quality = item.strip().lower().partition(";q=")
    try:
        return float(quality or 1), tag
    except ValueError:
        return 0.0, tag
