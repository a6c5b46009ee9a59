"""Texts made to be slow to read, or to break what reads them."""

import itertools
import time

import pytest

from paas.core.languages import detect
from paas.core.languages.facts import TEXT_LIMIT, survey
from paas.errors import Invalid
from tests.unit.core.languages.sources import Tree

NAMES = (
    "package.json", ".nvmrc", "requirements.txt", "pyproject.toml", "Pipfile", "go.mod", "pom.xml",
    "build.gradle", "composer.json", "Procfile", "main.py", "main.go", "manage.py",
)  # fmt: skip
PIECES = (
    "9.9=1\n", "[a" + ".a" * 400 + "]\n", "\n", " ", "\t", "a", "1", "9.",
    "<!--", "[", "{", '"', "'", "=", "a = [", "x: y ", "go ",
    "module ", "package ", "<source>", "app = ", "a=", "DJANGO_SETTINGS_MODULE'", "@ ", "-e",
    '{"a":', "\0", "^1 ", "||",
)  # fmt: skip
SECONDS = 10.0


@pytest.mark.parametrize("name", NAMES)
def test_no_text_takes_long_or_breaks_it(name: str) -> None:
    ends = ("", "web: a", "\nx")
    began = time.monotonic()
    for piece, end in itertools.product(PIECES, ends):
        text = (piece * TEXT_LIMIT)[: TEXT_LIMIT - 10] + end
        try:
            detect.choose(survey(Tree({name: text, "index.js": "", "app.py": ""})))
        except Invalid:
            continue
    assert time.monotonic() - began < SECONDS


@pytest.mark.parametrize("piece", [*PIECES, "9" * 300, ">=" + "9" * 300])
def test_no_version_does(piece: str) -> None:
    text = (piece * 50_000)[:50_000]
    quoted = text.translate({ord(letter): None for letter in '"\n\0\t\\'})
    for files in (
        {"package.json": f'{{"main": "a.js", "engines": {{"node": "{quoted}"}}}}', "a.js": ""},
        {"pyproject.toml": f'[project]\nrequires-python = "{quoted}"', "main.py": ""},
        {"composer.json": f'{{"require": {{"php": "{quoted}"}}}}', "index.php": ""},
        {"pom.xml": f"<java.version>{quoted}"},
        {".python-version": text, "main.py": ""},
    ):
        began = time.monotonic()
        assert "FROM " in detect.choose(survey(Tree(files))).dockerfile
        assert time.monotonic() - began < 5
