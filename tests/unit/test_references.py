"""The generated pages of docs/ are in step with what they are made from."""

import subprocess
import sys
from pathlib import Path

import pytest

from paas.api import openapi
from paas.api.meanings import MEANINGS
from paas.api.table import ROUTES

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("page", ["api", "cli"])
def test_the_page_is_what_its_script_writes(page: str) -> None:
    command = [sys.executable, f"scripts/{page}_reference.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_meaning_is_of_a_field_that_is_there() -> None:
    schemas = openapi.document(ROUTES)["components"]["schemas"]
    for model, fields in MEANINGS.items():
        schema = schemas.get(model) or schemas[f"{model}-Input"]
        for field, text in fields.items():
            assert schema["properties"][field]["description"] == text
